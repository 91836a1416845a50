import { describe, expect, it } from 'vitest';
import { captureValues } from '../../../../engine/runtime/capture.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { elements } from '../../../../numerics/tensor/tensor.ts';
import { countUnits, keepUnits, type KeptUnits } from '../../../../methods/shared/surgery/structure.ts';
import {
  randomUnits,
  searchUnits,
  unitCosts,
  unitEnergies,
  type UnitScores,
} from '../../../../methods/shared/surgery/units.ts';
import { randomExamples } from '../../../support/method-context.ts';
import { tinyGpt, tinyLlama, tinyModels } from '../../../support/tiny-model.ts';

const random = createRandom('units');
type Model = (typeof tinyModels)[number];

/** Elements of weights and biases of the projections in, and of weights of those out. */
function blockParameters(model: Model): number {
  return model.roles.layers.reduce((sum, { q, k, v, o, gate, up, down }) => {
    const into = [q, k, v, up, ...(gate ? [gate] : [])].map(
      (of) => of.outFeatures * (of.inFeatures + (of.bias ? 1 : 0)),
    );
    return sum + into.reduce((a, b) => a + b, 0) + 32 * (o.inFeatures + down.inFeatures);
  }, 0);
}

function randomScores(model: Model): readonly UnitScores[] {
  const draw = (length: number) => Float64Array.from({ length }, () => random.next());
  return countUnits(model).map(({ heads, neurons }) => ({ heads: draw(heads), neurons: draw(neurons) }));
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('units of %s', (_, model) => {
  it('cost the parameters of their features', () => {
    const whole = blockParameters(model);
    const costs = unitCosts(model);
    const all = countUnits(model).map(({ heads, neurons }) => ({
      heads: [...Array(heads).keys()],
      neurons: [...Array(neurons).keys()],
    }));
    const less = keepUnits(model, [{ heads: [1], neurons: [...Array(45).keys()] }, all[1] as KeptUnits]);
    const heads = (countUnits(model)[0]?.heads ?? 0) - 1;
    expect(whole - blockParameters(less)).toBe(heads * (costs[0]?.head ?? 0) + 3 * (costs[0]?.neuron ?? 0));
  });

  it('fill the share of the parameters', () => {
    const whole = blockParameters(model);
    for (const share of [0.9, 0.5, 0.3]) {
      const left = blockParameters(keepUnits(model, searchUnits(model, randomScores(model), share)));
      expect(left).toBeLessThanOrEqual(share * whole);
      expect(left).toBeGreaterThan(share * whole - (unitCosts(model)[0]?.head ?? 0) - 1);
    }
  });

  it('drawn at random fill the share, with equal shares of heads and neurons', () => {
    const whole = blockParameters(model);
    const total = { heads: 0, neurons: 0 };
    const draws = 200;
    for (let seed = 0; seed < draws; seed++) {
      const kept = randomUnits(model, createRandom(`random units ${seed}`), 0.5);
      expect(blockParameters(keepUnits(model, kept))).toBeLessThanOrEqual(0.5 * whole);
      for (const kind of ['heads', 'neurons'] as const)
        total[kind] += kept.reduce((sum, of) => sum + of[kind].length, 0);
    }
    const share = (kind: 'heads' | 'neurons') =>
      total[kind] / draws / countUnits(model).reduce((sum, of) => sum + of[kind], 0);
    expect(share('heads')).toBeGreaterThan(0.4);
    expect(share('heads')).toBeLessThan(0.65);
    expect(share('neurons')).toBeGreaterThan(0.4);
    expect(share('neurons')).toBeLessThan(0.65);
  });

  it('have the energy of their features’ contributions', async () => {
    const { examples } = randomExamples(model, 'energy', { count: 2 });
    const energies = await unitEnergies(model, examples, new AbortController().signal);
    const { o, down } = model.roles.layers[1] as Model['roles']['layers'][number];
    const groupWidth = countUnits(model)[1]?.groupWidth ?? 0;
    let [head, neuron] = [0, 0];
    await captureValues({
      model: model.onnx,
      values: [o.input, down.input],
      examples,
      visit(captured) {
        const context = elements(captured[o.input]!, 'float32');
        const hidden = elements(captured[down.input]!, 'float32');
        const square = (weight: Float32Array, row: number) =>
          weight.subarray(row * 32, (row + 1) * 32).reduce((sum, value) => sum + value ** 2, 0) / 32;
        for (let row = 0; row < 16; row++) {
          neuron += (hidden[row * 48 + 7] as number) ** 2 * square(model.weight(down), 7);
          for (let f = groupWidth; f < 2 * groupWidth; f++)
            head += (context[row * 32 + f] as number) ** 2 * square(model.weight(o), f);
        }
      },
    });
    expect(energies[1]?.neurons[7]).toBeCloseTo(neuron / 32, 6);
    expect(energies[1]?.heads[1]).toBeCloseTo(head / 32, 6);
  });
});

describe('searchUnits', () => {
  const model = tinyLlama({ width: 8, heads: 2, keyValueHeads: 2, hiddenWidth: 3, layers: 2 });

  it('loses the least importance of all choices of the same size', () => {
    const [{ head, neuron }] = unitCosts(model) as [{ head: number; neuron: number }];
    for (let attempt = 0; attempt < 40; attempt++) {
      const scores = randomScores(model);
      const share = 0.5 + 0.5 * random.next();
      const budget = share * 2 * (2 * head + 3 * neuron);
      const sum = (kept: readonly KeptUnits[]) =>
        kept.reduce(
          (total, { heads, neurons }, layer) =>
            total +
            heads.reduce((all, at) => all + (scores[layer]?.heads[at] ?? 0), 0) +
            neurons.reduce((all, at) => all + (scores[layer]?.neurons[at] ?? 0), 0),
          0,
        );
      const subsets = (count: number) =>
        Array.from({ length: 2 ** count }, (_, bits) =>
          [...Array(count).keys()].filter((at) => (bits >> at) & 1),
        ).filter((set) => set.length > 0);
      const choices = subsets(2).flatMap((heads) => subsets(3).map((neurons) => ({ heads, neurons })));
      const most = Math.max(
        ...choices.flatMap((first) =>
          choices
            .filter(
              (second) =>
                (first.heads.length + second.heads.length) * head +
                  (first.neurons.length + second.neurons.length) * neuron <=
                budget,
            )
            .map((second) => sum([first, second])),
        ),
      );
      expect(sum(searchUnits(model, scores, share))).toBeCloseTo(most, 10);
    }
  });

  it('keeps the best head and neuron of every block, where there is room for no more', () => {
    const gpt = tinyGpt();
    const scores = countUnits(gpt).map(({ heads, neurons }) => ({
      heads: Float64Array.from({ length: heads }, (_, at) => (at === 2 ? 1 : 0)),
      neurons: Float64Array.from({ length: neurons }, (_, at) => (at === 5 ? 1 : 0)),
    }));
    expect(searchUnits(gpt, scores, 0.01)).toEqual([
      { heads: [2], neurons: [5] },
      { heads: [2], neurons: [5] },
    ]);
  });
});
