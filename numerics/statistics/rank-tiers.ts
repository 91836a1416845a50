/** Ranks with their doubt: entries that cannot be told from the best of their tier share a place. */

export interface Tier<T> {
  /** Place of the tier, from 1. */
  readonly tier: number;
  /** Best first. */
  readonly entries: readonly T[];
}

/**
 * Sorts by quality and opens a new tier at each entry that is significantly worse than the best one of the tier before.
 * Ties in quality keep the order given. An entry stands in a tier by its distance to the tier's best alone: two
 * entries of neighbouring tiers need not differ significantly.
 */
export function rankTiers<T>(params: {
  readonly entries: readonly T[];
  readonly quality: (entry: T) => number;
  readonly higherIsBetter: boolean;
  /** The paired test: whether `entry` is significantly worse than `best`. */
  readonly significantlyWorse: (entry: T, best: T) => boolean;
}): Tier<T>[] {
  const { quality, significantlyWorse } = params;
  const sign = params.higherIsBetter ? -1 : 1;
  const sorted = [...params.entries].sort((a, b) => sign * (quality(a) - quality(b)));
  const tiers: T[][] = [];
  for (const entry of sorted) {
    const current = tiers.at(-1);
    if (current === undefined || significantlyWorse(entry, current[0] as T)) tiers.push([entry]);
    else current.push(entry);
  }
  return tiers.map((entries, i) => ({ tier: i + 1, entries }));
}
