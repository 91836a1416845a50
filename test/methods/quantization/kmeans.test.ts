import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { countParameters } from '../../../harness/measure/count-parameters.ts';
import { foldPackedWeights } from '../../../harness/measure/fold-packed-weights.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import kmeans, { quantizeToCodebook } from '../../../methods/quantization/kmeans.ts';
import { lookUpWeight, toFloat16 } from '../../../methods/shared/formats/codebook.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const shape = { inFeatures: 45, outFeatures: 7 };
const random = createRandom('kmeans');
const weight = Float32Array.from({ length: 45 * 7 }, () => random.normal());
const importance = Float64Array.from({ length: 45 }, () => random.next() ** 4);

/** Σ E[x_j²] (w' - w)² */
function weightedError(restored: ArrayLike<number>): number {
  return weight.reduce((sum, value, at) => sum + importance[Math.floor(at / 7)]! * (restored[at]! - value) ** 2, 0);
}

describe('quantizeToCodebook', () => {
  it.each([2, 3, 4] as const)(
    'beats an even grid of %i bits per output, and a codebook that ignores the inputs',
    (bits) => {
      const own = { ...shape, bits, granularity: 'channel' } as const;
      const found = weightedError(lookUpWeight(quantizeToCodebook(weight, { ...own, importance })));
      const alike = weightedError(
        lookUpWeight(quantizeToCodebook(weight, { ...own, importance: importance.map(() => 1) })),
      );
      const even = { ...shape, bits, symmetric: false, groupSize: 'channel' } as const;
      expect(found).toBeLessThan(alike);
      expect(alike).toBeLessThan(weightedError(dequantizeWeight(quantizeWeight(weight, even))));
    },
  );

  it('uses the nearest value of a table in float16', () => {
    for (const granularity of ['layer', 'channel'] as const) {
      const quantized = quantizeToCodebook(weight, { ...shape, bits: 3, granularity, importance });
      const { book } = quantized;
      expect(book).toHaveLength(granularity === 'layer' ? 8 : 8 * 7);
      expect([...book]).toEqual(Array.from(book, toFloat16));
      lookUpWeight(quantized).forEach((value, at) => {
        const table = granularity === 'layer' ? book : book.filter((_, i) => i % 7 === at % 7);
        const least = Math.min(...Array.from(table, (centre) => Math.abs(centre - weight[at]!)));
        expect(Math.abs(value - weight[at]!)).toBeCloseTo(least, 6);
      });
    }
  });
});

describe('kmeans', () => {
  const rows = [
    [1, 9, 17, 4, 33, 60, 2, 8],
    [5, 5, 40, 12, 7, 21, 3, 50],
  ];

  it.each(['w4-layer', 'w3-channel', 'w2-channel'])(
    'computes in the packed graph what the looked-up weights give: %s',
    async (variant) => {
      // An odd hidden width, so that codes do not end on a byte.
      for (const model of [...tinyModels, tinyGpt({ hiddenWidth: 45 })]) {
        const { context, notes } = methodContext({ method: kmeans, variant, model });
        const compressed = await kmeans.compress(model, context);
        expect(notes).toEqual([expect.stringMatching(/^weights are looked up when the model is loaded/)]);
        const norms = await activationNorms({ model, examples: context.calibration.examples });
        const rounded = model.linears.reduce((current: Model, linear) => {
          const { inFeatures, outFeatures, role } = linear;
          const { euclidean, count } = norms.get(role) ?? { euclidean: new Float64Array(), count: 1 };
          const settings = { inFeatures, outFeatures, importance: euclidean.map((norm) => norm ** 2 / count) };
          const { bits, granularity } = kmeans.variants[variant] as {
            bits: 2 | 3 | 4;
            granularity: 'layer' | 'channel';
          };
          const quantized = quantizeToCodebook(model.weight(linear), { ...settings, bits, granularity });
          return current.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], lookUpWeight(quantized)));
        }, model);
        expect(largestDifference(await logitsOf(compressed, rows), await logitsOf(rounded, rows))).toBeLessThan(1e-5);
      }
    },
  );

  it('takes the stated number of bits in the file, and counts as many parameters as the dense model', async () => {
    const model = tinyLlama();
    const { onnx } = await kmeans.compress(
      model,
      methodContext({ method: kmeans, variant: 'w3-layer', model }).context,
    );
    for (const { weight: name, inFeatures, outFeatures } of model.linears) {
      expect(onnx.graph.initializers.has(name)).toBe(false);
      const planes = onnx.graph.initializers.get(`${name}.codes`);
      expect(planes?.dims).toEqual([3, 1, (inFeatures * outFeatures) / 8, 1]);
      expect(onnx.graph.initializers.get(`${name}.book`)).toMatchObject({ dtype: 'float16', dims: [8] });
    }
    const counted = countParameters(await foldPackedWeights(onnx));
    expect(counted.parameters).toBe(countParameters(model.onnx).parameters);
  });
});
