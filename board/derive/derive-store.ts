/** Brings the derived figures of a store up to date: only what rows, corrections or the catalog have changed. */
import { type ContestInputs, contestInputs, storeWatermark } from '../../drizzle/board-inputs.ts';
import {
  type BoardSummary,
  type BoardTrial,
  type Leaderboard,
  type Store,
  correctionLedger,
  derivedBoards,
  historyRows,
  itemsOf,
  leaderboard,
  readCatalog,
  slugOf,
} from '../../drizzle/queries.ts';
import {
  type DerivedContest,
  recordContest,
  recordState,
  recordedInputs,
  recordedWatermark,
  removeContestsBut,
} from '../../drizzle/record-rollups.ts';
import { digestOf } from '../../contracts/canonical-json.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { type Contest, contestId, deriveBoard, deriveContest, nameOf } from './derive-board.ts';
import { DERIVATION_REVISION } from './derivation-revision.ts';
import { histories, qualitySteps } from './histories.ts';
import { type ComparedEntry, pairComparisons } from './pair-comparisons.ts';
import { rankBoard } from './rank-board.ts';

/** Contests by id. */
export interface DeriveSummary {
  readonly computed: readonly string[];
  readonly kept: readonly string[];
  readonly removed: readonly string[];
}

/** Pairs grow with the square: of 600 entries there are 180,000, some seconds' work and some megabytes. */
export const COMPARED_ENTRIES = 600;

export interface DeriveOptions {
  /** Figures that were computed under another revision are computed again. */
  readonly revision?: number;
  /** Ranked entries of a board that are compared with one another. */
  readonly comparedLimit?: number;
}

export function deriveStore(
  store: Store,
  { revision = DERIVATION_REVISION, comparedLimit = COMPARED_ENTRIES }: DeriveOptions = {},
): DeriveSummary {
  const watermark = digestOf({ revision, protocol: PROTOCOL, store: storeWatermark(store) });
  if (recordedWatermark(store) === watermark) {
    return { computed: [], kept: [...recordedInputs(store).keys()], removed: [] };
  }
  const contests = contestInputs(store);
  const known = recordedInputs(store);
  const computed: string[] = [];
  const kept: string[] = [];
  for (const { digest, ...request } of contests) {
    const contest = contestId(request);
    const inputs = digestOf({ revision, protocol: PROTOCOL, digest });
    if (known.get(contest) === inputs) {
      kept.push(contest);
      continue;
    }
    recordContest(store, derive(store, { request, inputs, comparedLimit }));
    computed.push(contest);
  }
  const removed = removeContestsBut(store, contests.map(contestId));
  recordState(store, { order: orderOf(derivedBoards(store)), watermark });
  return { computed, kept, removed };
}

function derive(
  store: Store,
  {
    request,
    inputs,
    comparedLimit,
  }: {
    readonly request: Omit<ContestInputs, 'digest'>;
    readonly inputs: string;
    readonly comparedLimit: number;
  },
): DerivedContest {
  const first = leaderboard(store, request);
  // A runner that only older rows were timed on is none of the board's runners.
  const others = first.runners
    .slice(1)
    .map(({ fingerprint }) => leaderboard(store, { ...request, runner: fingerprint }));
  const outcomes = ({ evaluation, artifact }: Pick<BoardTrial, 'evaluation' | 'artifact'>) =>
    itemsOf(store, evaluation?.key ?? '', artifact ?? '');
  const contest = deriveContest(first.entries, rankBoard(first.entries, outcomes), {
    ...request,
    chance: readCatalog(store).tasks.find(({ id }) => id === request.task)?.chance ?? null,
    withdrawn: withdrawnReasons(store, request),
  });
  const rowsOn = ({ runner }: Leaderboard) =>
    historyRows(store, runner ? { ...request, runner: runner.fingerprint } : request);
  const metric = contest.metric ?? 'perplexity';
  const steps = qualitySteps(rowsOn(first), { metric, itemsOf: outcomes });
  const entries = comparedEntries(contest, { order: first.entries.map(nameOf), limit: comparedLimit });
  const notCompared = contest.indices.size - entries.length;
  return {
    contest: contestId(request),
    inputs,
    boards: [first, ...others].map((found) => {
      const board = deriveBoard(found, contest);
      return {
        board: { ...board, notCompared },
        histories: histories(rowsOn(found), { board: board.id, steps }),
      };
    }),
    comparisons: contest.metric === null ? [] : pairComparisons(entries, { contest: contestId(request), metric }),
  };
}

/** In the order of the board: dense, and of too many those that rank first. */
function comparedEntries(
  { ranking, indices, overallRanks }: Contest,
  { order, limit }: { readonly order: readonly string[]; readonly limit: number },
): ComparedEntry[] {
  return order.flatMap((name) => {
    const index = indices.get(name);
    if (index === undefined || (overallRanks.get(name)?.place ?? 0) > limit) return [];
    const [entry, items] = [ranking.compared[index], ranking.items[index]];
    return entry && items ? [{ slug: slugOf(entry.method, entry.variant), items }] : [];
  });
}

function withdrawnReasons(
  store: Store,
  { model, task }: { readonly model: string; readonly task: string },
): ReadonlyMap<string, readonly string[]> {
  const reasons = new Map<string, string[]>();
  for (const entry of correctionLedger(store)) {
    if (entry.action !== 'withdraw' || entry.model !== model || (entry.task !== null && entry.task !== task)) continue;
    const name = nameOf({ method: entry.method ?? '', variant: entry.variant ?? '' });
    reasons.set(name, [...(reasons.get(name) ?? []), entry.reason]);
  }
  return reasons;
}

/** The newest protocol first, then boards that have most of both cost classes, then those with most to show. */
function orderOf(boards: readonly BoardSummary[]): string[] {
  const weight = (board: BoardSummary): readonly number[] => [
    board.protocol,
    Math.min(board.lowCostCount, board.highCostCount),
    board.rankedCount,
    board.timedCount,
  ];
  return boards
    .toSorted((a, b) => {
      const [left, right] = [weight(a), weight(b)];
      const differs = left.findIndex((value, i) => value !== right[i]);
      return differs >= 0 ? (right[differs] as number) - (left[differs] as number) : a.id < b.id ? -1 : 1;
    })
    .map(({ id }) => id);
}
