import { describe, expect, it } from 'vitest';
import { rankIntervals } from '../../../numerics/statistics/rank-intervals.ts';

/** Entries on a line; two differ significantly when they are more than `apart` from each other. */
function ranksOf(qualities: readonly number[], { apart, higherIsBetter }: { apart: number; higherIsBetter: boolean }) {
  return rankIntervals({
    count: qualities.length,
    compare(first, second) {
      const value = (qualities[first] as number) - (qualities[second] as number);
      return { value, pValue: Math.abs(value) > apart ? 1e-6 : 0.9 };
    },
    higherIsBetter,
    level: 0.05,
  });
}

describe('rankIntervals', () => {
  it('counts the entries that are significantly better and worse', () => {
    const { intervals, separated } = ranksOf([1, 1.5, 2.4, 9], { apart: 1, higherIsBetter: false });
    expect(intervals).toEqual([
      { best: 1, worst: 2 },
      { best: 1, worst: 3 },
      { best: 2, worst: 3 },
      { best: 4, worst: 4 },
    ]);
    expect(separated).toHaveLength(4);
    expect(separated[0]).toEqual({ better: 0, worse: 2, adjustedPValue: expect.closeTo(6e-6, 12) });
  });

  it('reverses where higher is better, and gives equal entries every rank', () => {
    expect(ranksOf([1, 9], { apart: 1, higherIsBetter: true }).intervals[1]).toEqual({ best: 1, worst: 1 });
    expect(ranksOf([3, 3, 3], { apart: 1, higherIsBetter: true }).intervals).toEqual(
      Array.from({ length: 3 }, () => ({ best: 1, worst: 3 })),
    );
    expect(ranksOf([], { apart: 1, higherIsBetter: true })).toEqual({ intervals: [], separated: [] });
  });

  it('corrects for the number of pairs', () => {
    const compare = (first: number, second: number) => ({ value: first - second, pValue: 0.02 });
    const ranks = (count: number) => rankIntervals({ count, compare, higherIsBetter: true, level: 0.05 });
    expect(ranks(2).separated).toHaveLength(1);
    expect(ranks(3).separated).toHaveLength(0);
  });
});
