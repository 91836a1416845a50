/**
 * Every trial of a contest's variants, including repeated ones, each with the quality on the task and the speed on the
 * runner from its own run. Withdrawn rows are excluded.
 */
import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import type { Cost, Status } from '../contracts/result.ts';
import {
  evaluationsOf,
  measurementsOf,
  notWithdrawn,
  type BoardEvaluation,
  type BoardMeasurement,
  type LeaderboardRequest,
} from './board-rows.ts';
import type { Store } from './client.ts';
import { codeOf, costOf } from './row-columns.ts';
import { artifacts, trials } from './schema.ts';

export interface HistoryRow {
  readonly method: string;
  readonly variant: string;
  readonly run: string;
  readonly startedAt: string;
  /** The state of the method's code, as named by `codeOf`. */
  readonly code: string;
  readonly modelRevision: string;
  readonly seed: number;
  readonly status: Status;
  readonly artifact: string | null;
  readonly zstdBytes: number | null;
  readonly cost: Cost | null;
  readonly evaluation: BoardEvaluation | null;
  readonly measurement: BoardMeasurement | null;
}

/** By method, variant and time. */
export function historyRows({ database }: Store, request: LeaderboardRequest): readonly HistoryRow[] {
  const standing = database
    .select({ key: trials.key })
    .from(trials)
    .where(and(eq(trials.model, request.model), eq(trials.protocol, request.protocol), sql`${trials.effective} = 1`));
  const found = database
    .select({ trial: trials, artifact: artifacts.sha256, zstdBytes: artifacts.zstdBytes })
    .from(trials)
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(and(inArray(trials.key, standing), notWithdrawn(trials)))
    .orderBy(asc(trials.method), asc(trials.variant), asc(trials.startedAt), asc(trials.seed), asc(trials.id))
    .all();
  const ids = found.map(({ trial }) => trial.id);
  const evaluated = evaluationsOf(database, ids, request, { which: 'of its run' });
  const { measured } = measurementsOf(database, ids, request, { which: 'of its run' });
  return found.map(({ trial, artifact, zstdBytes }) => ({
    method: trial.method,
    variant: trial.variant,
    run: trial.run,
    startedAt: trial.startedAt,
    code: codeOf(trial),
    modelRevision: trial.modelRevision,
    seed: trial.seed,
    status: trial.status,
    artifact,
    zstdBytes,
    cost: costOf(trial),
    evaluation: evaluated.get(trial.id) ?? null,
    measurement: measured.get(trial.id) ?? null,
  }));
}
