/**
 * How far the curves of both cost classes, quality against size, lie from each other: the mean over the sizes that both reach, on
 * a logarithmic scale. A curve is the Pareto front of its class, straight between neighbours (as in Bjøntegaard 2001, VCEG-M33).
 */
import type { BetweenCurves, DerivedEntry, Front } from '../../contracts/derived.ts';
import type { Metric } from '../../contracts/dataset.ts';
import type { CostClass } from '../../contracts/taxonomy.ts';
import type { EntryMixture } from '../../numerics/statistics/compare-entries.ts';
import type { EntryPairing } from '../../numerics/statistics/pair-entries.ts';
import { pairedOf } from './paired.ts';
import { present } from '../../contracts/present.ts';

export interface CurveFacts {
  readonly fronts: readonly Front[];
  readonly pairing: EntryPairing | null;
  readonly metric: Metric | null;
  /** Place of an entry in the pairing. */
  readonly indexOf: (entry: DerivedEntry) => number;
}

/** Null where a class has fewer than two sizes in common with the other. */
export function betweenCurves(entries: readonly DerivedEntry[], facts: CurveFacts): BetweenCurves | null {
  const { fronts, pairing, metric, indexOf } = facts;
  if (pairing === null || metric === null) return null;
  const bySlug = new Map(entries.map((entry) => [entry.slug, entry]));
  const curveOf = (costClass: CostClass): CurvePoint[] =>
    (fronts.find((front) => front.axis === 'size' && front.costClass === costClass)?.entries ?? [])
      .map((slug) => present(bySlug.get(slug), `entry ${slug} of a front`))
      .map((entry) => ({ index: indexOf(entry), size: Math.log(present(entry.size, 'size on a front').zstdBytes) }))
      .sort((a, b) => a.size - b.size);
  const [high, low] = [curveOf('high-cost'), curveOf('low-cost')];
  const ends = [high, low].map((curve) => ({ from: curve[0]?.size ?? Infinity, to: curve.at(-1)?.size ?? -Infinity }));
  const from = Math.max(...ends.map((end) => end.from));
  const to = Math.min(...ends.map((end) => end.to));
  if (!(to > from)) return null;
  const difference = pairing.compareMixtures(meanOver(high, { from, to }), meanOver(low, { from, to }));
  const doublings = (to - from) / Math.LN2;
  return {
    smallestBytes: Math.exp(from),
    largestBytes: Math.exp(to),
    doublings,
    difference: pairedOf(difference, metric),
    area: difference.difference.value * doublings,
  };
}

export interface CurvePoint {
  readonly index: number;
  /** Logarithm of the bytes. */
  readonly size: number;
}

/** The mean of a piecewise straight curve between two sizes within it, as a weighted mean of its points. */
export function meanOver(
  curve: readonly CurvePoint[],
  { from, to }: { readonly from: number; readonly to: number },
): EntryMixture {
  const shares = new Map<number, number>();
  const add = (index: number, share: number) => void shares.set(index, (shares.get(index) ?? 0) + share);
  for (const [at, right] of curve.entries()) {
    const left = curve[at - 1];
    if (!left || left.size >= to || right.size <= from) continue;
    const [start, end] = [Math.max(left.size, from), Math.min(right.size, to)];
    const length = right.size - left.size;
    // The integral of the share of the right point, which grows from 0 to 1 between both.
    const ofRight = ((end - left.size) ** 2 - (start - left.size) ** 2) / (2 * length);
    add(right.index, ofRight / (to - from));
    add(left.index, (end - start - ofRight) / (to - from));
  }
  return shares;
}
