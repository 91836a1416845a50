import { describe, expect, it } from 'vitest';
import { InputError, NumericalError } from '../../../contracts/errors.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import type { ChoiceItem, TaskItems } from '../../../contracts/task-items.ts';
import { evaluateTask } from '../../../harness/judge/evaluate-task.ts';
import { scoreDecision } from '../../../harness/judge/item-score.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const random = createRandom('task items');
const draw = (length: number): number[] => Array.from({ length }, () => random.integer(64));

/** The model with each weight of its linear layers moved by Gaussian noise. */
function disturbed(model: Model, scale = 0.1): Model {
  const noise = createRandom('noise');
  return model.linears.reduce((changed, linear) => {
    const moved = model.weight(linear).map((w) => w + scale * noise.normal());
    return changed.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], moved));
  }, model);
}

function logSoftmax(row: readonly number[]): number[] {
  const highest = Math.max(...row);
  const logSum = highest + Math.log(row.reduce((sum, x) => sum + Math.exp(x - highest), 0));
  return row.map((x) => x - logSum);
}

const choiceItems: ChoiceItem[] = Array.from({ length: 12 }, (_, i) => {
  const context = draw(3 + (i % 5));
  return {
    id: `question-${i}`,
    slice: i % 3 === 0 ? 'tail' : 'head',
    choices: [1, 2, 3].map((length) => Int32Array.of(...context, ...draw(length))),
    starts: [1, 2, 3].map(() => context.length),
    characters: [1, 2, 3],
    label: i % 3,
  };
});
const choiceTask: TaskItems = { metric: 'choice-accuracy', items: choiceItems, slices: ['head', 'tail'] };
const classTask: TaskItems = {
  metric: 'classification-accuracy',
  items: Array.from({ length: 12 }, (_, i) => ({
    id: `pair-${i}`,
    tokens: Int32Array.from(draw(5 + i)),
    label: i % 3,
  })),
};

/** Summed ln p of each choice, from the logits in float64. */
async function choiceScores(model: Model, { choices, starts }: ChoiceItem): Promise<number[]> {
  const scores: number[] = [];
  for (const [choice, tokens] of choices.entries()) {
    const logits = await logitsOf(model, [[...tokens]]);
    let score = 0;
    for (let t = starts[choice] ?? 0; t < tokens.length; t++) {
      const row = logSoftmax([...logits.subarray((t - 1) * 64, t * 64)]);
      score += row[tokens[t] as number] as number;
    }
    scores.push(score);
  }
  return scores;
}

describe('evaluateTask on choices', () => {
  it.each([
    ['gpt', tinyGpt()],
    ['llama', tinyLlama()],
  ])('agrees with a float64 computation from the logits of each choice by itself: %s', async (_, dense) => {
    const candidate = disturbed(dense);
    const { items, quality } = await evaluateTask({ dense: dense.onnx, candidate: candidate.onnx, task: choiceTask });
    for (const [i, item] of choiceItems.entries()) {
      const scores = await choiceScores(candidate, item);
      const q = logSoftmax(scores);
      const p = logSoftmax(await choiceScores(dense, item));
      const best = (of: readonly number[]): number => of.indexOf(Math.max(...of));
      expect(items.negativeLogLikelihood[i]).toBeCloseTo(-(q[item.label] as number), 4);
      expect(items.denseNegativeLogLikelihood[i]).toBeCloseTo(-(p[item.label] as number), 4);
      expect(items.klDivergence[i]).toBeCloseTo(
        p.reduce((sum, x, choice) => sum + Math.exp(x) * (x - (q[choice] as number)), 0),
        4,
      );
      expect(items.correct[i]).toBe(Number(best(q) === item.label));
      expect(items.denseCorrect[i]).toBe(Number(best(p) === item.label));
      expect(items.sameTop[i]).toBe(Number(best(p) === best(q)));
    }
    const right = items.correct.reduce((a, b) => a + b, 0);
    expect(quality).toMatchObject({ metric: 'choice-accuracy', higherIsBetter: true, items: 12, tokens: 12 });
    expect(quality.estimate.value).toBe(right / 12);
    expect(quality.estimate.low).toBeLessThanOrEqual(right / 12);
    expect(items.tokens).toEqual(items.ids.map(() => 1));
  });

  it('reports each slice by itself, in the order of the task', async () => {
    const dense = tinyGpt();
    const { items, quality } = await evaluateTask({
      dense: dense.onnx,
      candidate: disturbed(dense).onnx,
      task: choiceTask,
    });
    expect(items.slices).toEqual(choiceItems.map(({ slice }) => slice));
    expect(quality.slices?.map(({ slice, items: count }) => [slice, count])).toEqual([
      ['head', 8],
      ['tail', 4],
    ]);
    for (const { slice, estimate, dense: denseValue, items: count } of quality.slices ?? []) {
      const share = (column: readonly number[]): number =>
        column.filter((value, i) => value === 1 && items.slices?.[i] === slice).length / count;
      expect(estimate.value).toBe(share(items.correct));
      expect(denseValue).toBe(share(items.denseCorrect));
    }
    const [first, ...rest] = choiceItems;
    const lonely: TaskItems = {
      ...choiceTask,
      metric: 'choice-accuracy',
      items: [{ ...(first as ChoiceItem), slice: 'tail' }, ...rest.map((item) => ({ ...item, slice: 'head' }))],
    };
    await expect(evaluateTask({ dense: dense.onnx, candidate: dense.onnx, task: lonely })).rejects.toThrow(
      /slice tail: one item/,
    );
  });

  it('finds dense identical to itself', async () => {
    const { onnx } = tinyGpt();
    const { quality, distance } = await evaluateTask({ dense: onnx, candidate: onnx, task: choiceTask });
    expect(quality.estimate.value).toBe(quality.dense);
    expect(distance.klDivergence).toEqual({ value: 0, low: 0, high: 0 });
    expect(distance.deltaLogPerplexity).toEqual({ value: 0, low: 0, high: 0 });
    expect(distance.sameTop).toEqual({ value: 1, low: 1, high: 1 });
  });

  it('refuses items without a scored token or a correct choice, and encoders', async () => {
    const { onnx } = tinyGpt();
    const taskWith = (changes: Partial<ChoiceItem>): TaskItems => ({
      metric: 'choice-accuracy',
      items: choiceItems.map((item) => ({ ...item, ...changes })),
    });
    for (const task of [
      taskWith({ starts: [0, 0, 0] }),
      taskWith({ starts: [1, 1, 99] }),
      taskWith({ label: 3 }),
      taskWith({ choices: [] }),
    ])
      await expect(evaluateTask({ dense: onnx, candidate: onnx, task })).rejects.toThrow(InputError);
    const encoder = tinyBert().onnx;
    await expect(evaluateTask({ dense: encoder, candidate: encoder, task: choiceTask })).rejects.toThrow(
      /needs a decoder/,
    );
  });
});

describe('evaluateTask on classes', () => {
  it('agrees with a float64 softmax over the logits', async () => {
    const dense = tinyBert();
    const candidate = disturbed(dense);
    const { items, quality } = await evaluateTask({ dense: dense.onnx, candidate: candidate.onnx, task: classTask });
    for (const [i, item] of classTask.items.entries()) {
      const { tokens, label } = item as { tokens: Int32Array; label: number };
      const q = logSoftmax([...(await logitsOf(candidate, [[...tokens]]))]);
      expect(items.negativeLogLikelihood[i]).toBeCloseTo(-(q[label] as number), 5);
      expect(items.correct[i]).toBe(Number(q.indexOf(Math.max(...q)) === label));
    }
    expect(quality.metric).toBe('classification-accuracy');
    expect(quality.slices).toBeUndefined();
    expect(Object.keys(items)).not.toContain('slices');
  });

  it('refuses decoders and classes the model does not have', async () => {
    const { onnx } = tinyBert();
    const strange: TaskItems = {
      metric: 'classification-accuracy',
      items: [{ id: 'x', tokens: Int32Array.of(1), label: 3 }],
    };
    await expect(evaluateTask({ dense: onnx, candidate: onnx, task: strange })).rejects.toThrow(
      /label 3, but the model has 3/,
    );
    const decoder = tinyGpt().onnx;
    await expect(evaluateTask({ dense: decoder, candidate: decoder, task: classTask })).rejects.toThrow(
      /expected an encoder or embedder/,
    );
  });
});

describe('scoreDecision', () => {
  it('counts a tie as wrong, so that an artifact with constant scores gains nothing', () => {
    const tie = scoreDecision({ id: 'x', label: 0, weights: [1, 1], denseWeights: [2, 1] });
    expect(tie).toMatchObject({
      correct: 0,
      denseCorrect: 1,
      correctToIncorrect: 1,
      incorrectToCorrect: 0,
      sameTop: 1,
    });
    expect(tie.negativeLogLikelihood).toBeCloseTo(Math.LN2, 12);
  });

  it('stays finite for scores far apart and names values that are not finite', () => {
    const far = scoreDecision({ id: 'x', label: 1, weights: [0, -5000], denseWeights: [0, -1] });
    expect(far.negativeLogLikelihood).toBe(5000);
    const broken = () => scoreDecision({ id: 'x', label: 1, weights: [0, Number.NaN], denseWeights: [0, 1] });
    expect(broken).toThrow(NumericalError);
    expect(broken).toThrow(/item x: the artifact gives choice 2 of 2 the score NaN/);
  });
});
