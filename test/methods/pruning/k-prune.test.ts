import { describe, expect, it } from 'vitest';
import type { Example } from '../../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import kPrune, { chooseWithin, knowledge } from '../../../methods/pruning/k-prune.ts';
import { countUnits, keepUnits } from '../../../methods/shared/surgery/structure.ts';
import { unitCosts, unitEnergies } from '../../../methods/shared/surgery/units.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

const random = createRandom('k-prune');
const draw = (length: number) => Float64Array.from({ length }, () => random.normal());
const { signal } = new AbortController();
const each = tinyModels.map((model) => [model.id, model] as const);

/** T² KL(dense ‖ model) of softmax(z / T), mean over the positions that predict, in float64. */
async function divergence(dense: Model, model: Model, { tokens }: Example, temperature: number): Promise<number> {
  const [p, q] = [await logitsOf(dense, [[...tokens]]), await logitsOf(model, [[...tokens]])];
  const rows = dense.kind === 'decoder' ? tokens.length - 1 : 1;
  const classes = dense.kind === 'decoder' ? p.length / tokens.length : p.length;
  const logSoftmax = (of: Float32Array, row: number) => {
    const scores = [...of.subarray(row * classes, (row + 1) * classes)].map((x) => x / temperature);
    const total = Math.log(scores.reduce((sum, x) => sum + Math.exp(x), 0));
    return scores.map((x) => x - total);
  };
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const [a, b] = [logSoftmax(p, row), logSoftmax(q, row)];
    a.forEach((value, at) => (sum += Math.exp(value) * (value - (b[at] as number))));
  }
  return (temperature ** 2 * sum) / rows;
}

function withScaledRows(model: Model, linear: LinearRole, rows: readonly number[], factor: number): Model {
  const { inFeatures, outFeatures } = linear;
  const weight = model
    .weight(linear)
    .map((value, at) => (rows.includes(Math.floor(at / outFeatures)) ? factor * value : value));
  return model.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
}

describe.each(each)('knowledge on %s', (_, dense) => {
  const calibration = randomExamples(dense, 'knowledge', { count: 3, length: 12 });
  const pruned = keepUnits(
    dense,
    countUnits(dense).map(({ heads }) => ({ heads: [heads - 1], neurons: [...Array(30).keys()] })),
  );
  const measured = (representation: number) =>
    knowledge(dense, pruned, { params: { temperature: 2, representation }, calibration, signal });

  it('is half the mean squared derivative of the divergence, by central differences', async () => {
    const scores = await measured(0);
    const step = 2e-2;
    for (const layer of [0, 1]) {
      const { o, down } = pruned.roles.layers[layer] as { o: LinearRole; down: LinearRole };
      const neuron = scores[layer]?.neurons.indexOf(Math.max(...(scores[layer]?.neurons ?? []))) as number;
      for (const { linear, rows, score } of [
        { linear: o, rows: [...Array(o.inFeatures).keys()], score: scores[layer]?.heads[0] },
        { linear: down, rows: [neuron], score: scores[layer]?.neurons[neuron] },
      ]) {
        let squares = 0;
        for (const example of calibration.examples) {
          const at = (factor: number) => divergence(dense, withScaledRows(pruned, linear, rows, factor), example, 2);
          squares += (((await at(1 + step)) - (await at(1 - step))) / (2 * step)) ** 2;
        }
        const expected = squares / 2 / calibration.examples.length;
        expect(Math.abs((score as number) / expected - 1)).toBeLessThan(0.01);
      }
    }
  });

  it('adds the energy of each unit’s output, with its weight', async () => {
    const [without, only] = [await measured(0), await measured(3)];
    const energies = await unitEnergies(pruned, calibration.examples, signal);
    for (const [layer, { heads, neurons }] of energies.entries()) {
      expect((only[layer]?.heads[0] as number) - (without[layer]?.heads[0] as number)).toBeCloseTo(
        3 * (heads[0] as number),
        6,
      );
      expect((only[layer]?.neurons[4] as number) - (without[layer]?.neurons[4] as number)).toBeCloseTo(
        3 * (neurons[4] as number),
        6,
      );
    }
  });

  it('consists of energy only where nothing is pruned yet', async () => {
    const run = { params: { temperature: 2, representation: 0 }, calibration, signal };
    for (const { heads, neurons } of await knowledge(dense, dense, run))
      for (const score of [...heads, ...neurons]) expect(score).toBeLessThan(1e-9);
  });
});

describe('chooseWithin', () => {
  const model = tinyGpt();
  const scores = countUnits(model).map(({ heads, neurons }) => ({
    heads: draw(heads).map(Math.abs),
    neurons: draw(neurons).map(Math.abs),
  }));
  const [{ head, neuron }] = unitCosts(model) as [{ head: number; neuron: number }];
  const all = countUnits(model).map(({ heads, neurons }) => ({
    heads: [...Array(heads).keys()],
    neurons: [...Array(neurons).keys()],
  }));

  it('prunes the target sublayer only', () => {
    const budget = 4 * head + 48 * neuron;
    const heads = chooseWithin(model, scores, { target: { layer: 0, kind: 'head' }, budget });
    expect(heads[0]?.heads.length).toBeLessThan(4);
    expect(heads[0]?.neurons).toEqual(all[0]?.neurons);
    expect(heads[1]).toEqual(all[1]);
    const neurons = chooseWithin(model, scores, { target: { layer: 1, kind: 'neuron' }, budget: 10 * neuron });
    expect(neurons[0]).toEqual(all[0]);
    expect(neurons[1]?.heads).toEqual(all[1]?.heads);
    // The last one takes what is left: the ten best.
    const best = [...(scores[1]?.neurons.keys() ?? [])]
      .sort((a, b) => (scores[1]?.neurons[b] as number) - (scores[1]?.neurons[a] as number))
      .slice(0, 10);
    expect(neurons[1]?.neurons).toEqual(best.sort((a, b) => a - b));
  });

  it('weighs the target sublayer against those above it', () => {
    const favoured = scores.map(({ heads, neurons }, layer) => ({
      heads: heads.map((score) => score + (layer === 0 ? 1000 : 0)),
      neurons,
    }));
    const budget = 5 * head + 2 * neuron;
    expect(chooseWithin(model, favoured, { target: { layer: 0, kind: 'head' }, budget })).toEqual(all);
    const spurned = favoured.map(({ heads, neurons }) => ({ heads: heads.map((score) => 1 / score), neurons }));
    expect(chooseWithin(model, spurned, { target: { layer: 0, kind: 'head' }, budget })[0]?.heads).toHaveLength(1);
  });
});

describe.each(each)('k-prune on %s', (_, model) => {
  it('refits what it prunes: nearer to the dense model on calibration data', async () => {
    const calibration = randomExamples(model, 'k-prune', { count: 8 });
    const distance = async (rebuilding: boolean) => {
      const params = { keep: 0.5, rebuilding };
      const { context, notes } = methodContext({ method: kPrune, variant: '', params, model, calibration });
      const pruned = await kPrune.compress(model, context);
      const counts = countUnits(pruned).map(({ heads, neurons }) => `${heads}/${neurons}`);
      expect(notes[0]).toContain(counts.join(', '));
      const cost = (of: Model) =>
        countUnits(of).reduce((sum, { heads, neurons }, layer) => {
          const { head, neuron } = unitCosts(of)[layer] as { head: number; neuron: number };
          return sum + heads * head + neurons * neuron;
        }, 0);
      expect(cost(pruned)).toBeLessThanOrEqual(0.5 * cost(model));
      expect(cost(pruned)).toBeGreaterThan(0.4 * cost(model));
      const divergences = await Promise.all(
        calibration.examples.map((example) => divergence(model, pruned, example, 1)),
      );
      return divergences.reduce((sum, value) => sum + value, 0);
    };
    expect(await distance(true)).toBeLessThan(0.9 * (await distance(false)));
  });
});
