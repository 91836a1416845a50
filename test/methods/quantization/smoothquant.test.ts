import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import int8Dynamic from '../../../methods/quantization/int8-dynamic.ts';
import int8Static from '../../../methods/quantization/int8-static.ts';
import smoothquant, { smooth, smoothingScales } from '../../../methods/quantization/smoothquant.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60, 2, 8],
  [5, 5, 40, 12, 7, 21, 3, 50],
];

/** The model with a few features of every norm's output made large, and their weights as much smaller: the same function. */
function withOutliers(model: Model): Model {
  const initializers = new Map(model.onnx.graph.initializers);
  for (const [name, tensor] of initializers) {
    if (!/layers\..*norm\.(weight|bias)$/.test(name)) continue;
    const values = elements(tensor, 'float32').map((value, j) => (j % 11 === 3 ? 60 * value : value));
    initializers.set(name, tensorOf('float32', tensor.dims, values));
  }
  let outlying = model.withOnnx({ ...model.onnx, graph: { ...model.onnx.graph, initializers } });
  for (const { q, k, v, gate, up } of model.roles.layers) {
    for (const linear of [q, k, v, up, ...(gate ? [gate] : [])]) {
      const { inFeatures, outFeatures } = linear;
      const weight = model
        .weight(linear)
        .map((value, at) => (Math.floor(at / outFeatures) % 11 === 3 ? value / 60 : value));
      outlying = outlying.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
    }
  }
  return outlying;
}

async function distance(method: typeof smoothquant, variant: string, model: Model): Promise<number> {
  const compressed = await method.compress(model, methodContext({ method, variant, model }).context);
  const [found, dense] = [await logitsOf(compressed, rows), await logitsOf(model, rows)];
  return Math.hypot(...found.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
}

describe('smoothingScales', () => {
  it('equals max|X_j|^α / max|W_j|^(1 − α), with the weights of all layers together', () => {
    const layers = [
      { weight: Float32Array.of(1, -2, 0.5, 0.25), inFeatures: 2, outFeatures: 2 },
      { weight: Float32Array.of(0.5, -4), inFeatures: 2, outFeatures: 1 },
    ];
    const largest = Float64Array.of(9, 16);
    expect([...smoothingScales(largest, layers, 0.5)]).toEqual([Math.fround(3 / Math.SQRT2), 2]);
    expect([...smoothingScales(largest, layers, 1)]).toEqual([9, 16]);
    expect([...smoothingScales(largest, layers, 0)]).toEqual([0.5, 0.25]);
  });

  it('stays finite and positive for inactive features and zero weights', () => {
    const layers = [{ weight: Float32Array.of(0, 0, 1, 1), inFeatures: 2, outFeatures: 2 }];
    for (const alpha of [0, 0.5, 1]) {
      for (const scale of smoothingScales(Float64Array.of(3, 0), layers, alpha)) {
        expect(scale).toBeGreaterThan(0);
        expect(scale).toBeLessThan(1e6);
      }
    }
  });
});

describe('smooth', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'leaves what %s computes unchanged',
    async (_, model) => {
      const { examples } = randomExamples(model, 'smooth');
      const norms = await activationNorms({ model, examples });
      const dense = await logitsOf(model, rows);
      for (const alpha of [0, 0.5, 0.75, 1]) {
        for (const layers of ['after-norms', 'all'] as const) {
          const { model: smoothed } = smooth(model, norms, { alpha, layers });
          const largest = Math.max(...dense.map(Math.abs));
          expect(largestDifference(await logitsOf(smoothed, rows), dense)).toBeLessThan(5e-5 * largest);
        }
      }
    },
  );

  it('gives activations and weights the same largest value at α = ½, feature by feature', async () => {
    const model = tinyGpt();
    const { examples } = randomExamples(model, 'smooth');
    const norms = await activationNorms({ model, examples });
    const { model: smoothed } = smooth(model, norms, { alpha: 0.5, layers: 'after-norms' });
    const { q, k, v } = model.roles.layers[1]!;
    const after = new Float64Array(q.inFeatures);
    await captureValues({
      model: smoothed.onnx,
      values: [q.input],
      examples,
      visit: (captured) =>
        elements(captured[q.input]!, 'float32').forEach((value, at) => {
          after[at % q.inFeatures] = Math.max(after[at % q.inFeatures]!, Math.abs(value));
        }),
    });
    for (let j = 0; j < q.inFeatures; j++) {
      const weights = [q, k, v].map((linear) =>
        Math.max(
          ...smoothed
            .weight(linear)
            .subarray(j * q.outFeatures, (j + 1) * q.outFeatures)
            .map(Math.abs),
        ),
      );
      expect(Math.max(...weights) / after[j]!).toBeCloseTo(1, 4);
    }
  });
});

describe('smoothquant', () => {
  it.each([
    ['llama', tinyLlama()],
    ['gpt', tinyGpt()],
  ])('rescues integer arithmetic from outliers: %s', async (_, plain) => {
    const model = withOutliers(plain);
    expect(await distance(smoothquant, 'a50', model)).toBeLessThan(
      0.5 * (await distance(int8Dynamic, 'channel', model)),
    );
    expect(await distance(smoothquant, 'a50-static', model)).toBeLessThan(
      0.5 * (await distance(int8Static, 'minmax', model)),
    );
  });

  it('is only slightly worse than plain integers without outliers', async () => {
    for (const model of [tinyLlama(), tinyGpt(), tinyBert()]) {
      expect(await distance(smoothquant, 'a50', model)).toBeLessThan(
        1.3 * (await distance(int8Dynamic, 'channel', model)),
      );
    }
  });

  it('notes separate multiplications in an encoder, and needs none in decoders after norms', async () => {
    const notesOf = async (model: Model) => {
      const { context, notes } = methodContext({ method: smoothquant, variant: 'a50', model });
      await smoothquant.compress(model, context);
      return notes;
    };
    expect(await notesOf(tinyGpt())).toEqual([]);
    expect(await notesOf(tinyLlama())).toEqual([]);
    expect(await notesOf(tinyBert())).toEqual([expect.stringMatching(/^4 scalings \(before q, k, v, up\)/)]);
  });
});
