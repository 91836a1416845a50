/** Rank tiers of a board, all seeds of a variant taken together: what the terminal and the site both show. */
import { type BoardTrial, DENSE_METHOD } from '../../drizzle/queries.ts';
import type { BoardEntry } from './leaderboard.ts';
import { InputError } from '../../contracts/errors.ts';
import type { Items } from '../../contracts/result.ts';
import { type ItemPairing, pairItems } from '../../numerics/statistics/compare-items.ts';
import { meanItems } from '../../numerics/statistics/mean-items.ts';
import { requireSameItems } from '../../numerics/statistics/item-statistics.ts';
import type { Tier } from '../../numerics/statistics/rank-tiers.ts';

export interface BoardRanking {
  /** Entries with comparable outcomes, dense included; the index of one is its name in `pairing`. */
  readonly compared: readonly BoardEntry[];
  /** Of `compared`, means over seeds. */
  readonly items: readonly Items[];
  /** Null when nothing is compared. */
  readonly pairing: ItemPairing | null;
  /** By weight class, both cost classes together, dense left out. */
  readonly classTiers: ReadonlyMap<number | null, readonly Tier<BoardEntry>[]>;
  /** Over all sizes, dense left out. */
  readonly tiers: readonly Tier<BoardEntry>[];
  /** Entries that have a quality and no rank, and why. */
  readonly unranked: ReadonlyMap<BoardEntry, string>;
}

/** @param itemsOf per-item outcomes of a trial that has a quality. */
export function rankBoard(entries: readonly BoardEntry[], itemsOf: (trial: BoardTrial) => Items): BoardRanking {
  const scored = entries.filter(({ quality }) => quality !== null);
  const reference = referenceOf(scored);
  const metric = reference?.quality?.metric;
  const unranked = new Map<BoardEntry, string>();
  const compared: BoardEntry[] = [];
  const items: Items[] = [];
  // The reference first: whatever differs from it is left out.
  for (const entry of reference ? [reference, ...scored.filter((each) => each !== reference)] : []) {
    const outcome =
      entry.quality?.metric === metric ? outcomesOf(entry, items[0], itemsOf) : 'scored by another metric';
    if (typeof outcome === 'string') {
      unranked.set(entry, outcome);
      continue;
    }
    compared.push(entry);
    items.push(outcome);
  }
  const pairing = metric === undefined ? null : pairItems(items, metric);
  const tiersOf = (among: (entry: BoardEntry) => boolean): Tier<BoardEntry>[] => {
    const indices = compared.flatMap((entry, index) => (entry.method !== DENSE_METHOD && among(entry) ? [index] : []));
    // Ties keep the order of the board.
    indices.sort((a, b) => entries.indexOf(compared[a] as BoardEntry) - entries.indexOf(compared[b] as BoardEntry));
    return (pairing?.tiers(indices) ?? []).map(({ tier, entries: ranked }) => ({
      tier,
      entries: ranked.map((index) => compared[index] as BoardEntry),
    }));
  };
  const classes = new Set(compared.map(({ weightClass }) => weightClass));
  return {
    compared,
    items,
    pairing,
    classTiers: new Map([...classes].map((own) => [own, tiersOf(({ weightClass }) => weightClass === own)])),
    tiers: tiersOf(() => true),
    unranked,
  };
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

/** Means over seeds, or why they cannot stand beside the reference's. */
function outcomesOf(
  { trials }: BoardEntry,
  reference: Items | undefined,
  itemsOf: (trial: BoardTrial) => Items,
): Items | string {
  const seeds = trials.filter(({ evaluation }) => evaluation?.quality).map(itemsOf);
  try {
    const own = meanItems(seeds);
    if (reference) requireSameItems(reference, own);
    return own;
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return 'scored on other items than the rest of the board, such as an older version of the dataset';
  }
}
