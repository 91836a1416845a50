/**
 * Changes of level in a series of consecutive figures: the split with the largest difference of means, with at least
 * three values on both sides, so that a single outlier is not a change. Its p-value is that of the t-test times the
 * number of splits (Bonferroni), for normal noise; with three values on a side heavy tails make it larger, not smaller.
 * Further splits by binary segmentation (Vostrikova 1981). Autocorrelated figures are made independent first by
 * subtracting from each value its autocorrelation times the previous value (prewhitening; Robbins et al. 2011, J. Time
 * Ser. Anal. 32, 498-511).
 */
import { studentCdf } from './t-distribution.ts';

export interface ChangePoint {
  /** Index of the first value after the change. */
  readonly at: number;
  /** Means of the segments on both sides, up to the neighbouring changes. */
  readonly before: number;
  readonly after: number;
  readonly pValue: number;
}

export interface ChangePointOptions {
  /** Autocorrelation with the previous value, from 0 to below 1: pooledAutocorrelation(). */
  readonly autocorrelation: number;
}

/** Minimum number of values on either side of a change. */
const SHORTEST_STRETCH = 3;

/**
 * The most likely change in the whole series, whether significant or not; null below six values or where all are equal.
 */
export function likelyChange(values: readonly number[], { autocorrelation }: ChangePointOptions): ChangePoint | null {
  // The first value has no predecessor; without autocorrelation it needs none.
  const first = autocorrelation > 0 ? 1 : 0;
  const whitened = values.map((value, i) => value - autocorrelation * (i === 0 ? 0 : values[i - 1]!)).slice(first);
  const splits = values.length - 2 * SHORTEST_STRETCH + 1;
  if (splits < 1) return null;
  const { at: split, explained } = largestSplit(whitened, { autocorrelation, first });
  if (explained === 0) return null;
  const at = split + first;
  // The original values must show the change too: a single outlier is a step in prewhitened values.
  const shares = [explained, explainedBy(values, at)];
  const pValues = shares.map((share) => splits * 2 * studentCdf(-tOf(share, whitened.length - 2), whitened.length - 2));
  return {
    at,
    before: meanOf(values.slice(0, at)),
    after: meanOf(values.slice(at)),
    pValue: Math.min(1, Math.max(...pValues)),
  };
}

/** Further changes on both sides of an accepted one, each tested at `level`; ascending, including the first. */
export function changesAround(
  values: readonly number[],
  { first, level, ...options }: ChangePointOptions & { readonly first: ChangePoint; readonly level: number },
): ChangePoint[] {
  const found = new Map([[first.at, first.pValue]]);
  const search = (start: number, end: number): void => {
    const change = likelyChange(values.slice(start, end), options);
    if (change === null || change.pValue > level) return;
    found.set(start + change.at, change.pValue);
    search(start, start + change.at);
    search(start + change.at, end);
  };
  search(0, first.at);
  search(first.at, values.length);
  const places = [...found.keys()].sort((a, b) => a - b);
  return places.map((at, i) => ({
    at,
    before: meanOf(values.slice(places[i - 1] ?? 0, at)),
    after: meanOf(values.slice(at, places[i + 1] ?? values.length)),
    pValue: found.get(at) as number,
  }));
}

function tOf(explained: number, degreesOfFreedom: number): number {
  return Math.sqrt((explained * degreesOfFreedom) / (1 - explained));
}

/** Share of the variance explained by a split. */
function explainedBy(values: readonly number[], at: number): number {
  const centre = meanOf(values);
  const whole = values.reduce((total, value) => total + (value - centre) ** 2, 0);
  const before = values.slice(0, at).reduce((total, value) => total + value - centre, 0);
  return Math.min(1, (before ** 2 * values.length) / (at * (values.length - at) * whole));
}

/**
 * The split that explains most of the variance, and the share it explains. A step of 1 at k leaves 1 in the prewhitened
 * value k and 1 − autocorrelation in the values after it.
 */
function largestSplit(
  whitened: readonly number[],
  { autocorrelation, first }: { readonly autocorrelation: number; readonly first: number },
): { readonly at: number; readonly explained: number } {
  const n = whitened.length;
  const centre = meanOf(whitened);
  const whole = whitened.reduce((total, value) => total + (value - centre) ** 2, 0);
  const rest = 1 - autocorrelation;
  let best = { at: SHORTEST_STRETCH, explained: 0 };
  let after = 0;
  for (let k = n - 1; k >= SHORTEST_STRETCH - first; k--) {
    const own = whitened[k]! - centre;
    const length = n - 1 - k;
    const product = own + rest * after;
    const squares = 1 + rest ** 2 * length - (1 + rest * length) ** 2 / n;
    const explained = whole === 0 ? 0 : Math.min(1, product ** 2 / (squares * whole));
    if (length + 1 >= SHORTEST_STRETCH && explained > best.explained) best = { at: k, explained };
    after += own;
  }
  return best;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
