import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type Tensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { tokenBatches } from '../../../engine/training/batches.ts';
import { taskLoss } from '../../../engine/training/loss.ts';
import { sgd } from '../../support/sgd.ts';
import { withParameters } from '../../../engine/training/parameters.ts';
import { train } from '../../../engine/training/train.ts';
import magnitude from '../../../methods/pruning/magnitude.ts';
import movement, { moveThreshold, scoreName, withScores } from '../../../methods/pruning/movement.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const model = tinyGpt({ layers: 1 });
const training = countingExamples();
const zeros = (values: Float32Array) => values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);
const random = createRandom('movement');

/** One step of plain gradient descent on what is named, at rate 1. */
async function step(onnx: typeof model.onnx, parameters: readonly string[]) {
  const { parameters: after } = await train({
    model: onnx,
    loss: taskLoss(model),
    feeds: [tokenBatches({ examples: training, batch: 8, sequence: 32, seed: 1 })],
    optimizer: sgd(),
    schedule: () => 1,
    steps: 1,
    clipNorm: Infinity,
    parameters,
    threads: 1,
  });
  return after;
}

describe.each([true, false])('withScores, soft: %s', (soft) => {
  const onnx = withScores(model, { soft });
  const scores = model.linears.map(scoreName);

  it('computes the same as the model while nothing is masked', async () => {
    const rows = [[1, 9, 17, 4, 33, 60]];
    expect(largestDifference(await logitsOf({ onnx }, rows), await logitsOf(model, rows))).toBe(0);
  });

  it('masks by the threshold, and moves scores by the gradient times the weight, also masked ones', async () => {
    const threshold = soft ? Math.log(0.1 / 0.9) : 0;
    const start = new Map(
      model.linears.map((linear) => [
        scoreName(linear),
        Float32Array.from({ length: model.weight(linear).length }, (_, at) =>
          at % 7 === 0 ? threshold : threshold + random.normal(),
        ),
      ]),
    );
    const masked = withParameters(onnx, start);
    const maskOf = (name: string) => start.get(name)?.map((score) => (score > Math.fround(threshold) ? 1 : 0));
    // The same weights masked by hand: its gradients are ∂L/∂(W ∘ M).
    const byHand = model.linears.reduce((result, linear) => {
      const mask = maskOf(scoreName(linear)) as Float32Array;
      const weight = model.weight(linear).map((value, at) => value * (mask[at] as number));
      return result.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
    }, model);
    const rows = [[1, 9, 17, 4, 33, 60]];
    expect(largestDifference(await logitsOf({ onnx: masked }, rows), await logitsOf(byHand, rows))).toBeLessThan(1e-6);
    const weights = model.linears.map(({ weight }) => weight);
    const [moved, plain, both] = [
      await step(masked, scores),
      await step(byHand.onnx, weights),
      await step(masked, [...weights, ...scores]),
    ];
    for (const linear of model.linears) {
      const [name, weight] = [scoreName(linear), model.weight(linear)];
      const mask = maskOf(name) as Float32Array;
      const gradient = byHand.weight(linear).map((value, at) => value - (plain.get(linear.weight)?.[at] as number));
      const expected = gradient.map((value, at) => value * (weight[at] as number));
      const found = (start.get(name) as Float32Array).map((value, at) => value - (moved.get(name)?.[at] as number));
      expect(largestDifference(found, expected)).toBeLessThan(2e-6);
      expect(expected.some((value, at) => mask[at] === 0 && Math.abs(value) > 1e-4)).toBe(true);
      // Weights that are masked get no gradient.
      const change = weight.map((value, at) => value - (both.get(linear.weight)?.[at] as number));
      expect(
        largestDifference(
          change,
          gradient.map((value, at) => value * (mask[at] as number)),
        ),
      ).toBeLessThan(2e-6);
    }
  });
});

describe('moveThreshold', () => {
  it('keeps the order and moves as many scores below 0 as the cubic requires', () => {
    const hook = moveThreshold({ scores: ['s'], sparsity: 0.8, steps: 100 });
    expect(hook.every).toBe(2);
    let values = Float32Array.from({ length: 500 }, () => 1 + 0.1 * random.normal());
    for (let at = 0; at < 100; at += hook.every) {
      const before = values;
      void hook.run({
        step: at,
        parameters: new Map([['s', values]]),
        moments: () => new Map(),
        setMask: () => undefined,
        setParameter: (_, next) => (values = Float32Array.from(next)),
      });
      const order = (of: Float32Array) => [...of.keys()].sort((a, b) => (of[a] as number) - (of[b] as number) || a - b);
      expect(order(values)).toEqual(order(before));
      const expected = Math.round(500 * 0.8 * (1 - Math.max(0, 1 - at / 75) ** 3));
      expect(values.filter((score) => score <= 0)).toHaveLength(expected);
      values = values.map((score) => score + 0.05 * random.normal());
    }
  });
});

describe('movement', () => {
  const whole = tinyGpt();

  it('has exactly the target sparsity in every linear layer and none elsewhere, and is better than one-shot pruning', async () => {
    const params = { sparsity: 0.8, steps: 60, learningRate: 5e-3 };
    const { context, spent } = methodContext({ method: movement, variant: '', params, model: whole, training });
    const pruned = await movement.compress(whole, context);
    for (const linear of whole.linears) {
      const weight = pruned.weight(linear);
      expect(zeros(weight)).toBe(Math.round(0.8 * weight.length));
    }
    const { initializers } = pruned.onnx.graph;
    expect([...initializers.keys()].filter((name) => name.endsWith('.score'))).toEqual([]);
    const embedding = initializers.get(whole.roles.embedding.weight) as Tensor;
    expect(zeros(elements(embedding, 'float32'))).toBe(0);
    expect(spent.steps).toBe(60);
    const oneShot = methodContext({ method: magnitude, variant: '', params: { sparsity: 0.8 }, model: whole });
    expect(await nextTokenLoss(pruned, training)).toBeLessThan(
      0.7 * (await nextTokenLoss(await magnitude.compress(whole, oneShot.context), training)),
    );
  });

  it('masks more for a higher penalty', async () => {
    const notes = async (penalty: number) => {
      const params = { penalty, steps: 60, learningRate: 0.1 };
      const made = methodContext({ method: movement, variant: '', params, model, training });
      const pruned = await movement.compress(model, made.context);
      const count = pruned.linears.reduce((sum, linear) => sum + zeros(pruned.weight(linear)), 0);
      expect(made.notes[0]).toMatch(/^zeros in linear layers: \d+\.\d %$/);
      return count;
    };
    expect(await notes(100)).toBeGreaterThan(await notes(0.01));
  });

  it('accepts either sparsity or penalty', async () => {
    for (const params of [{ steps: 4 }, { steps: 4, sparsity: 0.5, penalty: 1 }]) {
      const { context } = methodContext({ method: movement, variant: '', params, model, training });
      await expect(movement.compress(model, context)).rejects.toThrow(InputError);
    }
  });
});
