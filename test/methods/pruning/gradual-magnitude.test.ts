import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type Tensor } from '../../../numerics/tensor/tensor.ts';
import gradualMagnitude, { pruneGradually } from '../../../methods/pruning/gradual-magnitude.ts';
import magnitude from '../../../methods/pruning/magnitude.ts';
import { methodContext } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

const zeros = (values: Float32Array) => values.reduce((count, value) => count + (value === 0 ? 1 : 0), 0);

/** Runs the hook as train() does, with weights that move between its calls. */
function prune(steps: number, { sparsity = 0.7, prunings = 5 } = {}) {
  const random = createRandom('gradual');
  const weight = Float32Array.from({ length: 200 }, () => random.normal());
  let mask = new Float32Array(200).fill(1);
  const counts: { step: number; zeros: number }[] = [];
  const masks: Float32Array[] = [];
  const hook = pruneGradually({ weights: ['w'], sparsity, prunings, steps });
  for (let step = 0; step < steps; step++) {
    if (step % hook.every === 0) {
      void hook.run({
        step,
        parameters: new Map([['w', weight]]),
        setParameter: () => undefined,
        moments: () => new Map(),
        setMask(_, next) {
          mask = Float32Array.from(next);
          masks.push(mask);
          counts.push({ step, zeros: zeros(next) });
        },
      });
    }
    for (const at of weight.keys())
      weight[at] = ((weight[at] as number) + 0.1 * random.normal()) * (mask[at] as number);
  }
  return { counts, masks };
}

describe('pruneGradually', () => {
  it('follows the cubic of the paper to exactly the target sparsity', () => {
    // Growth for 75 of 100 steps in 5 prunings: Δt = 15, and s_t = 0.7 (1 − (1 − t / 75)³) of 200 weights.
    const expected = [15, 30, 45, 60, 75].map((step) => ({
      step,
      zeros: Math.round(200 * 0.7 * (1 - (1 - step / 75) ** 3)),
    }));
    expect(prune(100).counts).toEqual(expected);
  });

  it('keeps zeros zero', () => {
    const { masks } = prune(100);
    for (const [index, mask] of masks.entries()) {
      const before = masks[index - 1];
      if (before !== undefined) expect(mask.every((kept, at) => kept <= (before[at] as number))).toBe(true);
    }
  });

  it.each([2, 3, 4, 7, 20, 101])('reaches the sparsity within %i steps', (steps) => {
    for (const prunings of [1, 3, 20]) expect(prune(steps, { prunings }).counts.at(-1)?.zeros).toBe(140);
  });
});

describe('gradual-magnitude', () => {
  const model = tinyGpt();
  const training = countingExamples();
  const params = { sparsity: 0.8, steps: 60, learningRate: 5e-3 };

  it('has exactly the target sparsity in every linear layer and none elsewhere, and is better than one-shot pruning', async () => {
    const { context, spent } = methodContext({ method: gradualMagnitude, variant: '', params, model, training });
    const pruned = await gradualMagnitude.compress(model, context);
    for (const linear of model.linears) {
      const weight = pruned.weight(linear);
      expect(zeros(weight)).toBe(Math.round(0.8 * weight.length));
    }
    const embedding = pruned.onnx.graph.initializers.get(model.roles.embedding.weight) as Tensor;
    expect(zeros(elements(embedding, 'float32'))).toBe(0);
    expect(spent).toEqual({ steps: 60, tokens: 60 * 8 * model.contextLength });
    const oneShot = methodContext({ method: magnitude, variant: '', params: { sparsity: 0.8 }, model });
    const [gradual, once] = [
      await nextTokenLoss(pruned, training),
      await nextTokenLoss(await magnitude.compress(model, oneShot.context), training),
    ];
    expect(gradual).toBeLessThan(0.7 * once);
  });
});
