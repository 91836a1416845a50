/**
 * Brings the derived figures of a store up to date, contest by contest: reads its rows (drizzle), derives (pure), writes
 * (drizzle). Contests whose rows, corrections and catalog are unchanged are kept.
 */
import { contestInputs, storeWatermark } from '../../drizzle/board-inputs.ts';
import { type BoardSummary, type Store, derivedBoards, readContest } from '../../drizzle/queries.ts';
import {
  recordContest,
  recordState,
  recordedInputs,
  recordedWatermark,
  removeContestsBut,
} from '../../drizzle/record-rollups.ts';
import { digestOf } from '../../contracts/canonical-json.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { DERIVATION_REVISION } from './derivation-revision.ts';
import { contestId } from './derive-board.ts';
import { COMPARED_ENTRIES, deriveContest } from './derive-contest.ts';

/** Contests by id. */
export interface DeriveSummary {
  readonly computed: readonly string[];
  readonly kept: readonly string[];
  readonly removed: readonly string[];
}

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
    recordContest(store, { ...deriveContest(readContest(store, request), { comparedLimit }), inputs });
    computed.push(contest);
  }
  const removed = removeContestsBut(store, contests.map(contestId));
  recordState(store, { order: orderOf(derivedBoards(store)), watermark });
  return { computed, kept, removed };
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
      return differs >= 0 ? (right[differs] ?? 0) - (left[differs] ?? 0) : a.id < b.id ? -1 : 1;
    })
    .map(({ id }) => id);
}
