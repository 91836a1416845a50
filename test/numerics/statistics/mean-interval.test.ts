import { describe, expect, it } from 'vitest';
import { meanInterval } from '../../../numerics/statistics/mean-interval.ts';

describe('meanInterval', () => {
  it('equals scipy’s: stats.t.interval(0.95, 4, loc=3, scale=stats.sem([1, 2, 3, 4, 5]))', () => {
    const { value, low, high } = meanInterval([1, 2, 3, 4, 5], 0.95);
    expect(value).toBe(3);
    expect(low).toBeCloseTo(1.0367568385224428, 9);
    expect(high).toBeCloseTo(4.963243161477557, 9);
  });

  it('has no width where all values are equal, and needs two of them', () => {
    expect(meanInterval([2, 2, 2], 0.95)).toEqual({ value: 2, low: 2, high: 2 });
    expect(() => meanInterval([1], 0.95)).toThrow('at least 2 values, got 1');
  });
});
