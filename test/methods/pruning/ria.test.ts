import { describe, expect, it } from 'vitest';
import method, { relativeImportance, ria } from '../../../methods/pruning/ria.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyGpt } from '../../support/tiny-model.ts';

describe('ria', () => {
  // [in = 3, out = 2]
  const weight = Float32Array.of(1, -3, 2, 0, -1, 1);
  const norms = Float64Array.of(1, 4, 9);
  const shape = { inFeatures: 3, outFeatures: 2 };

  it('compares each weight with those of its input and output', () => {
    // Sums of inputs: 4, 2, 2; of outputs: 4, 4. Strengths: 1, 2, 3.
    const expected = [1 / 4 + 1 / 4, 3 / 4 + 3 / 4, 2 * (2 / 4 + 2 / 2), 0, 3 * (1 / 4 + 1 / 2), 3 * (1 / 4 + 1 / 2)];
    expect([...relativeImportance(weight, norms, { ...shape, power: 0.5 })]).toEqual(expected);
  });

  it('compares the weights of the whole layer', () => {
    // Lowest scores: 0, 0.5, 1.5.
    expect([...ria(weight, norms, { ...shape, power: 0.5, sparsity: 0.5 })]).toEqual([0, 0, 2, 0, -1, 1]);
  });

  it('keeps weights of an input whose weights are all small, which magnitude would remove', () => {
    const weak = Float32Array.of(5, 1, 1, 5, 5, 1, 0.01, 0.2);
    const options = { inFeatures: 4, outFeatures: 2, power: 0.5, sparsity: 0.5 };
    expect([...ria(weak, new Float64Array(4).fill(1), options)]).toEqual([5, 0, 0, 5, 5, 0, 0, weak[7]]);
  });

  it('scores a layer of zeros without division by zero', () => {
    expect([...relativeImportance(new Float32Array(6), norms, { ...shape, power: 1 })]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});

describe('the method ria', () => {
  it('prunes the given share', async () => {
    const model = tinyGpt();
    const { context } = methodContext({ method, variant: 's60', model });
    const smaller = await method.compress(model, context);
    for (const linear of model.linears) {
      const pruned = smaller.weight(linear);
      expect(pruned.filter((value) => value === 0)).toHaveLength(Math.round(0.6 * pruned.length));
    }
  });
});
