import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { writeModel } from '../../../numerics/onnx/write.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { fromFloat16Bits } from '../../../numerics/tensor/float16.ts';
import fp16 from '../../../methods/quantization/fp16.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const compress = (model: Model) =>
  fp16.compress(model, methodContext({ method: fp16, variant: 'w16', model }).context) as Model;

describe('fp16', () => {
  it('stores each weight, the embedding too, within half a unit in the last place of float16', () => {
    const model = tinyLlama({ tied: false });
    const { graph } = compress(model).onnx;
    const names = [...model.linears, model.roles.head].map((linear) => linear?.weight ?? '');
    for (const name of [...names, model.roles.embedding.weight]) {
      expect(graph.initializers.has(name)).toBe(false);
      const stored = graph.initializers.get(`${name}.float16`);
      if (stored?.dtype !== 'float16') throw new Error(`${name} is not stored as float16`);
      const patterns = new Uint16Array(stored.bytes.slice().buffer);
      const dense = model.onnx.graph.initializers.get(name);
      if (dense === undefined) throw new Error(`no ${name}`);
      elements(dense, 'float32').forEach((value, at) => {
        const limit = Math.max(Math.abs(value) * 2 ** -11, 2 ** -25);
        expect(Math.abs(fromFloat16Bits(patterns[at]!) - value)).toBeLessThanOrEqual(limit);
      });
    }
  });

  it('nearly halves the file of a model whose weights outweigh its graph', () => {
    const model = tinyLlama({ width: 128, hiddenWidth: 256, vocabularySize: 512 });
    const share = writeModel(compress(model).onnx).byteLength / writeModel(model.onnx).byteLength;
    expect(share).toBeGreaterThan(0.49);
    expect(share).toBeLessThan(0.53);
  });

  it('refuses a weight beyond the range of float16', () => {
    const model = tinyLlama();
    const linear = model.linears[0]!;
    const { inFeatures, outFeatures } = linear!;
    const large = model.weight(linear).map((value, at) => (at === 7 ? 70_000 : value));
    expect(() => compress(model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], large)))).toThrow(
      NumericalError,
    );
  });
});
