import { describe, expect, it } from 'vitest';
import { quantileBySelection } from '../../../numerics/statistics/quantile-by-selection.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { quantile } from '../../../numerics/statistics/statistics.ts';

describe('quantileBySelection', () => {
  it('equals the quantile of the sorted sample to the last bit, ties and order included', () => {
    const random = createRandom('selection');
    for (let round = 0; round < 300; round++) {
      const length = 1 + random.integer(round % 10 === 0 ? 3000 : 60);
      const values = Float64Array.from({ length }, () =>
        round % 3 === 0 ? random.integer(4) : round % 3 === 1 ? random.normal() : 1e9 + random.next(),
      );
      if (round % 5 === 0) values.sort();
      if (round % 7 === 0) values.sort().reverse();
      for (const probability of [0, 0.025, 0.31, 0.5, 0.975, 1, random.next()]) {
        expect(quantileBySelection(Float64Array.from(values), probability)).toBe(quantile(values, probability));
      }
    }
  });

  it('keeps the sample’s values, in another order', () => {
    const values = Float64Array.from([3, 1, 2, 2, 9]);
    quantileBySelection(values, 0.4);
    expect([...values].sort()).toEqual([1, 2, 2, 3, 9]);
  });

  it('returns NaN where there is one, and infinities where they are the quantile', () => {
    expect(quantileBySelection(Float64Array.from([1, NaN, 3]), 0)).toBeNaN();
    expect(quantileBySelection(Float64Array.from([1, Infinity, 3]), 1)).toBe(Infinity);
  });

  it('refuses an empty sample and an invalid probability', () => {
    expect(() => quantileBySelection(new Float64Array(0), 0.5)).toThrow('at least 1 value');
    expect(() => quantileBySelection(Float64Array.of(1), 1.5)).toThrow('probability from 0 to 1');
  });
});
