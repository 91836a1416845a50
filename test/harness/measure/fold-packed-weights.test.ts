import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { countParameters } from '../../../harness/measure/count-parameters.ts';
import { foldPackedWeights } from '../../../harness/measure/fold-packed-weights.ts';
import { measureSize } from '../../../harness/measure/size.ts';
import { string } from '../../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import int8Dynamic from '../../../methods/quantization/int8-dynamic.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyBert, tinyLlama } from '../../support/tiny-model.ts';

function rounded(model: Model, params: Readonly<Record<string, unknown>>): Model {
  return rtn.compress(model, methodContext({ method: rtn, variant: '', params, model }).context) as Model;
}

describe('foldPackedWeights', () => {
  it.each([true, false])(
    'resolves 3-bit codes to the number of weights they represent, symmetric %s',
    async (symmetric) => {
      const model = tinyLlama();
      const format = { groupSize: 32, symmetric };
      const count = async (bits: number) => {
        const { onnx } = rounded(model, { bits, ...format });
        return countParameters(await foldPackedWeights(onnx));
      };
      const [three, four] = [await count(3), await count(4)];
      expect(three.parameters).toBe(four.parameters);
      // The coarser grid rounds more weights to zero, though not many more.
      expect(three.nonZero).toBeLessThan(four.nonZero);
      expect(three.nonZero).toBeGreaterThan(0.7 * three.parameters);
    },
  );

  it('counts exactly the non-zero codes', async () => {
    const model = tinyBert();
    const linear = model.linears[0]!;
    const count = async (...values: number[]) => {
      const weight = new Float32Array(linear.inFeatures * linear.outFeatures);
      weight.set(values);
      const holed = model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
      return measureSize(writeModel(rounded(holed, { bits: 3, groupSize: 16 }).onnx), { tiedEmbedding: false });
    };
    // Each lies in a column of its own, so each is the extreme of its group.
    const [none, four] = [await count(), await count(1, -1, 0.5, 0.01)];
    expect(four.nonZeroParameters - none.nonZeroParameters).toBe(4);
    expect(four.parameters).toBe(none.parameters);
  });

  it('keeps weights that are multiplied at load time, and models with nothing to fold', async () => {
    const b = createGraphBuilder({ name: 'factors', opset: 21 });
    const x = b.input('x', 'float32', ['rows', 8]);
    const down = b.initializer('down', tensorOf('float32', [8, 2], new Float32Array(16).fill(1)));
    const up = b.initializer('up', tensorOf('float32', [2, 8], new Float32Array(16).fill(1)));
    b.output(b.matmul(x, b.matmul(down, up)), { dtype: 'float32', dims: ['rows', 8] });
    const model = b.build();
    expect(await foldPackedWeights(model)).toBe(model);
    expect(countParameters(model).parameters).toBe(32);
  });

  it('counts the codes of an embedding once, although the output layer reads them transposed', async () => {
    const model = tinyLlama();
    const { context } = methodContext({ method: int8Dynamic, variant: 'channel-e8', model });
    const { onnx } = await int8Dynamic.compress(model, context);
    const size = (of: Model['onnx']) => measureSize(writeModel(of), { tiedEmbedding: true });
    expect((await size(onnx)).parameters).toBe((await size(model.onnx)).parameters);
  });

  it('unpacks floats looked up by packed codes', async () => {
    const b = createGraphBuilder({ name: 'look up', opset: 21 });
    const x = b.input('x', 'float32', ['rows', 4]);
    const bytes = b.initializer('bytes', tensorOf('uint8', [4, 1], Uint8Array.of(0x10, 0x32, 0x10, 0x00)));
    const shifts = b.initializer('shifts', tensorOf('uint8', [2], Uint8Array.of(0, 4)));
    const low = b.initializer('low', tensorOf('uint8', [], Uint8Array.of(15)));
    const [shifted = ''] = b.node('BitShift', [bytes, shifts], { attributes: { direction: string('RIGHT') } });
    const [codes = ''] = b.node('BitwiseAnd', [shifted, low]);
    const book = b.initializer('book', tensorOf('float32', [4], Float32Array.of(0, 1, 2, 3)));
    b.output(b.matmul(x, b.gather(book, b.cast(codes, { to: 'int32' }))), { dtype: 'float32', dims: ['rows', 2] });
    expect(countParameters(await foldPackedWeights(b.build()))).toEqual({ parameters: 8, nonZero: 4 });
  });
});
