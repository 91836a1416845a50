/**
 * Seeded bootstrap intervals over items (documents, rounds). All statistics requested together are computed from the
 * same resamples, so differences between columns are paired.
 * Sums: bias-corrected and accelerated intervals (BCa; Efron 1987, J. Amer. Statist. Assoc. 82, equations 2.3 and 6.6),
 * acceleration by the jackknife. Median: percentile interval, since the jackknife of a median is inconsistent.
 */
import { InputError } from '../../contracts/errors.ts';
import { type ItemStatistic, leaveOneOut, wholeStatistic } from './agreement.ts';
import { quantileBySelection } from './quantile-by-selection.ts';
import { createRandom } from '../tensor/random.ts';
import { type Interval, normalCdf, normalQuantile, quantile, variance } from './statistics.ts';
import { studentQuantile } from './t-distribution.ts';

export interface ResamplingOptions {
  readonly resamples: number;
  /** 0.95 for 95 % intervals. */
  readonly confidence: number;
  readonly seed: string;
}

/** A figure computed from the columns' sums, in the order of the columns: `(nll, tokens) => Math.exp(nll / tokens)`. */
export type SumStatistic = (...sums: readonly number[]) => number;

/**
 * Intervals of statistics that are functions of column sums, such as ratios of sums; each row of `columns` is one item.
 * Throws InputError when there are fewer than two items or the columns differ in length.
 */
export function bootstrapSums<K extends string>(
  params: ResamplingOptions & {
    /** Each [items]. */
    readonly columns: readonly ArrayLike<number>[];
    readonly statistics: Readonly<Record<K, SumStatistic>>;
    /**
     * Default `bca`; `wider` is the hull of the BCa interval and the jackknife's t interval, for few or uneven items.
     */
    readonly interval?: 'bca' | 'percentile' | 'wider';
  },
): Readonly<Record<K, Interval>> {
  const { columns, statistics, resamples, confidence, interval = 'bca' } = params;
  const items = itemCount(columns);
  const width = columns.length;
  const rows = interleave(columns, items); // [items, width]
  const sums = resampleSums({ rows, items, width, resamples, seed: params.seed }); // [resamples, width]
  const observed = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) observed[i % width] = observed[i % width]! + rows[i]!;

  const estimate = (statistic: SumStatistic): Interval => {
    const value = statistic(...observed);
    const drawn = new Float64Array(resamples);
    for (let b = 0; b < resamples; b++) drawn[b] = statistic(...sums.subarray(b * width, (b + 1) * width));
    if (interval === 'percentile') return percentileInterval({ drawn, value, confidence });
    const leftOut = new Float64Array(items);
    for (let i = 0; i < items; i++) leftOut[i] = statistic(...observed.map((s, c) => s - rows[i * width + c]!));
    const accelerated = acceleratedInterval({ drawn, value, leftOut, confidence });
    return interval === 'bca' ? accelerated : hull(accelerated, jackknifeInterval({ value, leftOut, confidence }));
  };
  return Object.fromEntries(
    Object.entries<SumStatistic>(statistics).map(([name, statistic]) => [name, estimate(statistic)]),
  ) as Record<K, Interval>;
}

/**
 * The BCa interval of a statistic that is not a function of sums, such as a rank correlation. Items are drawn as in
 * bootstrapSums() for the same seed. Throws InputError below two items.
 */
export function bootstrapStatistic(params: ResamplingOptions & { readonly statistic: ItemStatistic }): Interval {
  const { statistic, resamples, confidence } = params;
  const { items } = statistic;
  if (items < 2) throw new InputError(`bootstrap: an interval needs at least two items, got ${items}`);
  const random = createRandom(params.seed);
  const drawn = Float64Array.from({ length: resamples }, () => {
    const counts = new Float64Array(items);
    for (let i = 0; i < items; i++) counts[random.integer(items)]!++;
    return statistic.of(counts);
  });
  return acceleratedInterval({
    drawn,
    value: wholeStatistic(statistic),
    leftOut: leaveOneOut(statistic),
    confidence,
  });
}

/** The median with its percentile bootstrap interval. Throws InputError below two values. */
export function bootstrapMedian(params: ResamplingOptions & { readonly values: ArrayLike<number> }): Interval {
  const { values, resamples, confidence } = params;
  const items = itemCount([values]);
  const random = createRandom(params.seed);
  const drawn = new Float64Array(resamples);
  const sample = new Float64Array(items);
  for (let b = 0; b < resamples; b++) {
    for (let i = 0; i < items; i++) sample[i] = values[random.integer(items)]!;
    drawn[b] = quantileBySelection(sample, 0.5);
  }
  return percentileInterval({ drawn, value: quantile(values, 0.5), confidence });
}

function percentileInterval(params: {
  readonly drawn: Float64Array;
  readonly value: number;
  readonly confidence: number;
}): Interval {
  const { drawn, value, confidence } = params;
  return {
    value,
    low: quantileBySelection(drawn, (1 - confidence) / 2),
    high: quantileBySelection(drawn, (1 + confidence) / 2),
  };
}

/** BCa; reorders `drawn`. */
function acceleratedInterval(params: {
  /** The statistic of each resample. */
  readonly drawn: Float64Array;
  readonly value: number;
  /** The statistic without item i, [items]. */
  readonly leftOut: Float64Array;
  readonly confidence: number;
}): Interval {
  const { drawn, value, leftOut, confidence } = params;
  const bias = normalQuantile(shareBelow(drawn, value));
  const acceleration = jackknifeAcceleration(leftOut);
  const endpoint = (probability: number): number => {
    const z = bias + normalQuantile(probability);
    const denominator = 1 - acceleration * z;
    // At and beyond the pole of BCa's map one item dominates: the limit is the extreme resample.
    const adjusted = denominator > 0 ? normalCdf(bias + z / denominator) : z > 0 ? 1 : 0;
    return quantileBySelection(drawn, adjusted);
  };
  return { value, low: endpoint((1 - confidence) / 2), high: endpoint((1 + confidence) / 2) };
}

/** value ± t × the jackknife's standard error, with items − 1 degrees of freedom. */
function jackknifeInterval(params: {
  readonly value: number;
  /** [items] */
  readonly leftOut: Float64Array;
  readonly confidence: number;
}): Interval {
  const { value, leftOut, confidence } = params;
  const items = leftOut.length;
  const error = Math.sqrt(((items - 1) ** 2 / items) * variance(leftOut));
  const half = studentQuantile((1 + confidence) / 2, items - 1) * error;
  return { value, low: value - half, high: value + half };
}

function hull(one: Interval, other: Interval): Interval {
  return { value: one.value, low: Math.min(one.low, other.low), high: Math.max(one.high, other.high) };
}

/** Share of resamples below the observed value, ties counted half, kept away from 0 and 1. */
function shareBelow(drawn: Float64Array, value: number): number {
  let below = 0;
  let ties = 0;
  for (let i = 0; i < drawn.length; i++) {
    if (drawn[i]! < value) below++;
    else if (drawn[i] === value) ties++;
  }
  const half = 0.5 / drawn.length;
  return Math.min(1 - half, Math.max(half, (below + ties / 2) / drawn.length));
}

function jackknifeAcceleration(leftOut: Float64Array): number {
  const centre = leftOut.reduce((total, value) => total + value, 0) / leftOut.length;
  let squares = 0;
  let cubes = 0;
  for (const value of leftOut) {
    squares += (centre - value) ** 2;
    cubes += (centre - value) ** 3;
  }
  return squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
}

/** Sums of each column over items drawn with replacement: [resamples, width]. */
function resampleSums(params: {
  /** [items, width] */
  readonly rows: Float64Array;
  readonly items: number;
  readonly width: number;
  readonly resamples: number;
  readonly seed: string;
}): Float64Array {
  const { rows, items, width, resamples } = params;
  const random = createRandom(params.seed);
  const sums = new Float64Array(resamples * width);
  for (let b = 0; b < resamples; b++) {
    const at = b * width;
    for (let i = 0; i < items; i++) {
      const row = random.integer(items) * width;
      for (let c = 0; c < width; c++) sums[at + c] = sums[at + c]! + rows[row + c]!;
    }
  }
  return sums;
}

/** Columns, each [items] → [items, columns]. */
function interleave(columns: readonly ArrayLike<number>[], items: number): Float64Array {
  const rows = new Float64Array(items * columns.length);
  columns.forEach((column, c) => {
    for (let i = 0; i < items; i++) rows[i * columns.length + c] = column[i]!;
  });
  return rows;
}

function itemCount(columns: readonly ArrayLike<number>[]): number {
  const items = columns[0]?.length ?? 0;
  const odd = columns.find((column) => column.length !== items);
  if (odd !== undefined) {
    throw new InputError(`bootstrap: columns must have one entry per item; got ${items} and ${odd.length} entries`);
  }
  if (items < 2) throw new InputError(`bootstrap: an interval needs at least two items, got ${items}`);
  return items;
}
