/**
 * Ranks with their uncertainty: an entry's rank lies between 1 + the number of entries that are significantly better
 * and n − the number that are significantly worse. Pairs are corrected together by Holm's step-down method, so that
 * among equal entries any pair is separated on at most 5 % of boards. Two entries are separated by their own comparison
 * only: other entries matter only through the number of comparisons, so removing one can separate more pairs and never
 * fewer.
 */
import { holm } from './significance.ts';

export interface RankInterval {
  /** The best possible rank, from 1. */
  readonly best: number;
  readonly worst: number;
}

export interface SeparatedPair {
  readonly better: number;
  readonly worse: number;
  /** Adjusted by Holm's method over all pairs. */
  readonly adjustedPValue: number;
}

export interface Ranking {
  /** In the order of the entries. */
  readonly intervals: readonly RankInterval[];
  /** Separated pairs, by index. */
  readonly separated: readonly SeparatedPair[];
}

export function rankIntervals(params: {
  /** Number of entries. */
  readonly count: number;
  /** `value`: first minus second. */
  readonly compare: (first: number, second: number) => { readonly value: number; readonly pValue: number };
  readonly higherIsBetter: boolean;
  /** Probability that any pair of equal entries is separated. */
  readonly level: number;
}): Ranking {
  const { count, compare, higherIsBetter, level } = params;
  const pairs: { readonly first: number; readonly second: number; readonly value: number; readonly pValue: number }[] =
    [];
  for (let first = 0; first < count; first++) {
    for (let second = first + 1; second < count; second++) {
      const { value, pValue } = compare(first, second);
      pairs.push({ first, second, value, pValue });
    }
  }
  const adjusted = holm(pairs.map(({ pValue }) => pValue));
  const separated = pairs.flatMap(({ first, second, value }, index): SeparatedPair[] => {
    const adjustedPValue = adjusted[index]!;
    if (adjustedPValue > level || value === 0) return [];
    const firstIsBetter = value > 0 === higherIsBetter;
    return [
      { ...(firstIsBetter ? { better: first, worse: second } : { better: second, worse: first }), adjustedPValue },
    ];
  });
  const better = Array.from({ length: count }, () => 0);
  const worse = Array.from({ length: count }, () => 0);
  for (const pair of separated) {
    better[pair.worse] = (better[pair.worse] ?? 0) + 1;
    worse[pair.better] = (worse[pair.better] ?? 0) + 1;
  }
  const intervals = better.map((above, index) => ({ best: 1 + above, worst: count - (worse[index] ?? 0) }));
  return { intervals, separated };
}
