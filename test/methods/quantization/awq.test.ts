import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import { secondMoments } from '../../../engine/calibrate/second-moments.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import awq, { scalesOf, searchClipping, searchScales } from '../../../methods/quantization/awq.ts';
import { layersByInput } from '../../../methods/shared/surgery/input-scales.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { layerError, layerProblem } from '../../support/layer-problem.ts';
import { methodContext } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyLlama, tinyModels } from '../../support/tiny-model.ts';

const formats = [
  { bits: 4, groupSize: 32, symmetric: true },
  { bits: 4, groupSize: 'channel', symmetric: false },
  { bits: 3, groupSize: 16, symmetric: true },
  { bits: 2, groupSize: 16, symmetric: false },
] as const;

/** Inputs with a few strong features, which is what the method lives on. */
function problem(seed: string) {
  const random = createRandom(seed);
  const [inFeatures, outFeatures, rows] = [40, 12, 120];
  const strength = Float64Array.from({ length: inFeatures }, (_, i) => (i % 13 === 2 ? 12 : 0.5 + random.next()));
  const x = Float64Array.from({ length: rows * inFeatures }, (_, at) => strength[at % inFeatures]! * random.normal());
  const moment = new Float64Array(inFeatures * inFeatures);
  const meanAbsolute = new Float64Array(inFeatures);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inFeatures; i++) {
      meanAbsolute[i]! += Math.abs(x[row * inFeatures + i]!) / rows;
      for (let j = 0; j < inFeatures; j++)
        moment[i * inFeatures + j]! += x[row * inFeatures + i]! * x[row * inFeatures + j]!;
    }
  }
  const weight = () => Float32Array.from({ length: inFeatures * outFeatures }, () => random.normal());
  return { x, rows, moment, meanAbsolute, inFeatures, outFeatures, weights: [weight(), weight()] };
}

describe('searchScales', () => {
  it.each(formats)(
    'takes the best of the twenty α, as computing outputs from the inputs themselves finds it: %o',
    async (format) => {
      const { x, rows, moment, meanAbsolute, inFeatures, outFeatures, weights } = problem('scales');
      /** ‖Q(W diag(s)) (x / s) - W x‖² over all rows, output by output as equation 4 has it. */
      const direct = (scales: ArrayLike<number>) => {
        let error = 0;
        for (const weight of weights) {
          const scaled = weight.map((value, at) => value * scales[Math.floor(at / outFeatures)]!);
          const rounded = dequantizeWeight(quantizeWeight(scaled, { inFeatures, outFeatures, ...format }));
          for (let row = 0; row < rows; row++) {
            for (let out = 0; out < outFeatures; out++) {
              let difference = 0;
              for (let i = 0; i < inFeatures; i++) {
                const at = i * outFeatures + out;
                difference += x[row * inFeatures + i]! * (rounded[at]! / scales[i]! - weight[at]!);
              }
              error += difference ** 2;
            }
          }
        }
        return error;
      };
      const layers = weights.map((weight) => ({ weight, inFeatures, outFeatures }));
      const found = await searchScales({ layers, meanAbsolute, moment, format });
      const candidates = Array.from({ length: 20 }, (_, step) => scalesOf(meanAbsolute, step / 20));
      const least = Math.min(...candidates.map(direct));
      expect(direct(found) / least).toBeCloseTo(1, 6);
      expect(direct(found)).toBeLessThan(0.9 * direct(new Float32Array(inFeatures).fill(1)));
    },
  );

  it('changes nothing at α = 0', () => {
    expect([...scalesOf(Float64Array.of(0.1, 5, 0), 0)]).toEqual([1, 1, 1]);
    const [weak, strong] = scalesOf(Float64Array.of(0.25, 4), 0.5);
    expect(strong! / weak!).toBeCloseTo(4, 6);
    expect(strong! * weak!).toBeCloseTo(1, 6);
  });
});

describe('searchClipping', () => {
  it.each(formats)('increases no output’s error and reduces the layer’s: %o', async (format) => {
    const { weight, moment, inFeatures, outFeatures } = layerProblem({ inFeatures: 72, outFeatures: 24 });
    const clipped = await searchClipping({ weight, moment, format, inFeatures, outFeatures });
    const round = (values: Float32Array) =>
      dequantizeWeight(quantizeWeight(values, { inFeatures, outFeatures, ...format }));
    const columnOf = (values: Float32Array, out: number) => ({
      weight: Float32Array.from({ length: inFeatures }, (_, i) => values[i * outFeatures + out]!),
      moment,
      inFeatures,
      outFeatures: 1,
    });
    for (let out = 0; out < outFeatures; out++) {
      const dense = columnOf(weight, out);
      const [plain, cut] = [round(weight), round(clipped)].map((values) => columnOf(values, out).weight);
      expect(layerError(dense, cut!)).toBeLessThanOrEqual(layerError(dense, plain!) * (1 + 1e-9));
    }
    const dense = { weight, moment, inFeatures, outFeatures };
    expect(layerError(dense, round(clipped))).toBeLessThan(layerError(dense, round(weight)));
    const largest = Math.max(...weight.map(Math.abs));
    clipped.forEach((value, at) => {
      expect(Math.abs(value)).toBeLessThanOrEqual(Math.abs(weight[at]!));
      expect(Math.abs(value - weight[at]!)).toBeLessThan(largest / 2);
    });
  });
});

describe('awq', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'misses the outputs of no group of layers more than rounding to nearest does: %s',
    async (_, model) => {
      for (const format of formats) {
        const params = { ...format, activations: 'float32' };
        const { context } = methodContext({ method: awq, variant: '', params, model });
        const compressed = await awq.compress(model, context);
        const { examples } = context.calibration;
        const moments = await secondMoments({ model, examples });
        const norms = await activationNorms({ model, examples });
        for (const linears of layersByInput(model.linears)) {
          const { role, inFeatures } = linears[0]!;
          const moment = moments.get(role)?.sum as Float64Array;
          const meanAbsolute = norms.get(role)?.meanAbsolute as Float64Array;
          const layers = linears.map((linear) => ({ ...linear, weight: model.weight(linear) }));
          const scales = await searchScales({ layers, meanAbsolute, moment, format });
          let [ours, plain] = [0, 0];
          for (const linear of linears) {
            const { outFeatures } = linear;
            const divisors = await outputDivisors(model, linear.output, context.calibration.examples, format);
            const restored = effectiveWeight(compressed, linear).map(
              (value, at) => (value / scales[Math.floor(at / outFeatures)]!) * (divisors?.[at % outFeatures] ?? 1),
            );
            const dense = { weight: model.weight(linear), moment, inFeatures, outFeatures };
            ours += layerError(dense, restored);
            plain += layerError(
              dense,
              dequantizeWeight(quantizeWeight(dense.weight, { inFeatures, outFeatures, ...format })),
            );
          }
          expect(ours, role).toBeLessThanOrEqual(plain * (1 + 1e-6));
        }
      }
    },
  );

  it('computes the same with its scales as the model, apart from rounding', async () => {
    const rows = [[1, 9, 17, 4, 33, 60, 2, 8]];
    for (const model of tinyModels) {
      const params = { bits: 8, groupSize: 16, activations: 'float32' };
      const compressed = await awq.compress(model, methodContext({ method: awq, variant: '', params, model }).context);
      const [found, dense] = [await logitsOf(compressed, rows), await logitsOf(model, rows)];
      const distance = Math.hypot(...found.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
      expect(distance).toBeLessThan(0.03);
    }
  });

  it('reduces the error where a few inputs are large', async () => {
    const random = createRandom('strong');
    const plain = tinyLlama();
    const norm = plain.onnx.graph.nodes.find(({ outputs }) => outputs.includes(plain.linears[0]!.input));
    const vector = norm?.inputs.find((name) => plain.onnx.graph.initializers.has(name)) as string;
    const initializers = new Map(plain.onnx.graph.initializers);
    initializers.set(
      vector,
      tensorOf(
        'float32',
        [32],
        Float32Array.from({ length: 32 }, (_, i) => (i % 9 === 4 ? 30 : random.next())),
      ),
    );
    const model: Model = plain.withOnnx({ ...plain.onnx, graph: { ...plain.onnx.graph, initializers } });
    const { context } = methodContext({ method: awq, variant: 'w3g32', model });
    const { examples } = context.calibration;
    const { role, inFeatures, outFeatures } = model.linears[0]!;
    const moment = (await secondMoments({ model, examples })).get(role)?.sum as Float64Array;
    const meanAbsolute = (await activationNorms({ model, examples })).get(role)?.meanAbsolute as Float64Array;
    const weight = model.weight(model.linears[0]!);
    const format = { bits: 3, groupSize: 32, symmetric: true } as const;
    const scales = await searchScales({ layers: [{ weight, inFeatures, outFeatures }], meanAbsolute, moment, format });
    expect(scales[4]).toBeGreaterThan(3 * scales[5]!);
  });
});

/** What scales folded into a layer's outputs divide them by: those of the layers that read them, where they are folded there. */
async function outputDivisors(
  model: Model,
  output: string,
  examples: Parameters<typeof secondMoments>[0]['examples'],
  format: (typeof formats)[number],
): Promise<Float32Array | undefined> {
  const layer = model.roles.layers.find(({ up, v }) => up.output === output || v.output === output);
  if (layer === undefined) return undefined;
  const isGatedUp = layer.gate !== undefined && layer.up.output === output;
  const isOwnValue = layer.v.output === output && model.roles.heads === model.roles.keyValueHeads;
  if (!isGatedUp && !isOwnValue) return undefined;
  const reader = isGatedUp ? layer.down : layer.o;
  const moment = (await secondMoments({ model, examples })).get(reader.role)?.sum as Float64Array;
  const meanAbsolute = (await activationNorms({ model, examples })).get(reader.role)?.meanAbsolute as Float64Array;
  return searchScales({ layers: [{ ...reader, weight: model.weight(reader) }], meanAbsolute, moment, format });
}
