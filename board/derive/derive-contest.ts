/** All derived figures of a contest from its rows: boards of its runners, histories, pairs. Pure: reads no store. */
import { type ContestRows, entryName, slugOf } from '../../drizzle/queries.ts';
import type { DerivedContest } from '../../drizzle/record-rollups.ts';
import { type Contest, contestId, contestOf, deriveBoard } from './derive-board.ts';
import { histories, qualitySteps } from './histories.ts';
import { averageSeeds } from './leaderboard.ts';
import { type ComparedEntry, pairComparisons } from './pair-comparisons.ts';
import { rankBoard } from './rank-board.ts';

/** Pairs grow with the square: of 600 entries there are 180,000, some seconds' work and some megabytes. */
export const COMPARED_ENTRIES = 600;

export interface DeriveContestOptions {
  /** Ranked entries of a board that are compared with one another. */
  readonly comparedLimit?: number;
}

/** @param rows with at least one board. */
export function deriveContest(
  rows: ContestRows,
  { comparedLimit = COMPARED_ENTRIES }: DeriveContestOptions = {},
): Omit<DerivedContest, 'inputs'> {
  const { itemsOf } = rows;
  const boards = rows.boards.map(({ rows: read, history }) => ({ averaged: averageSeeds(read), history }));
  const [first] = boards;
  const id = contestId(rows);
  if (!first) return { contest: id, boards: [], comparisons: [] };
  const { entries: averaged } = first.averaged;
  const contest = contestOf(averaged, rankBoard(averaged, itemsOf), rows);
  const { metric } = contest;
  const steps = metric === null ? [] : qualitySteps(first.history, { metric, itemsOf });
  const entries = comparedEntries(contest, { order: averaged.map(entryName), limit: comparedLimit });
  const notCompared = contest.indices.size - entries.length;
  return {
    contest: id,
    boards: boards.map(({ averaged: found, history }) => {
      const board = deriveBoard(found, contest);
      return {
        board: { ...board, notCompared },
        histories: histories(history, { board: board.id, steps }),
      };
    }),
    comparisons: metric === null ? [] : pairComparisons(entries, { contest: id, metric }),
  };
}

/** In the order of the board; if there are too many, dense and those that rank first. */
function comparedEntries(
  { ranking, indices, places }: Contest,
  { order, limit }: { readonly order: readonly string[]; readonly limit: number },
): ComparedEntry[] {
  return order.flatMap((name) => {
    const index = indices.get(name);
    if (index === undefined || (places.get(name) ?? 0) > limit) return [];
    const [entry, items] = [ranking.compared[index], ranking.outcomes[index]];
    return entry && items ? [{ slug: slugOf(entry.method, entry.variant), items }] : [];
  });
}
