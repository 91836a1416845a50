import { describe, expect, it } from 'vitest';
import { intervalIsNarrow } from '../../../numerics/statistics/interval-coverage.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

const random = createRandom('coverage');
const normal = Array.from({ length: 200 }, () => 5 + random.normal());
const ones = normal.map(() => 1);

describe('intervalIsNarrow', () => {
  it('marks a row with outlying items', () => {
    expect(intervalIsNarrow({ values: normal, weights: ones })).toBe(false);
    expect(intervalIsNarrow({ values: [...normal.slice(1), 40], weights: ones })).toBe(true);
    expect(intervalIsNarrow({ values: ones.map((_, i) => (i < 3 ? 1 : 0)), weights: ones })).toBe(true);
    expect(intervalIsNarrow({ values: ones, weights: ones })).toBe(false);
  });

  it('looks at the loss per token: a long item is not an outlier', () => {
    const weights = ones.map((_, i) => (i === 7 ? 50 : 1));
    expect(intervalIsNarrow({ values: weights.map((weight, i) => weight * 3 + (normal[i] ?? 0) - 5), weights })).toBe(
      false,
    );
    expect(() => intervalIsNarrow({ values: [1], weights: [1, 2] })).toThrow('expected 2 values');
  });
});
