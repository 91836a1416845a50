import { describe, expect, it } from 'vitest';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { maskOf, openProbabilityOf } from '../../../engine/training/hard-concrete.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { withParameters } from '../../../engine/training/parameters.ts';
import { train } from '../../../engine/training/train.ts';
import structuredDistilled, {
  constraint,
  cutByMasks,
  withMasks,
} from '../../../methods/pruning/structured-distilled.ts';
import structuredHeadsNeurons from '../../../methods/pruning/structured-heads-neurons.ts';
import { countUnits } from '../../../methods/shared/surgery/structure.ts';
import { blockParameters, unitCosts } from '../../../methods/shared/surgery/units.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

const rows = [[1, 9, 17, 4, 33, 60]];
const random = createRandom('structured-distilled');

/** The masked model with noise 0 in the place of its inputs. */
function withoutNoise(onnx: Model['onnx'], alphas: ReadonlyMap<string, Float32Array>): Pick<Model, 'onnx'> {
  const { graph } = withParameters(onnx, alphas);
  const initializers = new Map<string, Tensor>(graph.initializers);
  const noise = graph.inputs.filter(({ name }) => name.startsWith('noise/'));
  for (const { name, type } of noise) {
    const [length = 0] = (type?.kind === 'tensor' ? type.dims : []) as readonly number[];
    initializers.set(name, tensorOf('float32', [length], new Float32Array(length)));
  }
  const inputs = graph.inputs.filter((input) => !noise.includes(input));
  return { onnx: { ...onnx, graph: { ...graph, inputs, initializers } } };
}

const zWithoutNoise = (alpha: number) => Math.min(1, Math.max(0, 1.2 / (1 + Math.exp(-alpha * 1.5)) - 0.1));

describe.each(tinyModels.map((model) => [model.id, model] as const))('masks on %s', (_, model) => {
  const { onnx, alphas } = withMasks(model);
  const lengthOf = (name: string) => elements(onnx.graph.initializers.get(name) as Tensor, 'float32').length;
  const drawn = new Map(
    alphas.map((name) => [name, Float32Array.from({ length: lengthOf(name) }, () => 2 * random.normal())]),
  );

  it('scale the output of each head, neuron and sublayer', async () => {
    const open = new Map(alphas.map((name) => [name, new Float32Array(lengthOf(name)).fill(30)]));
    expect(largestDifference(await logitsOf(withoutNoise(onnx, open), rows), await logitsOf(model, rows))).toBe(0);
    let scaled = model;
    for (const layer of model.roles.layers) {
      for (const linear of [layer.o, layer.down]) {
        const [units, [sublayer]] = ['unit', 'sublayer'].map((kind) => [
          ...(drawn.get(`${linear.weight}.${kind}_alpha`) ?? []),
        ]) as [number[], [number]];
        const width = linear.inFeatures / units.length;
        const weight = model.weight(linear).map((value, at) => {
          const unit = Math.floor(at / linear.outFeatures / width);
          return value * zWithoutNoise(units[unit] as number) * zWithoutNoise(sublayer);
        });
        scaled = scaled.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
      }
    }
    const found = await logitsOf(withoutNoise(onnx, drawn), rows);
    expect(largestDifference(found, await logitsOf(scaled, rows))).toBeLessThan(1e-5);
  });

  it('are cut where they are 0, and the rest computes the same', async () => {
    // Half of the units closed, each at an α where the mask is exactly 0 or 1.
    const half = new Map(
      alphas.map((name) => [
        name,
        Float32Array.from({ length: lengthOf(name) }, (__, at) =>
          name.endsWith('.sublayer_alpha') || at % 2 === 0 ? 9 : -9,
        ),
      ]),
    );
    const costs = unitCosts(model);
    const counts = countUnits(model);
    const kept = counts.reduce(
      (sum, { heads, neurons }, layer) =>
        sum + (heads / 2) * (costs[layer]?.head ?? 0) + (neurons / 2) * (costs[layer]?.neuron ?? 0),
      0,
    );
    const cut = cutByMasks(model, half, kept / blockParameters(model) + 1e-9);
    expect(countUnits(cut).map(({ heads, neurons }) => [heads, neurons])).toEqual(
      counts.map(({ heads, neurons }) => [heads / 2, neurons / 2]),
    );
    expect(largestDifference(await logitsOf(cut, rows), await logitsOf(withoutNoise(onnx, half), rows))).toBeLessThan(
      1e-5,
    );
  });

  it('multiply their final values into the projections', () => {
    const cut = cutByMasks(model, drawn, 0.999);
    const linear = model.roles.layers[1]?.down as LinearRole;
    const after = cut.roles.layers[1]?.down as LinearRole;
    const units = drawn.get(`${linear.weight}.unit_alpha`) as Float32Array;
    const sublayer = drawn.get(`${linear.weight}.sublayer_alpha`) as Float32Array;
    const expected = model.weight(linear)[0] as number;
    const first = maskOf(units[0] as number) * maskOf(sublayer[0] as number);
    expect(cut.weight(after)[0]).toBeCloseTo(expected * first, 6);
  });
});

describe('constraint', () => {
  it('brings the expected share of parameters to its target', async () => {
    const model = tinyGpt();
    const { onnx, alphas } = withMasks(model);
    const steps = 300;
    const { parameters, history } = await train({
      model: onnx,
      loss: constraint(model),
      feeds: [
        { shapes: { kept_target: [1] }, at: () => ({ kept_target: tensorOf('float32', [1], Float32Array.of(0.4)) }) },
        {
          shapes: { input_ids: [1, 4] },
          at: () => ({ input_ids: tensorOf('int64', [1, 4], BigInt64Array.of(1n, 2n, 3n, 4n)) }),
        },
        withMasks(model).noise,
      ],
      optimizer: adamW(),
      schedule: () => 0.05,
      steps,
      parameters: [...alphas, 'lagrange.1', 'lagrange.2'],
      parameterOptions: (name) => ({ decays: false, ...(name.startsWith('lagrange') && { gradientScale: -1 }) }),
    });
    const share = history.metrics['kept_share'] as number[];
    expect(share[0]).toBeGreaterThan(0.9);
    // The multipliers swing, and what they hold swings with them.
    expect(Math.abs((share.at(-1) as number) - 0.4)).toBeLessThan(0.1);
    const costs = unitCosts(model);
    const expected = model.roles.layers.reduce((sum, layer, at) => {
      const part = (linear: LinearRole, cost: number) => {
        const alpha = parameters.get(`${linear.weight}.sublayer_alpha`)?.[0] as number;
        const units = parameters.get(`${linear.weight}.unit_alpha`) as Float32Array;
        return cost * openProbabilityOf(alpha) * units.reduce((all, each) => all + openProbabilityOf(each), 0);
      };
      return sum + part(layer.o, costs[at]?.head ?? 0) + part(layer.down, costs[at]?.neuron ?? 0);
    }, 0);
    expect(Math.abs(expected / blockParameters(model) - (share.at(-1) as number))).toBeLessThan(0.02);
  });
});

describe('structured-distilled', () => {
  it('cuts to the share, and is better than one-shot pruning', async () => {
    const model = tinyGpt();
    const training = countingExamples();
    const params = { keep: 0.5, steps: 80, learningRate: 5e-3 };
    const { context, notes, spent } = methodContext({
      method: structuredDistilled,
      variant: '',
      params,
      model,
      training,
    });
    const cut = await structuredDistilled.compress(model, context);
    expect(spent.steps).toBe(80);
    const counts = countUnits(cut).map(({ heads, neurons }) => `${heads}/${neurons}`);
    expect(notes[0]).toContain(counts.join(', '));
    expect(blockParameters(cut)).toBeLessThanOrEqual(0.5 * blockParameters(model));
    expect(blockParameters(cut)).toBeGreaterThan(0.4 * blockParameters(model));
    const { graph } = cut.onnx;
    expect(graph.inputs).toEqual(model.onnx.graph.inputs);
    expect([...graph.initializers.keys()].filter((name) => /alpha|lagrange|teacher/.test(name))).toEqual([]);
    const calibration = countingExamples({ length: 32 });
    const oneShot = methodContext({ method: structuredHeadsNeurons, variant: 'p50', model, calibration });
    expect(await nextTokenLoss(cut, training)).toBeLessThan(
      0.7 * (await nextTokenLoss(await structuredHeadsNeurons.compress(model, oneShot.context), training)),
    );
  });
});
