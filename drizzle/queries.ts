/** Queries of the board, the command line and resuming. They return plain objects and write nothing. */
import { and, asc, desc, eq, sql } from 'drizzle-orm';
import { InputError } from '../contracts/errors.ts';
import type { EvaluationRow, MeasurementRow, Quality, RunRow, Status, TrialRow } from '../contracts/result.ts';
import type { Store } from './client.ts';
import { correctionsOf, type Correction } from './correction.ts';
import type { ResultTable } from './insert.ts';
import { readEvaluations, readMeasurements, readTrials, type Stored } from './read-rows.ts';
import { codeOf, machineOf, qualityOf, runRow } from './row-columns.ts';
import { artifacts, evaluations, machines, measurements, runs, trials } from './schema.ts';

export { openStore, type Store } from './client.ts';
export { readCatalog, type StoredCatalog } from './catalog.ts';
export { correctionsOf } from './correction.ts';
export { itemsOf } from './evaluation-items.ts';
export { type ContestName, type ContestRows, readContest } from './read-contest.ts';
export { DENSE_METHOD, readBoard, type BoardRows, type VariantRows } from './board-variants.ts';
export type { LatencySummary } from './row-columns.ts';
export type { BoardEvaluation, BoardMeasurement, BoardRunner, BoardTrial, LeaderboardRequest } from './board-rows.ts';
export {
  comparedEntries,
  comparisonsOf,
  derivedBoard,
  derivedBoards,
  derivedHistories,
  derivedHistory,
  entriesOfMethod,
} from './rollups.ts';
export { denseLatencies, denseQualities, type DenseLatency, type DenseQuality } from './dense-baseline.ts';
export { historyRows, type HistoryRow } from './history-rows.ts';
export { resultDetail, resultDetails } from './result-detail.ts';
export { correctionLedger, isWithdrawn, rowsOfRun, statusBefore } from './run-detail.ts';
export { entryName, slugOf } from './slug.ts';
export { FORMULAS } from '../contracts/derived.ts';
export { API_DOCUMENTS, API_VERSION } from '../contracts/site-api.ts';
export type {
  Badge,
  BadgeId,
  BetweenCurves,
  BoardSummary,
  BreakEven,
  Change,
  Comparisons,
  Compute,
  ComputeRatio,
  DerivedBoard,
  DerivedEntry,
  DerivedRunner,
  EntryLatency,
  EntryQuality,
  EntrySeed,
  EntrySlice,
  Front,
  Headline,
  History,
  HistoryPoint,
  LedgerEntry,
  Paired,
  Rank,
  Result,
  RunRowSummary,
} from '../contracts/derived.ts';
export type { Access, CostClass, Family } from '../contracts/taxonomy.ts';
export type { Cost, Distance, Estimate, Size, Status } from '../contracts/result.ts';
export type { Machine, Provider } from '../contracts/runner.ts';

export interface DoneKeys {
  /** Artifact: SHA-256, null when it failed. */
  readonly trials: ReadonlyMap<string, { readonly status: Status; readonly artifact: string | null }>;
  /** Only those of the trials' present artifacts. */
  readonly evaluations: ReadonlyMap<string, Status>;
  readonly measurements: ReadonlyMap<string, Status>;
}

/**
 * The completed and failed steps of these trials, without withdrawn rows: all other steps are still to do. Looks up
 * only the given keys, so that resuming takes time in proportion to the plan, not the store.
 */
export function doneKeys({ database }: Store, trialKeys: Iterable<string>): DoneKeys {
  const bytes = (hex: string) => Buffer.from(hex, 'hex'); // a placeholder takes what the driver takes
  const trialOf = database
    .select({ key: trials.key, status: trials.status, artifact: artifacts.sha256 })
    .from(trials)
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(and(sql`${trials.key} = ${sql.placeholder('key')}`, sql`${trials.effective} = 1`))
    .prepare();
  const belonging = (table: typeof evaluations | typeof measurements) =>
    database
      .select({ key: table.key, status: table.status })
      .from(table)
      .where(
        and(
          sql`${table.trial} = ${sql.placeholder('trial')}`,
          sql`${table.artifact} = ${sql.placeholder('artifact')}`,
          sql`${table.effective} = 1`,
        ),
      )
      .prepare();
  const [evaluationsOf, measurementsOf] = [belonging(evaluations), belonging(measurements)];
  const done = {
    trials: new Map<string, { readonly status: Status; readonly artifact: string | null }>(),
    evaluations: new Map<string, Status>(),
    measurements: new Map<string, Status>(),
  };
  database.transaction(() => {
    for (const trialKey of trialKeys) {
      const found = trialOf.get({ key: bytes(trialKey) });
      if (!found) continue;
      const { key, status, artifact } = found;
      done.trials.set(key, { status, artifact });
      if (artifact === null) continue;
      const of = { trial: bytes(key), artifact: bytes(artifact) };
      for (const row of evaluationsOf.all(of)) done.evaluations.set(row.key, row.status);
      for (const row of measurementsOf.all(of)) done.measurements.set(row.key, row.status);
    }
  });
  return done;
}

/** A row and the store's data about it. */
export interface Detailed<T> extends Stored<T> {
  readonly corrections: readonly Correction[];
}

export interface TrialDetail {
  /** All rows of the key: the standing one first, then from new to old. */
  readonly trials: readonly Detailed<TrialRow>[];
  readonly evaluations: readonly Detailed<EvaluationRow>[];
  readonly measurements: readonly Detailed<MeasurementRow>[];
}

/** All rows of one trial's key, including raw samples and items. Throws InputError when there are none. */
export function trialDetail(store: Store, key: string): TrialDetail {
  const { database } = store;
  const detailed = <T extends TrialRow | EvaluationRow | MeasurementRow>(stored: readonly Stored<T>[]) =>
    stored.map((entry) => ({ ...entry, corrections: correctionsOf(store, entry.row.key, entry.row.run) }));
  const order = (table: ResultTable) => [desc(table.effective), desc(table.startedAt), asc(table.id)];
  const ids = database
    .select({ id: trials.id })
    .from(trials)
    .where(eq(trials.key, key))
    .orderBy(...order(trials));
  const found = detailed(readTrials(database, idsOf(ids.all())));
  if (found.length === 0) throw new InputError(`trial "${key}": the store holds none under this key`);
  const belonging = (table: typeof evaluations | typeof measurements): readonly number[] =>
    idsOf(
      database
        .select({ id: table.id })
        .from(table)
        .where(eq(table.trial, key))
        .orderBy(...order(table))
        .all(),
    );
  return {
    trials: found,
    evaluations: detailed(readEvaluations(database, belonging(evaluations))),
    measurements: detailed(readMeasurements(database, belonging(measurements))),
  };
}

function idsOf(found: readonly { readonly id: number }[]): readonly number[] {
  return found.map(({ id }) => id);
}

/** Keys of all trials, in the order in which they were first stored. */
export function trialKeys({ database }: Store): readonly string[] {
  return database
    .select({ key: trials.key })
    .from(trials)
    .groupBy(trials.key)
    .orderBy(sql`min(${trials.id})`)
    .all()
    .map(({ key }) => key);
}

export interface RunSummary extends RunRow {
  /** Number of rows the run wrote, by status. */
  readonly trials: Readonly<Partial<Record<Status, number>>>;
  readonly evaluations: Readonly<Partial<Record<Status, number>>>;
  readonly measurements: Readonly<Partial<Record<Status, number>>>;
}

/** The newest `limit` runs, newest first. */
export function runSummaries({ database }: Store, limit = 100): readonly RunSummary[] {
  const counts = (table: ResultTable, run: string): Partial<Record<Status, number>> => {
    const rows = sql<number>`count(*)`;
    const found = database.select({ status: table.status, rows }).from(table).where(eq(table.run, run));
    return Object.fromEntries(
      found
        .groupBy(table.status)
        .all()
        .map((group) => [group.status, group.rows]),
    );
  };
  return database
    .select()
    .from(runs)
    .innerJoin(machines, eq(runs.machine, machines.fingerprint))
    .orderBy(desc(runs.startedAt), desc(runs.id))
    .limit(limit)
    .all()
    .map(({ runs: columns, machines: machine }) => ({
      ...runRow(columns, machineOf(machine)),
      trials: counts(trials, columns.id),
      evaluations: counts(evaluations, columns.id),
      measurements: counts(measurements, columns.id),
    }));
}

export interface FailureSummary {
  readonly kind: 'trial' | 'evaluation' | 'measurement';
  readonly key: string;
  readonly run: string;
  readonly trial: string;
  /** Of the trial it belongs to; null when that is not in this store. */
  readonly method: string | null;
  readonly variant: string | null;
  readonly model: string | null;
  readonly seed: number | null;
  readonly task: string | null;
  readonly runner: string | null;
  readonly status: Status;
  readonly reason: string;
  readonly startedAt: string;
}

/** Standing failures, newest first: not those that were retried with success or withdrawn. */
export function failures({ database }: Store, protocol: number): readonly FailureSummary[] {
  const failed = (table: ResultTable) =>
    and(eq(table.protocol, protocol), sql`${table.effective} = 1 and ${table.status} <> 'completed'`);
  const belonging = (table: typeof evaluations | typeof measurements) =>
    and(eq(trials.key, table.trial), sql`${trials.effective} = 1`);
  const common = (table: ResultTable) => ({
    key: table.key,
    run: table.run,
    method: trials.method,
    variant: trials.variant,
    model: trials.model,
    seed: trials.seed,
    status: table.status,
    reason: sql<string>`coalesce(${table.reason}, '')`,
    startedAt: table.startedAt,
  });
  const none = { task: null, runner: null };
  const ofTrials = database.select(common(trials)).from(trials).where(failed(trials)).all();
  const ofEvaluations = database
    .select({ ...common(evaluations), trial: evaluations.trial, task: evaluations.task })
    .from(evaluations)
    .leftJoin(trials, belonging(evaluations))
    .where(failed(evaluations))
    .all();
  const ofMeasurements = database
    .select({ ...common(measurements), trial: measurements.trial, runner: measurements.runnerFingerprint })
    .from(measurements)
    .leftJoin(trials, belonging(measurements))
    .where(failed(measurements))
    .all();
  // The union of tables hides from drizzle's types which columns the left join may leave null.
  const found = [
    ...ofTrials.map((row) => ({ kind: 'trial', ...none, ...row, trial: row.key })),
    ...ofEvaluations.map((row) => ({ kind: 'evaluation', ...none, ...row })),
    ...ofMeasurements.map((row) => ({ kind: 'measurement', ...none, ...row })),
  ] as FailureSummary[];
  return found.sort((a, b) => compare(b.startedAt, a.startedAt) || compare(a.key, b.key));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export interface TrialSummary {
  readonly key: string;
  readonly run: string;
  readonly method: string;
  readonly variant: string;
  readonly model: string;
  readonly seed: number;
  readonly protocol: number;
  readonly status: Status;
  readonly startedAt: string;
}

export type CompletedTrial = Extract<TrialRow, { readonly status: 'completed' }>;

/** Trials that made an artifact, without corrected ones, by model, cheapest first. */
export function completedTrials(
  { database }: Store,
  { method, protocol }: { readonly method: string; readonly protocol: number },
): readonly CompletedTrial[] {
  const found = database
    .select({ id: trials.id })
    .from(trials)
    .where(
      and(
        eq(trials.method, method),
        eq(trials.protocol, protocol),
        eq(trials.status, 'completed'),
        sql`${trials.effective} = 1`,
      ),
    )
    .orderBy(trials.model, trials.cpuSeconds, trials.id)
    .all();
  const rows = readTrials(
    database,
    found.map(({ id }) => id),
  );
  return rows.flatMap(({ row }) => (row.status === 'completed' ? [row] : []));
}

export interface HistoryEntry extends TrialSummary {
  readonly effective: boolean;
  /** The state of the method's code, as named by `codeOf`. */
  readonly code: string;
  readonly artifact: string | null;
  readonly zstdBytes: number | null;
  /** On the requested task; null when it failed or was not done. */
  readonly quality: Quality | null;
}

/** All rows of a variant on a model, newest first, with their quality on a task. */
export function history(
  { database }: Store,
  of: { readonly method: string; readonly variant: string; readonly model: string; readonly task: string },
): readonly HistoryEntry[] {
  const found = database
    .select({ trial: trials, artifact: artifacts, evaluation: evaluations })
    .from(trials)
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .leftJoin(
      evaluations,
      and(
        eq(evaluations.trial, trials.key),
        eq(evaluations.artifact, artifacts.sha256),
        eq(evaluations.task, of.task),
        sql`${evaluations.effective} = 1`,
      ),
    )
    .where(and(eq(trials.method, of.method), eq(trials.variant, of.variant), eq(trials.model, of.model)))
    .orderBy(desc(trials.startedAt), desc(trials.id), evaluations.startedAt)
    .all();
  const newest = new Map(found.map((entry) => [entry.trial.id, entry]));
  return [...newest.values()].map(({ trial, artifact, evaluation }) => ({
    key: trial.key,
    run: trial.run,
    method: trial.method,
    variant: trial.variant,
    model: trial.model,
    seed: trial.seed,
    protocol: trial.protocol,
    status: trial.status,
    startedAt: trial.startedAt,
    effective: trial.effective,
    code: codeOf(trial),
    artifact: artifact?.sha256 ?? null,
    zstdBytes: artifact?.zstdBytes ?? null,
    quality: evaluation?.status === 'completed' ? qualityOf(evaluation) : null,
  }));
}
