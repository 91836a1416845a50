/** The ranks of a board over items and seeds: what the terminal and the site both show. */
import { DENSE_METHOD } from '../../drizzle/queries.ts';
import type { BoardEntry } from './leaderboard.ts';
import type { Paired, Rank } from '../../contracts/derived.ts';
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { requireSameItems } from '../../numerics/statistics/item-statistics.ts';
import { type EntryItems, type EntryPairing, pairEntries } from '../../numerics/statistics/pair-entries.ts';
import { rankIntervals } from '../../numerics/statistics/rank-intervals.ts';
import { type ItemsOf, entryItems } from './entry-items.ts';
import { pairedOf } from './paired.ts';

export interface BoardRanking {
  /** Entries with comparable outcomes, dense included; the index of one is its name in `pairing`. */
  readonly compared: readonly BoardEntry[];
  /** Of `compared`. */
  readonly outcomes: readonly EntryItems[];
  /** Null when nothing is compared. */
  readonly pairing: EntryPairing | null;
  /** By quality over all sizes, the best first; without dense. */
  readonly order: readonly BoardEntry[];
  /** Entry minus dense; empty without dense. */
  readonly toDense: ReadonlyMap<BoardEntry, Paired>;
  /** Within its weight class, both cost classes together; dense has none. */
  readonly ranks: ReadonlyMap<BoardEntry, Rank>;
  /** Entries that have a quality and no rank, and why. */
  readonly unranked: ReadonlyMap<BoardEntry, string>;
}

export function rankBoard(entries: readonly BoardEntry[], itemsOf: ItemsOf): BoardRanking {
  const scored = entries.filter(({ quality }) => quality !== null);
  const reference = referenceOf(scored);
  const metric = reference?.quality?.metric;
  const unranked = new Map<BoardEntry, string>();
  const compared: BoardEntry[] = [];
  const outcomes: EntryItems[] = [];
  // The reference first: whatever differs from it is left out.
  for (const entry of reference ? [reference, ...scored.filter((each) => each !== reference)] : []) {
    const outcome =
      entry.quality?.metric === metric ? comparable(entry, outcomes[0], itemsOf) : 'scored by another metric';
    if (typeof outcome === 'string') {
      unranked.set(entry, outcome);
      continue;
    }
    compared.push(entry);
    outcomes.push(outcome);
  }
  const pairing = metric === undefined ? null : pairEntries(outcomes, { metric });
  const listed = new Set(compared);
  const order = entries.filter((entry) => entry.method !== DENSE_METHOD && listed.has(entry)).sort(byQuality);
  const dense = compared.findIndex(({ method }) => method === DENSE_METHOD);
  const toDense = compared.flatMap((entry, index): [BoardEntry, Paired][] => {
    const found = dense < 0 ? null : pairing?.compare(index, dense);
    return found && metric !== undefined ? [[entry, pairedOf(found, metric)]] : [];
  });
  const ranks = ranksOf({ compared, pairing, order });
  return { compared, outcomes, pairing, order, toDense: new Map(toDense), ranks, unranked };
}

/** Best first; ties keep their order. */
function byQuality(a: BoardEntry, b: BoardEntry): number {
  if (!a.quality || !b.quality) return 0;
  const difference = a.quality.estimate.value - b.quality.estimate.value;
  return a.quality.higherIsBetter ? -difference : difference;
}

function ranksOf(parts: Pick<BoardRanking, 'compared' | 'pairing' | 'order'>): Map<BoardEntry, Rank> {
  const { compared, pairing, order } = parts;
  const indices = new Map(compared.map((entry, index) => [entry, index]));
  const at = (entry: BoardEntry | undefined) => present(entry && indices.get(entry), 'a compared entry');
  const ranks = new Map<BoardEntry, Rank>();
  for (const members of Map.groupBy(order, ({ weightClass }) => weightClass).values()) {
    const { intervals } = rankIntervals({
      count: members.length,
      compare(first, second) {
        const found = pairing?.compare(at(members[first]), at(members[second]));
        // What cannot be compared is not told apart.
        return found ? { value: found.difference.value, pValue: found.pValue } : { value: 0, pValue: 1 };
      },
      higherIsBetter: members[0]?.quality?.higherIsBetter ?? false,
      level: 1 - PROTOCOL.quality.confidence,
    });
    members.forEach((entry, index) => {
      ranks.set(entry, { ...present(intervals[index], 'the rank of an entry'), of: members.length });
    });
  }
  return ranks;
}

/** The entry whose items the others must have: dense, else the newest. */
function referenceOf(scored: readonly BoardEntry[]): BoardEntry | undefined {
  const dense = scored.find(({ method }) => method === DENSE_METHOD);
  if (dense) return dense;
  const newest = (entry: BoardEntry) => entry.trials.reduce((latest, { startedAt }) => max(latest, startedAt), '');
  return scored.reduce<BoardEntry | undefined>(
    (best, entry) => (best === undefined || newest(entry) > newest(best) ? entry : best),
    undefined,
  );
}

function max(a: string, b: string): string {
  return a > b ? a : b;
}

/** Outcomes by seed, or why they cannot stand beside the reference's. */
function comparable(entry: BoardEntry, reference: EntryItems | undefined, itemsOf: ItemsOf): EntryItems | string {
  const own = entryItems(entry, itemsOf);
  const [expected] = (reference ?? own).bySeed;
  try {
    for (const items of own.bySeed) requireSameItems(present(expected, 'outcomes of the reference'), items);
    return own;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'scored on other items than the rest of the board, such as an older version of the dataset';
  }
}
