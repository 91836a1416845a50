/** The outcomes of an entry as it is compared: one set per seed where seeds gave different artifacts, else one. */
import type { BoardTrial } from '../../drizzle/queries.ts';
import type { BoardEntry } from './leaderboard.ts';
import type { Items } from '../../contracts/result.ts';
import { seedKindOf } from '../../numerics/statistics/compare-entries.ts';
import type { EntryItems } from '../../numerics/statistics/pair-entries.ts';

/** Per-item outcomes of a trial that has a quality. */
export type ItemsOf = (trial: BoardTrial) => Items;

/** Throws InputError for an entry without a quality. */
export function entryItems({ random, trials }: Pick<BoardEntry, 'random' | 'trials'>, itemsOf: ItemsOf): EntryItems {
  const scored = trials.filter(({ evaluation }) => evaluation?.quality);
  const artifacts = scored.map(({ artifact }) => artifact ?? '');
  const { kept, seeds } = seedKindOf(artifacts, { nothingDrawn: !random });
  const standing = scored.filter((_, index) => kept.includes(index));
  return { bySeed: standing.map(itemsOf), seeds, seedNumbers: standing.map(({ seed }) => seed) };
}
