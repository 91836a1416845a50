/** Every row a contest's variants ever had that stands for its key, with its quality on the task and its speed on the runner. */
import { and, asc, eq, sql } from 'drizzle-orm';
import type { Cost, Status } from '../contracts/result.ts';
import {
  evaluationsOf,
  measurementsOf,
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
  /** The state of the method's code, as `codeOf` names it. */
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
  const found = database
    .select({ trial: trials, artifact: artifacts.sha256, zstdBytes: artifacts.zstdBytes })
    .from(trials)
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(and(eq(trials.model, request.model), eq(trials.protocol, request.protocol), sql`${trials.effective} = 1`))
    .orderBy(asc(trials.method), asc(trials.variant), asc(trials.startedAt), asc(trials.seed), asc(trials.id))
    .all();
  const ids = found.map(({ trial }) => trial.id);
  const evaluated = evaluationsOf(database, ids, request);
  const { measured } = measurementsOf(database, ids, request);
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
