import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import qlora, { roundedBase } from '../../../methods/quantization/qlora-recovery.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60, 2, 8],
  [5, 5, 40, 12, 7, 21, 3, 50],
];

describe('roundedBase', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'stores the weights used in training: %s',
    async (_, model) => {
      for (const base of ['nf4', 'w4g32', 'w3g32', 'w2g32'] as const) {
        const { dense, packed } = roundedBase(model, base);
        const [seen, stored] = [await logitsOf(dense, rows), await logitsOf(packed, rows)];
        const distance = Math.hypot(...seen.map((value, at) => value - stored[at]!)) / Math.hypot(...seen);
        // But for kernels that round their inputs to 8 bits.
        expect(distance).toBeLessThan(base === 'nf4' ? 1e-5 : 0.05);
      }
    },
  );
});

describe('qlora-recovery', () => {
  const training = countingExamples();
  async function trained(params: Readonly<Record<string, unknown>>, model: Model = tinyGpt()) {
    const all = { rank: 8, steps: 60, learningRate: 1e-2, ...params };
    const { context, spent } = methodContext({ method: qlora, variant: '', params: all, model, training });
    return { compressed: await qlora.compress(model, context), spent };
  }

  it.each(['w2g32', 'nf4'] as const)('recovers quality beside a frozen base of %s', async (base) => {
    const model = tinyGpt();
    const { compressed, spent } = await trained({ base });
    expect(spent.steps).toBe(60);
    const { packed } = roundedBase(model, base);
    expect(await nextTokenLoss(compressed, training)).toBeLessThan(0.7 * (await nextTokenLoss(packed, training)));
    for (const [name, tensor] of packed.onnx.graph.initializers) {
      expect(compressed.onnx.graph.initializers.get(name)?.dims, name).toEqual(tensor.dims);
      if (tensor.dtype === 'string') continue;
      const { bytes } = compressed.onnx.graph.initializers.get(name) as typeof tensor;
      expect(Buffer.compare(bytes, tensor.bytes), name).toBe(0);
    }
  });

  it('stores its adapters in float16 beside each layer', async () => {
    const model = tinyLlama();
    const { compressed } = await trained({ base: 'w3g32', rank: 3, steps: 2 }, model);
    for (const { weight, inFeatures, outFeatures } of model.linears) {
      const { initializers } = compressed.onnx.graph;
      expect(initializers.get(`${weight}.down`)).toMatchObject({ dtype: 'float16', dims: [inFeatures, 3] });
      expect(initializers.get(`${weight}.up`)).toMatchObject({ dtype: 'float16', dims: [3, outFeatures] });
      expect(initializers.has(weight)).toBe(false);
    }
  });

  it('starts from the rounding error on request: closer to dense before any training', async () => {
    const model = tinyLlama();
    const untrained = { base: 'w2g32', rank: 8, steps: 2, learningRate: 1e-9 };
    const [zero, error] = [await trained(untrained, model), await trained({ ...untrained, start: 'error' }, model)];
    const dense = await logitsOf(model, rows);
    const distance = async ({ compressed }: { compressed: Model }) => {
      const logits = await logitsOf(compressed, rows);
      return Math.hypot(...logits.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
    };
    expect(await distance(error)).toBeLessThan(0.8 * (await distance(zero)));
    // With adapters of zero the model is that of round-to-nearest.
    const params = { bits: 2, groupSize: 32 };
    const plain = await rtn.compress(model, methodContext({ method: rtn, variant: '', params, model }).context);
    expect(largestDifference(await logitsOf(zero.compressed, rows), await logitsOf(plain, rows))).toBeLessThan(1e-3);
    const up = zero.compressed.onnx.graph.initializers.get(`${model.linears[0]!.weight}.scales`);
    const same = plain.onnx.graph.initializers.get(`${model.linears[0]!.weight}.scales`);
    if (up === undefined || same === undefined) throw new Error('no scales');
    expect(elements(up, 'float32')).toEqual(elements(same, 'float32'));
  });
});
