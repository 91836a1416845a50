import { beforeAll, describe, expect, it } from 'vitest';
import { NumericalError } from '../../../contracts/errors.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import type { Evaluation } from '../../../harness/judge/evaluate-task.ts';
import { evaluatePerplexity } from '../../support/evaluate-perplexity.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

const VOCABULARY = 64;
const dense = tinyLlama().onnx;
const random = createRandom('items');
const examples = [2, 3, 17, 32, 9].map((length) => ({
  tokens: Int32Array.from({ length }, () => random.integer(VOCABULARY)),
}));
const ids = examples.map((_, i) => `story-${i}`);

/** Dense with each weight of its linear layers moved by Gaussian noise. */
function disturbed(scale: number): OnnxModel {
  const model = tinyLlama();
  const noise = createRandom('noise');
  return model.linears.reduce(
    (changed, linear) =>
      changed.withWeight(
        linear,
        tensorOf(
          'float32',
          [linear.inFeatures, linear.outFeatures],
          model.weight(linear).map((w) => w + scale * noise.normal()),
        ),
      ),
    model,
  ).onnx;
}

/** ln p of every token of the vocabulary at every position, float64, from the model's own logits: [sequence][vocabulary]. */
async function logProbabilities(model: OnnxModel, tokens: Int32Array): Promise<Float64Array[]> {
  const session = await createSession(model, { threads: 1 });
  const { logits } = await session.run({
    input_ids: tensorOf('int64', [1, tokens.length], BigInt64Array.from(tokens, BigInt)),
  });
  const values = Float64Array.from(elements(logits as NumericTensor, 'float32'));
  await session.release();
  return Array.from(tokens, (_, t) => {
    const row = values.subarray(t * VOCABULARY, (t + 1) * VOCABULARY);
    const highest = Math.max(...row);
    const logSum = highest + Math.log(row.reduce((total, x) => total + Math.exp(x - highest), 0));
    return row.map((x) => x - logSum);
  });
}

function argMax(row: Float64Array): number {
  return row.indexOf(Math.max(...row));
}

describe('evaluatePerplexity', () => {
  let candidate: OnnxModel;
  let result: Evaluation;
  beforeAll(async () => {
    candidate = disturbed(0.05);
    result = await evaluatePerplexity({ dense, candidate, examples, ids });
  });

  it('agrees with a float64 computation from the logits, item by item', async () => {
    const { items } = result;
    expect(items.ids).toEqual(ids);
    for (const [i, { tokens }] of examples.entries()) {
      const p = await logProbabilities(dense, tokens);
      const q = await logProbabilities(candidate, tokens);
      let [loss, denseLoss, divergence] = [0, 0, 0];
      const counts = { sameTop: 0, correct: 0, denseCorrect: 0, correctToIncorrect: 0, incorrectToCorrect: 0 };
      for (let t = 0; t + 1 < tokens.length; t++) {
        const [pRow, qRow] = [p[t] as Float64Array, q[t] as Float64Array];
        const target = tokens[t + 1] as number;
        loss -= qRow[target] as number;
        denseLoss -= pRow[target] as number;
        divergence += pRow.reduce((total, x, token) => total + Math.exp(x) * (x - (qRow[token] as number)), 0);
        const [right, denseRight] = [argMax(qRow) === target, argMax(pRow) === target];
        counts.sameTop += Number(argMax(pRow) === argMax(qRow));
        counts.correct += Number(right);
        counts.denseCorrect += Number(denseRight);
        counts.correctToIncorrect += Number(denseRight && !right);
        counts.incorrectToCorrect += Number(right && !denseRight);
      }
      expect(items.tokens[i]).toBe(tokens.length - 1);
      expect(items.negativeLogLikelihood[i]).toBeCloseTo(loss, 4);
      expect(items.denseNegativeLogLikelihood[i]).toBeCloseTo(denseLoss, 4);
      expect(items.klDivergence[i]).toBeCloseTo(divergence, 5);
      for (const [name, count] of Object.entries(counts)) expect(items[name as 'sameTop'][i]).toBe(count);
    }
  });

  it('derives perplexity and distance from the sums', () => {
    const { items, quality, distance } = result;
    const total = (column: readonly number[]) => column.reduce((a, b) => a + b, 0);
    const tokens = total(items.tokens);
    expect(quality).toMatchObject({ metric: 'perplexity', higherIsBetter: false, items: 5, tokens });
    expect(quality.estimate.value).toBeCloseTo(Math.exp(total(items.negativeLogLikelihood) / tokens), 8);
    expect(distance.deltaLogPerplexity.value).toBeCloseTo(Math.log(quality.estimate.value / quality.dense), 10);
    expect(distance.klDivergence.value).toBeCloseTo(total(items.klDivergence) / tokens, 12);
    expect(distance.klDivergence.value).toBeGreaterThan(0);
    for (const { value, low, high } of [quality.estimate, ...Object.values(distance)]) {
      expect(low).toBeLessThanOrEqual(value);
      expect(high).toBeGreaterThanOrEqual(value);
    }
  });

  it('gives the same values when run again', async () => {
    expect(await evaluatePerplexity({ dense, candidate, examples, ids })).toEqual(result);
  });

  it('finds no distance between dense and itself, since both sides run the same operators on the same numbers', async () => {
    const { items, quality, distance } = await evaluatePerplexity({ dense, candidate: dense, examples, ids });
    expect(items.negativeLogLikelihood).toEqual(items.denseNegativeLogLikelihood);
    expect(items.klDivergence).toEqual(items.ids.map(() => 0));
    expect(items.sameTop).toEqual(items.tokens);
    expect(quality.estimate.value).toBe(quality.dense);
    expect(distance.deltaLogPerplexity).toEqual({ value: 0, low: 0, high: 0 });
    expect(distance.correctToIncorrect).toEqual({ value: 0, low: 0, high: 0 });
  });

  it('computes small divergences without rounding errors', async () => {
    const small = await evaluatePerplexity({ dense, candidate: disturbed(1e-4), examples, ids });
    const smaller = await evaluatePerplexity({ dense, candidate: disturbed(3e-5), examples, ids });
    // The divergence falls with the square of the disturbance.
    const ratio = small.distance.klDivergence.value / smaller.distance.klDivergence.value;
    expect(ratio).toBeGreaterThan(9);
    expect(ratio).toBeLessThan(13);
  });

  it('names item and token where an artifact is not finite', async () => {
    const model = tinyLlama();
    const first = model.linears[0];
    if (!first) throw new Error('no linear layer');
    const weight = model.weight(first).slice();
    weight[0] = NaN;
    const broken = model.withWeight(first, tensorOf('float32', [first.inFeatures, first.outFeatures], weight)).onnx;
    const failing = evaluatePerplexity({ dense, candidate: broken, examples, ids });
    await expect(failing).rejects.toThrow(NumericalError);
    await expect(failing).rejects.toThrow(/item story-0: .* artifact at token 1 of 1 .* NaN/);
    const blamed = evaluatePerplexity({ dense: broken, candidate: dense, examples, ids });
    await expect(blamed).rejects.toThrow(/of the dense model/);
  });

  it('refuses items with nothing to predict and a model of another interface', async () => {
    const run = (changes: object) => evaluatePerplexity({ dense, candidate, examples, ids, ...changes });
    await expect(run({ examples: [{ tokens: Int32Array.of(1) }], ids: ['lone'] })).rejects.toThrow(/item lone has 1/);
    const renamed = { ...candidate, graph: { ...candidate.graph, inputs: [] } };
    await expect(run({ candidate: renamed })).rejects.toThrow('the candidate model has no input "input_ids"');
  });

  it('reports progress and stops when aborted', async () => {
    const shares: number[] = [];
    await evaluatePerplexity({ dense, candidate, examples, ids, onProgress: (share) => shares.push(share) });
    expect(shares).toHaveLength(examples.length);
    expect(shares.at(-1)).toBe(1);
    const controller = new AbortController();
    const stopped = evaluatePerplexity({
      dense,
      candidate,
      examples,
      ids,
      signal: controller.signal,
      onProgress: () => controller.abort(new Error('time is over')),
    });
    await expect(stopped).rejects.toThrow('time is over');
  });
});
