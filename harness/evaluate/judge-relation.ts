/** Does an expected relation between two entries hold? Judged on the loss of the right outcome, over items and seeds. */
import { InputError } from '../contracts/errors.ts';
import type { Estimate, Items } from '../contracts/result.ts';
import { compareItems } from './compare-items.ts';
import { meanItems } from './mean-items.ts';

/** Of one entry, against another. */
export type Expectation = 'better' | 'not worse';

export type Verdict = 'holds' | 'undecided' | 'fails';

export interface Judgement {
  /** Nats per decision, first minus second, seeds averaged: below 0 the first is better. */
  readonly difference: Estimate;
  /** The same, seed by seed. */
  readonly bySeed: readonly number[];
  readonly verdict: Verdict;
}

/**
 * `first` and `second`: outcomes by seed, in the same order of seeds; where one of them has a single seed, since it leaves
 * nothing to chance, it stands against each of the other's. Better holds where the interval of the mean over seeds lies below
 * 0 and every seed agrees; not worse fails only where the interval lies above 0. Throws InputError when items differ, and when
 * numbers of seeds do.
 */
export function judgeRelation(parts: {
  readonly first: readonly Items[];
  readonly second: readonly Items[];
  readonly expected: Expectation;
}): Judgement {
  const { first, second, expected } = parts;
  const seeds = Math.max(first.length, second.length);
  if (![first, second].every(({ length }) => length === seeds || length === 1)) {
    throw new InputError(
      `relation: ${first.length} and ${second.length} seeds cannot be paired; run the same seeds of both`,
    );
  }
  const ofSeed = (side: readonly Items[], seed: number): Items => side[side.length === 1 ? 0 : seed] as Items;
  const bySeed = Array.from({ length: seeds }, (_, seed) =>
    meanLossDifference(ofSeed(first, seed), ofSeed(second, seed)),
  );
  const { difference } = compareItems(meanItems(first), meanItems(second)).logPerplexity;
  return { difference, bySeed, verdict: verdictOf({ difference, bySeed, expected }) };
}

function verdictOf({
  difference: { low, high },
  bySeed,
  expected,
}: Pick<Judgement, 'difference' | 'bySeed'> & { readonly expected: Expectation }): Verdict {
  if (low > 0) return 'fails';
  if (expected === 'not worse') return 'holds';
  return high < 0 && bySeed.every((value) => value < 0) ? 'holds' : 'undecided';
}

function meanLossDifference(first: Items, second: Items): number {
  const total = (column: readonly number[]): number => column.reduce((sum, value) => sum + value, 0);
  return (total(first.negativeLogLikelihood) - total(second.negativeLogLikelihood)) / total(first.tokens);
}
