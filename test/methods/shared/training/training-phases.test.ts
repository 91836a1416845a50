import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../../numerics/tensor/tensor.ts';
import type { Loss } from '../../../../engine/training/loss.ts';
import { sgd } from '../../../support/sgd.ts';
import { train } from '../../../../engine/training/train.ts';
import { trainingPhases } from '../../../../methods/shared/training/training-phases.ts';

/** A single number, pulled towards another. */
const towards =
  (goal: number): Loss =>
  ({ w }) => {
    const difference = w.sub('value', w.scalar(goal));
    return w.reduceMean(w.mul(difference, difference), { keepdims: false });
  };

async function run(firstShare: number) {
  const b = createGraphBuilder({ name: 'number', opset: 21 });
  b.input('nothing', 'float32', [1]);
  b.output(
    b.identity(b.initializer('number.weight', tensorOf('float32', [1], Float32Array.of(0))), { name: 'value' }),
    {
      dtype: 'float32',
      dims: [1],
    },
  );
  const steps = 10;
  const { loss, feeds } = trainingPhases({ first: towards(1), second: towards(-1), firstShare, steps });
  const nothing = { shapes: { nothing: [1] }, at: () => ({ nothing: tensorOf('float32', [1], new Float32Array(1)) }) };
  const { history } = await train({
    model: b.build(),
    loss,
    feeds: [nothing, ...feeds],
    optimizer: sgd(),
    schedule: () => 0.25,
    steps,
    clipNorm: Infinity,
    threads: 1,
  });
  return history.loss;
}

/** The losses when the number goes halfway to its goal in each step. */
function expected(switchAt: number): number[] {
  let value = 0;
  return Array.from({ length: 10 }, (_, step) => {
    const goal = step < switchAt ? 1 : -1;
    const loss = (value - goal) ** 2;
    value += (goal - value) / 2;
    return loss;
  });
}

describe('trainingPhases', () => {
  it.each([
    [0, 0],
    [0.3, 3],
    [0.5, 5],
    [1, 10],
  ])('uses the first loss for %s of the steps, then the second', async (share, switchAt) => {
    const losses = await run(share);
    for (const [step, loss] of expected(switchAt).entries()) expect(losses[step]).toBeCloseTo(loss, 5);
  });
});
