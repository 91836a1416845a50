/**
 * Does an expected relation between two entries hold? Of quality it is judged on the loss of the right outcome, over items and
 * seeds; of latency and size on their ratio.
 */
import { InputError } from '../../contracts/errors.ts';
import type { Estimate, Items } from '../../contracts/result.ts';
import { compareItems } from './compare-items.ts';
import { meanItems } from './mean-items.ts';

/** Of one entry, against another; of latency and size the smaller is the better. */
export type Expectation = 'better' | 'not worse' | 'not better';

export type Verdict = 'holds' | 'undecided' | 'fails';

export interface Judgement {
  /** Seeds averaged. Quality: nats per decision, first minus second; else first divided by second. Low is good for the first. */
  readonly estimate: Estimate;
  /** The same, seed by seed. */
  readonly bySeed: readonly number[];
  readonly verdict: Verdict;
}

/**
 * `first` and `second`: outcomes by seed, in the same order of seeds; where one of them has a single seed, since it leaves
 * nothing to chance, it stands against each of the other's. Better holds where the interval of the mean over seeds lies below
 * 0 and every seed agrees; not worse fails only where the interval lies above 0, not better where it lies below. Throws
 * InputError when items differ, and when numbers of seeds do.
 */
export function judgeRelation(parts: {
  readonly first: readonly Items[];
  readonly second: readonly Items[];
  readonly expected: Expectation;
}): Judgement {
  const { first, second, expected } = parts;
  const bySeed = pairedSeeds(first, second).map(([one, other]) => meanLossDifference(one, other));
  const { difference } = compareItems(meanItems(first), meanItems(second)).logPerplexity;
  return { estimate: difference, bySeed, verdict: verdictOf({ estimate: difference, bySeed, expected, even: 0 }) };
}

/**
 * As judgeRelation, of positive figures of which less is better: times or bytes, in the same unit on both sides. Seeds are
 * averaged; the ratio's interval takes those of both sides at their ends, and Better holds where it lies below 1.
 */
export function judgeRatio(parts: {
  readonly first: readonly Estimate[];
  readonly second: readonly Estimate[];
  readonly expected: Expectation;
}): Judgement {
  const { first, second, expected } = parts;
  const bySeed = pairedSeeds(first, second).map(([one, other]) => one.value / other.value);
  const [above, below] = [meanEstimate(first), meanEstimate(second)];
  const estimate = { value: above.value / below.value, low: above.low / below.high, high: above.high / below.low };
  return { estimate, bySeed, verdict: verdictOf({ estimate, bySeed, expected, even: 1 }) };
}

/** The same seeds of both, or the one that a side has against each of the other's. */
function pairedSeeds<T>(first: readonly T[], second: readonly T[]): readonly (readonly [T, T])[] {
  const seeds = Math.max(first.length, second.length);
  if (![first, second].every(({ length }) => length === seeds || length === 1)) {
    throw new InputError(
      `relation: ${first.length} and ${second.length} seeds cannot be paired; run the same seeds of both`,
    );
  }
  const at = (side: readonly T[], seed: number): T => side[side.length === 1 ? 0 : seed] as T;
  return Array.from({ length: seeds }, (_, seed) => [at(first, seed), at(second, seed)] as const);
}

/** Ends are averaged like values: the seeds' errors need not cancel. */
function meanEstimate(estimates: readonly Estimate[]): Estimate {
  const mean = (of: keyof Estimate): number => estimates.reduce((sum, each) => sum + each[of], 0) / estimates.length;
  return { value: mean('value'), low: mean('low'), high: mean('high') };
}

function verdictOf({
  estimate: { low, high },
  bySeed,
  expected,
  even,
}: Pick<Judgement, 'estimate' | 'bySeed'> & { readonly expected: Expectation; readonly even: 0 | 1 }): Verdict {
  if (expected === 'not better') return high < even ? 'fails' : 'holds';
  if (low > even) return 'fails';
  if (expected === 'not worse') return 'holds';
  return high < even && bySeed.every((value) => value < even) ? 'holds' : 'undecided';
}

function meanLossDifference(first: Items, second: Items): number {
  const total = (column: readonly number[]): number => column.reduce((sum, value) => sum + value, 0);
  return (total(first.negativeLogLikelihood) - total(second.negativeLogLikelihood)) / total(first.tokens);
}
