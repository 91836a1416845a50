import { describe, expect, it } from 'vitest';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import method, { wanda } from '../../../methods/pruning/wanda.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyLlama } from '../../support/tiny-model.ts';

describe('wanda', () => {
  // [in = 4, out = 2]; the third input is ten times as strong as the others.
  const weight = Float32Array.of(1, -4, 2, 3, 0.25, 0.35, -3, 1);
  const norms = Float64Array.of(1, 1, 10, 1);
  const shape = { inFeatures: 4, outFeatures: 2 };

  it('weights each weight by the size of its input, output by output', () => {
    // Scores: output 0: 1, 2, 2.5, 3; output 1: 4, 3, 3.5, 1.
    expect([...wanda(weight, norms, { ...shape, sparsity: 0.5 })]).toEqual([0, -4, 0, 0, 0.25, weight[5], -3, 0]);
    expect([...wanda(weight, norms, { ...shape, sparsity: 0.25 })]).toEqual([0, -4, 2, 3, 0.25, weight[5], -3, 0]);
    expect([...wanda(weight, norms, { ...shape, sparsity: '2:4' })]).toEqual([0, -4, 0, 0, 0.25, weight[5], -3, 0]);
  });

  it('equals magnitude pruning per output where all inputs have equal size', () => {
    expect([...wanda(weight, new Float64Array(4).fill(1), { ...shape, sparsity: 0.5 })]).toEqual([
      0, -4, 2, 3, 0, 0, -3, 0,
    ]);
  });
});

describe('the method wanda', () => {
  const model = tinyLlama();

  it('prunes the first block on dense inputs, the same share of every output', async () => {
    const { context } = methodContext({ method, variant: 's50', model });
    const smaller = await method.compress(model, context);
    const norms = await activationNorms({ model, examples: context.calibration.examples });
    for (const linear of model.linears) {
      const { inFeatures, outFeatures } = linear;
      const pruned = smaller.weight(linear);
      for (let out = 0; out < outFeatures; out++) {
        const column = Array.from({ length: inFeatures }, (_, i) => pruned[i * outFeatures + out]);
        expect(column.filter((value) => value === 0)).toHaveLength(inFeatures / 2);
      }
      if (!linear.role.startsWith('layers.0')) continue;
      const euclidean = norms.get(linear.role)?.euclidean as Float64Array;
      expect(pruned).toEqual(wanda(model.weight(linear), euclidean, { inFeatures, outFeatures, sparsity: 0.5 }));
    }
  });

  it('stops when aborted', async () => {
    const { context } = methodContext({
      method,
      variant: '2-of-4',
      model,
      signal: AbortSignal.abort(new Error('over')),
    });
    await expect(method.compress(model, context)).rejects.toThrow('over');
  });
});
