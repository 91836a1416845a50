import { describe, expect, it } from 'vitest';
import { multiply, thinSvd } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import tieLayers, { lowRankCorrection, outputScales } from '../../../methods/sharing/tie-layers.ts';
import { layerError, layerProblem } from '../../support/layer-problem.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const target = layerProblem({ inFeatures: 14, outFeatures: 9 });
const { moment, inFeatures, outFeatures } = target;
const cross = multiply({ left: moment, right: Float64Array.from(target.weight), rows: 14, inner: 14, columns: 9 });
const random = createRandom('tie-layers');
const weight = target.weight.map((value) => 0.5 * value + random.normal());
const problem = { role: 'the test', weight, moment, cross, inFeatures, outFeatures };

describe('outputScales', () => {
  it('are the best factor for each output', async () => {
    const scales = await outputScales(problem);
    const missed = (factors: ArrayLike<number>) =>
      layerError(
        target,
        weight.map((value, at) => value * (factors[at % 9] as number)),
      );
    const least = missed(scales);
    expect(least).toBeLessThan(missed(new Float64Array(9).fill(1)));
    for (let j = 0; j < 9; j++) {
      for (const step of [-1e-2, 1e-2]) {
        expect(missed(scales.map((scale, at) => (at === j ? scale + step : scale)))).toBeGreaterThan(least);
      }
    }
  });

  it('keep an output that is always zero', async () => {
    const silent = weight.map((value, at) => (at % 9 === 4 ? 0 : value));
    expect((await outputScales({ ...problem, weight: silent }))[4]).toBe(1);
  });
});

describe('lowRankCorrection', () => {
  const missedAt = async (rank: number) => {
    const { down, up } = await lowRankCorrection(problem, rank);
    const [left, right] = [Float64Array.from(down), Float64Array.from(up)];
    const correction = multiply({ left, right, rows: 14, inner: rank, columns: 9 });
    return layerError(
      target,
      weight.map((value, at) => value + correction[at]!),
    );
  };

  it('is never worse than no correction, better with every rank, and almost exact at full rank', async () => {
    let last = layerError(target, weight);
    const first = last;
    for (let rank = 1; rank <= 9; rank++) {
      const missed = await missedAt(rank);
      expect(missed).toBeLessThan(last);
      last = missed;
    }
    expect(last).toBeLessThan(1e-4 * first);
  });

  it('has the error of the truncated singular values, in the metric of the inputs', async () => {
    // With inputs of unit moment the metric is plain.
    const identity = Float64Array.from({ length: 196 }, (_, at) => (at % 15 === 0 ? 1 : 0));
    const missing = Float64Array.from(target.weight, (value, at) => value - weight[at]!);
    const { s } = thinSvd(missing, 14, 9);
    const white = { ...problem, moment: identity, cross: Float64Array.from(target.weight) };
    const { down, up } = await lowRankCorrection(white, 4);
    const product = multiply({
      left: Float64Array.from(down),
      right: Float64Array.from(up),
      rows: 14,
      inner: 4,
      columns: 9,
    });
    const error = product.reduce((sum, value, at) => sum + (value - missing[at]!) ** 2, 0);
    const cut = s.subarray(4).reduce((sum, value) => sum + value * value, 0);
    // Held near none by a thousandth.
    expect(error / cut).toBeGreaterThan(0.9999);
    expect(error / cut).toBeLessThan(1.001);
  });
});

const models = [tinyLlama({ layers: 3 }), tinyGpt({ layers: 3 }), tinyBert({ layers: 3 })];
describe.each(models.map((model) => [model.id, model] as const))('tie-layers on %s', (_, model) => {
  const calibration = randomExamples(model, 'what is corrected for', { count: 24, length: 24 });
  const rows = calibration.examples.slice(0, 8).map(({ tokens }) => [...tokens]);
  const compress = async (params: object, from = model) => {
    const made = methodContext({
      method: tieLayers,
      variant: '',
      params: params as Record<string, unknown>,
      model: from,
      calibration,
    });
    return { ...made, compressed: await tieLayers.compress(from, made.context) };
  };
  const distance = async (a: typeof model, b: typeof model) => {
    const [x, y] = [await logitsOf(a, rows), await logitsOf(b, rows)];
    return x.reduce((sum, value, at) => sum + (value - y[at]!) ** 2, 0);
  };

  it('brings the outputs nearer to the original model’s, a low-rank matrix more than a scale', async () => {
    const [naive, scale, low] = [
      (await compress({ correction: 'none' })).compressed,
      (await compress({ correction: 'scale' })).compressed,
      (await compress({ correction: 'low-rank', delta: 0.4 })).compressed,
    ];
    const far = await distance(naive, model);
    expect(await distance(scale, model)).toBeLessThan(far);
    expect(await distance(low, model)).toBeLessThan(0.7 * far);
  });

  it('changes nothing where the layers were already equal', async () => {
    let twins = model;
    const [first, second] = model.roles.layers as [
      (typeof model.roles.layers)[number],
      (typeof model.roles.layers)[number],
    ];
    for (const kind of ['q', 'k', 'v', 'o', 'gate', 'up', 'down'] as const) {
      const [from, to] = [first[kind], second[kind]];
      if (from && to)
        twins = twins.withWeight(to, tensorOf('float32', [to.inFeatures, to.outFeatures], model.weight(from)));
    }
    for (const params of [{ correction: 'scale' }, { correction: 'low-rank' }]) {
      const { compressed } = await compress(params, twins);
      expect(largestDifference(await logitsOf(compressed, rows), await logitsOf(twins, rows))).toBeLessThan(1e-4);
    }
  });

  it('corrects only layers without their own weights', async () => {
    const { compressed, notes } = await compress({ correction: 'scale', merge: 'first' });
    const scaled = [...compressed.onnx.graph.initializers.keys()].filter((name) => name.endsWith('.scales'));
    expect(scaled.every((name) => name.startsWith('layers.1.'))).toBe(true);
    expect(scaled).toHaveLength(model.linears.length / 3);
    expect(notes).toEqual(['layers that share: 0 1, 2']);
  });
});
