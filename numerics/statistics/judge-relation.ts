/**
 * Whether an expected relation between two entries is shown, refuted, or neither. Quality is compared in the task's own
 * metric over items and seeds, latency and size by their ratio; relation-claim.ts defines when a difference supports or
 * contradicts a relation.
 * Relations that are judged together are corrected by Holm's method, and a verdict needs agreement of every seed.
 */
import type { Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate } from '../../contracts/result.ts';
import type { SeedKind } from './compare-entries.ts';
import { outcomeValues } from './item-statistics.ts';
import { type EntryItems, pairEntries } from './pair-entries.ts';
import { type Claim, type Expectation, claimPValues, holdsAt } from './relation-claim.ts';
import { holm } from './significance.ts';
import { mean, sum, variance } from './statistics.ts';
import { studentQuantile } from './t-distribution.ts';
import { type UncertainFigure, type VarianceComponent, intervalOf, sumOfComponents } from './variance-components.ts';

const { confidence } = PROTOCOL.quality;
const { margins } = PROTOCOL.comparison;

export type Verdict = 'shown' | 'refuted' | 'not shown';

/** The evidence of the rows on one relation, before correction for the relations judged with it. */
export interface Evidence {
  /**
   * First minus second: nats per decision, or the share of correct decisions. For latency and size: first divided by
   * second.
   */
  readonly estimate: Estimate;
  /**
   * Same by seed: each seed of the side with more seeds against the mean of the other, or pairwise where both have as
   * many.
   */
  readonly bySeed: readonly number[];
  readonly lowerIsBetter: boolean;
  /** `these artifacts` where a side has a single seed of a method that may draw. */
  readonly about: 'the methods' | 'these artifacts';
  /** Which of the two verdicts the rows support. */
  readonly leaning: 'shown' | 'refuted';
  readonly everySeedAgrees: boolean;
  /** p-value of either verdict, two-sided. */
  readonly pValue: number;
}

export interface Judgement extends Evidence {
  /** Adjusted by Holm's method over the relations judged together. */
  readonly adjustedPValue: number;
  readonly verdict: Verdict;
}

/** Throws InputError when items differ, and when a single seed is compared with several different artifacts. */
export function weighQuality(parts: {
  readonly first: EntryItems;
  readonly second: EntryItems;
  readonly metric: Metric;
  readonly expected: Expectation;
}): Evidence {
  const { first, second, metric, expected } = parts;
  const lowerIsBetter = metric === 'perplexity';
  const side = ({ bySeed: items, seeds }: EntryItems): Side => ({
    values: items.map((each) => sum(outcomeValues(each, { metric })) / sum(each.tokens)),
    seeds,
  });
  const bySeed = differencesBySeed(side(first), side(second));
  const { value, components, difference, about } = present(
    pairEntries([first, second], { metric }).compare(0, 1),
    'a difference of two entries that can be compared',
  );
  const sign = lowerIsBetter ? 1 : -1;
  const margin = lowerIsBetter ? Math.log1p(margins.perplexity) : margins.accuracy;
  const weighed = weigh({
    worse: { value: sign * value, components },
    bySeed: bySeed.map((each) => sign * each),
    claim: { expected, margin },
  });
  return { ...weighed, estimate: difference, bySeed, lowerIsBetter, about };
}

export interface MeasuredSide {
  /** One per timed process or per artifact, above 0. A figure whose interval has no width is exact. */
  readonly estimates: readonly Estimate[];
  readonly seeds: SeedKind;
}

/**
 * As weighQuality(), for positive figures of which less is better: times or bytes, in the same unit on both sides.
 * Judged by the ratio of geometric means; its variance is that of the processes or artifacts plus, within each, that of
 * its interval.
 */
export function weighRatio(parts: {
  readonly first: MeasuredSide;
  readonly second: MeasuredSide;
  readonly metric: 'latency' | 'size';
  readonly expected: Expectation;
}): Evidence {
  const { first, second, metric, expected } = parts;
  const side = ({ estimates, seeds }: MeasuredSide): Side => ({
    values: estimates.map(({ value }) => Math.log(value)),
    seeds,
  });
  const [one, other] = [side(first), side(second)];
  const within = [first, second].map(({ estimates }) => withinComponent(estimates));
  const between = [one, other].flatMap(({ values }) => betweenComponent(values, metric));
  const components = [sumOfComponents(within), ...(between.length > 0 ? [sumOfComponents(between)] : [])];
  const figure = {
    value: mean(one.values) - mean(other.values),
    components: components.filter((component) => component.variance > 0),
  };
  const bySeed = differencesBySeed(one, other);
  const margin = Math.log1p(metric === 'latency' ? margins.latency : 0);
  const { low, high } = intervalOf(figure, confidence);
  return {
    ...weigh({ worse: figure, bySeed, claim: { expected, margin } }),
    estimate: { value: Math.exp(figure.value), low: Math.exp(low), high: Math.exp(high) },
    bySeed: bySeed.map(Math.exp),
    lowerIsBetter: true,
    about: [first, second].some(({ seeds }) => seeds === 'one seed') ? 'these artifacts' : 'the methods',
  };
}

/** Verdicts on relations judged together: the probability that any is shown or refuted by chance is at most 5 %. */
export function settleVerdicts<E extends Evidence>(evidence: readonly E[]): (E & Judgement)[] {
  const adjusted = holm(evidence.map(({ pValue }) => pValue));
  return evidence.map((each, index) => {
    const adjustedPValue = adjusted[index] ?? 1;
    const certain = adjustedPValue <= 1 - confidence && each.everySeedAgrees;
    return { ...each, adjustedPValue, verdict: certain ? each.leaning : 'not shown' };
  });
}

/** @param parts.worse how much worse the first is. */
function weigh(parts: {
  readonly worse: UncertainFigure;
  readonly bySeed: readonly number[];
  readonly claim: Claim;
}): Pick<Evidence, 'leaning' | 'everySeedAgrees' | 'pValue'> {
  const { worse, bySeed, claim } = parts;
  const { shown, refuted } = claimPValues(worse, claim);
  const leaning = shown <= refuted ? 'shown' : 'refuted';
  return {
    leaning,
    everySeedAgrees: bySeed.every((value) => holdsAt(value, claim) === (leaning === 'shown')),
    pValue: Math.min(1, 2 * Math.min(shown, refuted)),
  };
}

interface Side {
  readonly values: readonly number[];
  readonly seeds: SeedKind;
}

function differencesBySeed(first: Side, second: Side): number[] {
  for (const [lone, other] of [
    [first, second],
    [second, first],
  ] as const) {
    if (lone.seeds === 'one seed' && other.seeds === 'drawn') {
      throw new InputError(
        `relation: one side has a single seed, the other ${other.values.length} different artifacts; ` +
          'run the same seeds of both, or compare the artifacts of one seed',
      );
    }
  }
  const [one, other] = [first.values, second.values];
  if (one.length === other.length) return one.map((value, index) => value - other[index]!);
  return one.length > other.length ? one.map((value) => value - mean(other)) : other.map((value) => mean(one) - value);
}

/**
 * Variance of the mean of the logarithms, from the width of each interval: Student's t over the processes of a timing.
 */
function withinComponent(estimates: readonly Estimate[]): VarianceComponent {
  const ofOne = PROTOCOL.latency.processes - 1;
  const widths = 2 * studentQuantile((1 + confidence) / 2, ofOne);
  const squares = estimates.map(({ low, high }) => (Math.log(high / low) / widths) ** 2);
  return { variance: sum(squares) / estimates.length ** 2, degreesOfFreedom: ofOne * estimates.length };
}

/** Bytes have no sampling noise: they are compared exactly, and every seed must agree. */
function betweenComponent(values: readonly number[], metric: 'latency' | 'size'): readonly VarianceComponent[] {
  if (metric === 'size' || values.length < 2) return [];
  return [{ variance: variance(values) / values.length, degreesOfFreedom: values.length - 1 }];
}
