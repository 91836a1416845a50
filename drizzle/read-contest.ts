/** Reads everything from which the figures of a contest (model × task × protocol, on all runners) are derived. */
import type { Items } from '../contracts/result.ts';
import { type BoardRows, readBoard } from './board-variants.ts';
import type { BoardTrial } from './board-rows.ts';
import { readCatalog } from './catalog.ts';
import type { Store } from './client.ts';
import { type HistoryRow, historyRows } from './history-rows.ts';
import { itemsOf } from './evaluation-items.ts';
import { correctionLedger } from './run-detail.ts';
import { entryName } from './slug.ts';

export interface ContestName {
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
}

export interface ContestRows extends ContestName {
  /** One board per runner, the default one first; a contest without timings has one board without a runner. */
  readonly boards: readonly { readonly rows: BoardRows; readonly history: readonly HistoryRow[] }[];
  /** The score of guessing on the task; null where there is none. */
  readonly chance: number | null;
  /** Reasons of withdrawn rows, by entryName(). */
  readonly withdrawn: ReadonlyMap<string, readonly string[]>;
  /** Per-item outcomes of a trial that has a quality; read on demand, since they are most of the data. */
  readonly itemsOf: (trial: Pick<BoardTrial, 'evaluation' | 'artifact'>) => Items;
}

export function readContest(store: Store, name: ContestName): ContestRows {
  const first = readBoard(store, name);
  // A runner whose only timed rows were replaced has no board.
  const others = first.runners.slice(1).map(({ fingerprint }) => readBoard(store, { ...name, runner: fingerprint }));
  return {
    ...name,
    boards: [first, ...others].map((rows) => ({
      rows,
      history: historyRows(store, rows.runner ? { ...name, runner: rows.runner.fingerprint } : name),
    })),
    chance: readCatalog(store).tasks.find(({ id }) => id === name.task)?.chance ?? null,
    withdrawn: withdrawnReasons(store, name),
    itemsOf: ({ evaluation, artifact }) => itemsOf(store, evaluation?.key ?? '', artifact ?? ''),
  };
}

function withdrawnReasons(store: Store, { model, task }: ContestName): ReadonlyMap<string, readonly string[]> {
  const reasons = new Map<string, string[]>();
  for (const entry of correctionLedger(store)) {
    if (entry.action !== 'withdraw' || entry.model !== model || (entry.task !== null && entry.task !== task)) continue;
    const name = entryName({ method: entry.method ?? '', variant: entry.variant ?? '' });
    reasons.set(name, [...(reasons.get(name) ?? []), entry.reason]);
  }
  return reasons;
}
