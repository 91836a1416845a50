/** Entries of a contest from their stored outcomes, any two of which can be compared over items and seeds. */
import type { Metric } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import { type EntryComparison, type SeedKind, createEntryComparison } from './compare-entries.ts';
import { qualityColumn, requireSameItems } from './item-statistics.ts';

/** A column of outcomes that entries are compared by, per decision. */
export type OutcomeColumn = 'negativeLogLikelihood' | 'correct' | 'klDivergence' | 'sameTop';

export interface EntryItems {
  /** One per seed of a `drawn` entry, else one: see seedKindOf(). */
  readonly bySeed: readonly Items[];
  readonly seeds: SeedKind;
}

/**
 * Differences in the metric's own column, or in another: first minus second, nats or share per decision. Throws InputError
 * when entries do not hold the same items.
 */
export function pairEntries(
  entries: readonly EntryItems[],
  { metric, column = qualityColumn(metric) }: { readonly metric: Metric; readonly column?: OutcomeColumn },
): EntryComparison {
  const reference = entries[0]?.bySeed[0];
  if (!reference) throw new InputError('comparison of entries: expected at least one entry with outcomes, got none');
  for (const { bySeed } of entries) for (const items of bySeed) requireSameItems(reference, items);
  return createEntryComparison({
    entries: entries.map(({ bySeed, seeds }) => ({ bySeed: bySeed.map((items) => items[column]), seeds })),
    weights: reference.tokens,
    share: column === 'correct' || column === 'sameTop',
    confidence: PROTOCOL.quality.confidence,
  });
}
