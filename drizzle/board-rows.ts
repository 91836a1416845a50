/**
 * Reads the rows of a leaderboard: the trial that stands for each variant and seed, and its evaluations and
 * measurements.
 */
import { and, desc, eq, getTableColumns, inArray, sql, type SQL } from 'drizzle-orm';
import type { Cost, Distance, Placement, Quality, Size, Status } from '../contracts/result.ts';
import type { Device, Machine, Provider } from '../contracts/runner.ts';
import type { StoreDatabase } from './client.ts';
import type { ResultTable } from './insert.ts';
import { among } from './read-rows.ts';
import {
  deviceFiguresOf,
  deviceOf,
  distanceOf,
  latencySummaryOf,
  machineOf,
  qualityOf,
  type LatencySummary,
} from './row-columns.ts';
import {
  artifacts,
  catalogMethods,
  catalogModels,
  corrections,
  evaluations,
  latencyShapes,
  machines,
  measurements,
  trials,
} from './schema.ts';
import { speedExclusion } from './speed-exclusion.ts';

export interface LeaderboardRequest {
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
  /** Fingerprint of the runner whose latency is shown; default: the one with the most measurements. */
  readonly runner?: string;
}

export interface BoardRunner {
  readonly fingerprint: string;
  readonly provider: Provider;
  readonly machine: Machine;
  /** Null on the CPU. */
  readonly device: Device | null;
  /** Completed measurements of the trials on this board. */
  readonly measurements: number;
}

export interface BoardEvaluation {
  readonly key: string;
  readonly run: string;
  readonly status: Status;
  readonly reason: string | null;
  readonly inSample: boolean;
  /** Hash over the test data's rows. */
  readonly datasetContentHash: string;
  readonly quality: Quality | null;
  readonly distance: Distance | null;
  readonly annotations: readonly string[];
}

export interface BoardMeasurement {
  readonly key: string;
  readonly run: string;
  readonly status: Status;
  readonly reason: string | null;
  /** Empty where `speedExclusion` gives a reason to ignore these timings. */
  readonly latency: readonly LatencySummary[];
  readonly speedExclusion: string | null;
  /** Remarks about the row's device that a reader must know. */
  readonly findings: readonly string[];
  readonly residentMemoryBytes: number | null;
  readonly denseResidentMemoryBytes: number | null;
  readonly annotations: readonly string[];
}

/** One seed of a variant. */
export interface BoardTrial {
  readonly key: string;
  readonly run: string;
  readonly seed: number;
  readonly status: Status;
  readonly reason: string | null;
  readonly startedAt: string;
  /** Whether the row is from older code or from a method that is no longer registered. */
  readonly stale: boolean;
  readonly notes: readonly string[];
  readonly simulated: string | null;
  /** SHA-256; null when it failed. */
  readonly artifact: string | null;
  readonly size: Size | null;
  readonly cost: Cost | null;
  /** Null when not done yet. */
  readonly evaluation: BoardEvaluation | null;
  readonly measurement: BoardMeasurement | null;
  /** Reasons of the corrections that annotate the trial's row. */
  readonly annotations: readonly string[];
}

const stale = sql<number>`(
  (${catalogMethods.id} is not null and (${catalogMethods.revision} is not ${trials.revision} or ${catalogMethods.registered} = 0))
  or coalesce(${catalogModels.revision} <> ${trials.modelRevision} or ${catalogModels.registered} = 0, 0)
)`;

/** Rows from the CPU come first, because their results do not depend on a device's kernels. */
const onDevice = sql<number>`${trials.trainedOn} is not null`;

/** Ids of the standing trial of each variant and seed, by method, variant and seed. */
export function standingTrials(database: StoreDatabase, { model, protocol }: LeaderboardRequest): readonly number[] {
  const ordered = database
    .select({ id: trials.id, method: trials.method, variant: trials.variant, seed: trials.seed })
    .from(trials)
    .leftJoin(catalogMethods, eq(catalogMethods.id, trials.method))
    .leftJoin(catalogModels, eq(catalogModels.id, trials.model))
    .where(and(eq(trials.model, model), eq(trials.protocol, protocol), sql`${trials.effective} = 1`))
    .orderBy(trials.method, trials.variant, trials.seed, stale, onDevice, desc(trials.startedAt), desc(trials.id));
  const ids: number[] = [];
  let last = '';
  for (const { id, method, variant, seed } of ordered.all()) {
    const place = JSON.stringify([method, variant, seed]);
    if (place !== last) ids.push(id);
    last = place;
  }
  return ids;
}

export type TrialColumns = ReturnType<typeof trialColumnsOf>[number];

/** In the order of standingTrials. */
export function trialColumnsOf(database: StoreDatabase, ids: readonly number[]) {
  return database
    .select({ trial: trials, artifact: artifacts, stale })
    .from(trials)
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .leftJoin(catalogMethods, eq(catalogMethods.id, trials.method))
    .leftJoin(catalogModels, eq(catalogModels.id, trials.model))
    .where(inArray(trials.id, among(ids)))
    .orderBy(trials.method, trials.variant, trials.seed)
    .all();
}

/**
 * Which of the rows of a trial's artifact: the one that stands; or the one of the trial's own run or, where that run
 * was interrupted before it, the standing one of a later run.
 */
export type WhichRow = 'standing' | 'of its run';

function taken(table: typeof evaluations | typeof measurements, which: WhichRow): SQL {
  return which === 'standing'
    ? sql`${table.effective} = 1`
    : sql`((${table.run} = ${trials.run} and ${notWithdrawn(table)})
        or (${table.effective} = 1 and ${trials.effective} = 1 and ${table.startedAt} >= ${trials.startedAt}))`;
}

function ownRunLast(table: typeof evaluations | typeof measurements, which: WhichRow): SQL[] {
  return which === 'standing' ? [] : [sql`${table.run} = ${trials.run}`];
}

export function notWithdrawn(table: ResultTable): SQL {
  return sql`not exists (
    select 1 from ${corrections} where ${corrections.key} = ${table.key} and ${corrections.run} = ${table.run}
    and ${corrections.action} = 'withdraw'
  )`;
}

/** By id of the trial; the newest where the dataset's content has changed between rows. */
export function evaluationsOf(
  database: StoreDatabase,
  ids: readonly number[],
  { task, protocol }: LeaderboardRequest,
  { which = 'standing' }: { readonly which?: WhichRow } = {},
): ReadonlyMap<number, BoardEvaluation> {
  const found = database
    .select({ trial: trials.id, evaluation: evaluations })
    .from(trials)
    .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
    .innerJoin(
      evaluations,
      and(eq(evaluations.trial, trials.key), eq(evaluations.artifact, artifacts.sha256), eq(evaluations.task, task)),
    )
    .where(and(inArray(trials.id, among(ids)), eq(evaluations.protocol, protocol), taken(evaluations, which)))
    .orderBy(...ownRunLast(evaluations, which), evaluations.startedAt, evaluations.id)
    .all();
  const chosen = new Map(found.map(({ trial, evaluation }) => [trial, evaluation]));
  const annotations = annotationsByRow(
    database,
    evaluations,
    [...chosen.values()].map(({ id }) => id),
  );
  const board = (columns: typeof evaluations.$inferSelect): BoardEvaluation => ({
    key: columns.key,
    run: columns.run,
    status: columns.status,
    reason: columns.reason,
    inSample: columns.inSample,
    datasetContentHash: columns.datasetContentHash,
    quality: columns.status === 'completed' ? qualityOf(columns) : null,
    distance: columns.status === 'completed' ? distanceOf(columns) : null,
    annotations: annotations.get(columns.key) ?? [],
  });
  return new Map([...chosen].map(([trial, columns]) => [trial, board(columns)]));
}

export function measurementsOf(
  database: StoreDatabase,
  ids: readonly number[],
  { protocol, runner: wanted }: LeaderboardRequest,
  { which = 'standing' }: { readonly which?: WhichRow } = {},
): {
  readonly runner: BoardRunner | null;
  readonly runners: readonly BoardRunner[];
  readonly measured: ReadonlyMap<number, BoardMeasurement>;
} {
  const found = database
    .select({ trial: trials.id, measurement: measurements, machine: machines })
    .from(trials)
    .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
    .innerJoin(measurements, and(eq(measurements.trial, trials.key), eq(measurements.artifact, artifacts.sha256)))
    .innerJoin(machines, eq(measurements.machine, machines.fingerprint))
    .where(and(inArray(trials.id, among(ids)), eq(measurements.protocol, protocol), taken(measurements, which)))
    .orderBy(...ownRunLast(measurements, which), measurements.startedAt, measurements.id)
    .all();
  const byRunner = new Map<string, BoardRunner>();
  for (const { measurement, machine } of found) {
    const { runnerFingerprint: fingerprint, provider } = measurement;
    const own = { fingerprint, provider, machine: machineOf(machine), device: deviceOf(measurement), measurements: 0 };
    const known = byRunner.get(fingerprint) ?? own;
    const completed = measurement.status === 'completed' ? 1 : 0;
    byRunner.set(fingerprint, { ...known, measurements: known.measurements + completed });
  }
  const runners = [...byRunner.values()].sort(
    (a, b) =>
      softwareLast(a) - softwareLast(b) || b.measurements - a.measurements || (a.fingerprint < b.fingerprint ? -1 : 1),
  );
  const runner = (wanted === undefined ? runners[0] : byRunner.get(wanted)) ?? null;
  const chosen = new Map(
    found
      .filter(({ measurement }) => measurement.runnerFingerprint === runner?.fingerprint)
      .map(({ trial, measurement }) => [trial, measurement]),
  );
  const rows = [...chosen.values()].map(({ id }) => id);
  const latency = latencyByMeasurement(database, rows);
  const annotations = annotationsByRow(database, measurements, rows);
  const board = (columns: typeof measurements.$inferSelect): BoardMeasurement => {
    const placement = columns.placement === null ? null : (JSON.parse(columns.placement) as Placement);
    const excluded =
      columns.status === 'completed'
        ? speedExclusion({ provider: columns.provider, device: deviceOf(columns), placement })
        : null;
    return {
      key: columns.key,
      run: columns.run,
      status: columns.status,
      reason: columns.reason,
      latency: excluded === null ? (latency.get(columns.id) ?? []) : [],
      speedExclusion: excluded,
      findings: deviceFiguresOf(columns)?.findings ?? [],
      residentMemoryBytes: columns.residentMemoryBytes,
      denseResidentMemoryBytes: columns.denseResidentMemoryBytes,
      annotations: annotations.get(columns.key) ?? [],
    };
  };
  return { runner, runners, measured: new Map([...chosen].map(([trial, columns]) => [trial, board(columns)])) };
}

/** Sorts software devices last: a board shows them only where it has no other runner. */
function softwareLast({ provider, device }: BoardRunner): number {
  return provider !== 'cpu' && device?.kind !== 'hardware' ? 1 : 0;
}

function latencyByMeasurement(
  database: StoreDatabase,
  ids: readonly number[],
): ReadonlyMap<number, readonly LatencySummary[]> {
  const { samples: _, ...columns } = getTableColumns(latencyShapes);
  const found = database
    .select(columns)
    .from(latencyShapes)
    .where(inArray(latencyShapes.measurement, among(ids)))
    .orderBy(latencyShapes.measurement, latencyShapes.ordinal)
    .all();
  const byMeasurement = new Map<number, LatencySummary[]>();
  for (const shape of found) {
    const shapes = byMeasurement.get(shape.measurement) ?? [];
    byMeasurement.set(shape.measurement, shapes);
    shapes.push(latencySummaryOf(shape));
  }
  return byMeasurement;
}

/** Reasons of the corrections that annotate rows, by the rows' keys. */
export function annotationsByRow(
  database: StoreDatabase,
  table: ResultTable,
  ids: readonly number[],
): ReadonlyMap<string, readonly string[]> {
  const found = database
    .select({ key: table.key, reason: corrections.reason })
    .from(table)
    .innerJoin(corrections, and(eq(corrections.key, table.key), eq(corrections.run, table.run)))
    .where(and(inArray(table.id, among(ids)), eq(corrections.action, 'annotate')))
    .orderBy(corrections.date, corrections.reason)
    .all();
  const byKey = new Map<string, string[]>();
  for (const { key, reason } of found) byKey.set(key, [...(byKey.get(key) ?? []), reason]);
  return byKey;
}
