import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { diagonalFisher, unitGradients, weightFisher } from '../../../engine/calibrate/fisher.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { buildBert } from '../../../models/shared/bert-graph.ts';
import { type BertConfig, readBertWeights } from '../../../models/shared/bert-weights.ts';
import { buildGpt } from '../../../models/shared/gpt-graph.ts';
import { type GptConfig, readGptWeights } from '../../../models/shared/gpt-weights.ts';
import { formulaWeight } from '../../support/formula-weight.ts';
import { randomExamples } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyGpt, tinyModels } from '../../support/tiny-model.ts';

interface Scores {
  readonly units: readonly Readonly<Record<string, readonly number[]>>[];
  readonly squares: Readonly<Record<string, readonly number[]>>;
}
const golden = JSON.parse(readFileSync(new URL('../../golden/fisher.json', import.meta.url), 'utf8')) as {
  readonly config: GptConfig & BertConfig;
  readonly classes: number;
  readonly examples: readonly { readonly tokens: number[]; readonly label: number }[];
  readonly gpt: Scores;
  readonly bert: Scores;
};
const bertConfig = { ...golden.config, classes: golden.classes };
const goldenExamples = golden.examples.map(({ tokens, label }) => ({ tokens: Int32Array.from(tokens), label }));

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, relative: number): void {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(...Array.from(expected, Math.abs));
  for (const [at, value] of Array.from(expected).entries())
    expect(Math.abs((actual[at] as number) - value)).toBeLessThanOrEqual(relative * scale);
}

describe.each([
  ['gpt', buildGpt('golden-gpt', golden.config, readGptWeights(golden.config, formulaWeight)), golden.gpt],
  ['bert', buildBert('golden-bert', bertConfig, readBertWeights(bertConfig, formulaWeight)), golden.bert],
] as const)('on the %s of PyTorch', (_, model, expected) => {
  const examples = goldenExamples;
  const linears = model.linears.filter(({ weight }) => weight in expected.squares);

  it('weightFisher is the sum of g²', async () => {
    expect(linears).toHaveLength(2);
    const squares = await weightFisher({ model, examples, linears });
    for (const { role, weight } of linears) {
      expectClose(squares.get(role) ?? [], expected.squares[weight] ?? [], 2e-5);
    }
  });

  it('unitGradients are those of masks on heads and neurons, by example', async () => {
    const units = await unitGradients({ model, examples, headWidth: 8 });
    for (const [layer, { heads, neurons }] of units.entries()) {
      const rows = (part: string) => expected.units.flatMap((example) => example[`layers.${layer}.${part}`] ?? []);
      expectClose(heads, rows('o'), 2e-5);
      expectClose(neurons, rows('down'), 2e-5);
      const squares = Array.from({ length: 3 }, (_, head) =>
        [0, 1, 2].reduce((sum, row) => sum + (heads[row * 3 + head] as number) ** 2, 0),
      );
      expectClose(diagonalFisher(heads, 3), squares, 1e-12);
    }
  });
});

/** Mean −ln p of what the example asks for, in float64 from the model's logits of it alone. */
async function lossOf(model: Model, { tokens, label }: Example): Promise<number> {
  const logits = await logitsOf(model, [[...tokens]]);
  const surprise = (scores: Float32Array, target: number): number => {
    const highest = Math.max(...scores);
    return highest + Math.log(scores.reduce((sum, x) => sum + Math.exp(x - highest), 0)) - (scores[target] as number);
  };
  if (model.kind === 'encoder') return surprise(logits, label as number);
  const classes = logits.length / tokens.length;
  const predicted = [...tokens.subarray(1)];
  const losses = predicted.map((target, at) => surprise(logits.subarray(at * classes, (at + 1) * classes), target));
  return losses.reduce((sum, loss) => sum + loss, 0) / predicted.length;
}

/** The model with some rows of a weight multiplied. */
function scaled(model: Model, linear: LinearRole, rows: readonly number[], factor: number): Model {
  const weight = model.weight(linear).slice();
  for (const row of rows)
    for (let at = row * linear.outFeatures; at < (row + 1) * linear.outFeatures; at++)
      weight[at] = factor * (weight[at] as number);
  return model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('on %s', (_, model) => {
  // Unequal lengths, all filled up to the context: what fills up must not show.
  const examples = randomExamples(model, 'fisher', { count: 3 }).examples.map((example, at) => ({
    ...example,
    tokens: example.tokens.subarray(0, 5 + 4 * at),
  }));
  const random = createRandom('fisher');

  it('unitGradients agree with central differences of the units themselves', async () => {
    const headWidth = model.roles.width / model.roles.heads;
    const units = await unitGradients({ model, examples, headWidth });
    const step = 1e-2;
    for (const [layer, { o, down }] of model.roles.layers.entries()) {
      const head = random.integer(model.roles.heads);
      const neuron = random.integer(down.inFeatures);
      const features = Array.from({ length: headWidth }, (_, at) => head * headWidth + at);
      const cases = [
        { linear: o, rows: features, gradients: units[layer]?.heads ?? [], count: model.roles.heads, at: head },
        { linear: down, rows: [neuron], gradients: units[layer]?.neurons ?? [], count: down.inFeatures, at: neuron },
      ];
      for (const { linear, rows, gradients, count, at } of cases) {
        for (const [index, example] of examples.entries()) {
          const difference =
            (await lossOf(scaled(model, linear, rows, 1 + step), example)) -
            (await lossOf(scaled(model, linear, rows, 1 - step), example));
          expect(gradients[index * count + at]).toBeCloseTo(difference / (2 * step), 3);
        }
      }
    }
  });

  it('weightFisher agrees with central differences', async () => {
    const linear = model.roles.layers[1]?.v as LinearRole;
    const weight = model.weight(linear);
    const squares = (await weightFisher({ model, examples })).get(linear.role) as Float64Array;
    const at = squares.indexOf(Math.max(...squares));
    const moved = (by: number): Model =>
      model.withWeight(
        linear,
        tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight.with(at, (weight[at] as number) + by)),
      );
    const step = 1e-2;
    let square = 0;
    for (const example of examples) {
      const slope = ((await lossOf(moved(step), example)) - (await lossOf(moved(-step), example))) / (2 * step);
      square += slope ** 2;
    }
    expect(Math.abs((squares[at] as number) / square - 1)).toBeLessThan(5e-3);
  });
});

describe('unitGradients', () => {
  it('returns rows in the order of examples of very different lengths', async () => {
    const model = tinyGpt({ contextLength: 160, layers: 1 });
    const examples = [100, 3, 70, 160].map((length) => ({
      tokens: new Int32Array(length).map((_, at) => (at * 7) % 64),
    }));
    const run = { model, headWidth: 8 };
    const [together] = await unitGradients({ ...run, examples });
    for (const [index, example] of examples.entries()) {
      const [alone] = await unitGradients({ ...run, examples: [example] });
      expectClose(together?.heads.subarray(index * 4, (index + 1) * 4) ?? [], alone?.heads ?? [], 1e-6);
      expectClose(together?.neurons.subarray(index * 48, (index + 1) * 48) ?? [], alone?.neurons ?? [], 1e-6);
    }
  });

  it('skips the blocks before the requested one', async () => {
    const model = tinyGpt({ layers: 3 });
    const { examples } = randomExamples(model, 'from', { count: 2 });
    const all = await unitGradients({ model, examples, headWidth: 8 });
    const some = await unitGradients({ model, examples, headWidth: 8, from: 1 });
    expect(some[0]).toEqual({ heads: new Float64Array(8), neurons: new Float64Array(96) });
    for (const layer of [1, 2]) expectClose(some[layer]?.neurons ?? [], all[layer]?.neurons ?? [], 1e-6);
  });

  it('stops when aborted, and refuses an encoder without labels', async () => {
    const [llama, , bert] = tinyModels as [Model, Model, Model];
    const signal = AbortSignal.abort(new Error('time is over'));
    const { examples } = randomExamples(llama, 'abort');
    await expect(unitGradients({ model: llama, examples, headWidth: 8, signal })).rejects.toThrow('time is over');
    const unlabelled = examples.map(({ tokens }, at) => ({ tokens, ...(at === 0 && { label: 1 }) }));
    await expect(unitGradients({ model: bert, examples: unlabelled, headWidth: 8 })).rejects.toThrow(UnsupportedError);
  });
});
