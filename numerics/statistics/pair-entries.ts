/** Compares any two entries of a contest over items and seeds, from their stored outcomes. */
import type { Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import {
  type EntryComparison,
  type EntryDifference,
  type EntryOutcomes,
  type SeedKind,
  createEntryComparison,
} from './compare-entries.ts';
import { type OutcomeColumn, outcomeValues, qualityColumn, requireSameItems } from './item-statistics.ts';

export interface EntryItems {
  /** One per seed of a `drawn` entry, else one: see seedKindOf(). */
  readonly bySeed: readonly Items[];
  readonly seeds: SeedKind;
  /** The seeds of `bySeed`, in the same order. */
  readonly seedNumbers: readonly number[];
}

/** The comparison used by the board, its pages, `compare` and the studies. */
export interface EntryPairing {
  /**
   * First minus second, by index: nats or share per decision. A single seed says nothing about its method, so where the
   * other side draws, only the artifact of the same seed is compared; null where the other was not run with that seed.
   */
  compare(first: number, second: number): EntryDifference | null;
  /**
   * For weighted means of entries, each over all its seeds; describes these artifacts where any entry has a single
   * seed.
   */
  readonly compareMixtures: EntryComparison['compareMixtures'];
}

/** Differences in the metric's own column, or in another. Throws InputError when entries have different items. */
export function pairEntries(
  entries: readonly EntryItems[],
  { metric, column = qualityColumn(metric) }: { readonly metric: Metric; readonly column?: OutcomeColumn },
): EntryPairing {
  const reference = entries[0]?.bySeed[0];
  if (!reference) throw new InputError('comparison of entries: expected at least one entry with outcomes, got none');
  for (const { bySeed } of entries) for (const items of bySeed) requireSameItems(reference, items);
  const outcomes: EntryOutcomes[] = entries.map(({ bySeed, seeds }) => ({
    bySeed: bySeed.map((items) => outcomeValues(items, { metric, column })),
    seeds,
  }));
  const lone = loneSeeds(entries);
  const single = new Map<string, number>();
  for (const [index, { seeds, seedNumbers }] of entries.entries()) {
    if (seeds !== 'drawn') continue;
    for (const [at, seed] of seedNumbers.entries()) {
      const values = outcomes[index]?.bySeed[at];
      if (!values || !lone.has(seed)) continue;
      single.set(`${index} ${seed}`, outcomes.push({ bySeed: [values], seeds: 'one seed' }) - 1);
    }
  }
  const comparison = createEntryComparison({
    entries: outcomes,
    weights: reference.tokens,
    share: column === 'correct' || column === 'sameTop' || metric === 'f1' || metric === 'matthews-correlation',
    confidence: PROTOCOL.quality.confidence,
  });
  /** Which outcomes represent an entry against another; undefined where none may. */
  const standIn = (own: number, other: number): number | undefined => {
    const [mine, its] = [entries[own], entries[other]];
    if (mine?.seeds !== 'drawn' || its?.seeds !== 'one seed') return own;
    return single.get(`${own} ${its.seedNumbers[0]}`);
  };
  return {
    compareMixtures: comparison.compareMixtures,
    compare(first, second) {
      const [one, two] = [standIn(first, second), standIn(second, first)];
      return one === undefined || two === undefined ? null : comparison.compare(one, two);
    },
  };
}

function loneSeeds(entries: readonly EntryItems[]): ReadonlySet<number> {
  return new Set(entries.flatMap(({ seeds, seedNumbers }) => (seeds === 'one seed' ? seedNumbers : [])));
}
