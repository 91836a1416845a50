/** All stored data of a trial, as shown by the site, except per-item outcomes. */
import { asc, desc, eq, inArray } from 'drizzle-orm';
import type { Result } from '../contracts/derived.ts';
import { InputError } from '../contracts/errors.ts';
import { costClassOf } from '../contracts/taxonomy.ts';
import type { Store, StoreDatabase } from './client.ts';
import { among } from './read-rows.ts';
import {
  artifactOf,
  costOf,
  deviceFiguresOf,
  deviceOf,
  distanceOf,
  latencyOf,
  timingOf,
  machineOf,
  qualityOf,
  type LatencyColumns,
} from './row-columns.ts';
import { artifacts, corrections, evaluations, latencyShapes, machines, measurements, runs, trials } from './schema.ts';
import { slugOf } from './slug.ts';

/** Throws InputError when the store has no trial with this key. */
export function resultDetail(store: Store, key: string): Result {
  const [result] = resultDetails(store, [key]);
  if (!result) throw new InputError(`trial "${key}": the store holds none under this key`);
  return result;
}

/** Several trials at once, in the order of the keys; unknown keys are omitted. For at most some hundred keys. */
export function resultDetails({ database }: Store, keys: readonly string[]): readonly Result[] {
  const made = Map.groupBy(trialsUnder(database, keys), ({ trial }) => trial.key);
  const evaluated = Map.groupBy(evaluationsUnder(database, keys), ({ row }) => row.trial);
  const measured = Map.groupBy(measurementsUnder(database, keys), ({ row }) => row.trial);
  const shapes = shapesOf(
    database,
    [...measured.values()].flatMap((rows) => rows.map(({ row }) => row.id)),
  );
  const notes = correctionNotes(database);
  return keys.flatMap((key) => {
    const rows = made.get(key);
    if (!rows) return [];
    const evaluationRows = (evaluated.get(key) ?? []).map(({ row, machine }) => evaluationOf(row, machine, notes));
    const measurementRows = (measured.get(key) ?? []).map(({ row, machine }) =>
      measurementOf(row, machine, { notes, shapes: shapes.get(row.id) ?? [] }),
    );
    return [resultOf(rows, { notes, evaluations: evaluationRows, measurements: measurementRows })];
  });
}

type Made = ReturnType<typeof trialsUnder>[number];
type MachineColumns = typeof machines.$inferSelect;

function resultOf(
  rows: readonly Made[],
  { notes, ...belonging }: Pick<Result, 'evaluations' | 'measurements'> & { readonly notes: CorrectionNotes },
): Result {
  const [{ trial, run }] = rows as readonly [Made];
  return {
    key: trial.key,
    entry: slugOf(trial.method, trial.variant),
    method: trial.method,
    variant: trial.variant,
    family: trial.family,
    access: trial.access,
    costClass: costClassOf(trial.access),
    control: trial.control,
    params: JSON.parse(trial.params) as Record<string, unknown>,
    model: trial.model,
    modelRevision: trial.modelRevision,
    revision: trial.revision,
    methodSource: trial.methodSource,
    data: trial.dataset === null ? null : { dataset: trial.dataset, contentHash: trial.datasetContentHash ?? '' },
    seed: trial.seed,
    protocol: trial.protocol,
    command: commandOf({
      suite: run.suite,
      method: trial.method,
      variant: trial.variant,
      model: trial.model,
      seed: trial.seed,
      tasks: [...new Set(belonging.evaluations.map(({ task }) => task))],
    }),
    trials: rows.map(({ trial: row, run: own, machine, artifact }) => ({
      ...rowOf(row, machine, notes),
      commit: own.commit,
      notes: JSON.parse(row.notes) as string[],
      simulated: row.simulated,
      artifact: artifact && artifactOf(artifact),
      cost: costOf(row),
    })),
    ...belonging,
  };
}

/** The standing one first, then from new to old. */
function trialsUnder(database: StoreDatabase, keys: readonly string[]) {
  return database
    .select({ trial: trials, run: runs, machine: machines, artifact: artifacts })
    .from(trials)
    .innerJoin(runs, eq(trials.run, runs.id))
    .innerJoin(machines, eq(trials.machine, machines.fingerprint))
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(inArray(trials.key, [...keys]))
    .orderBy(desc(trials.effective), desc(trials.startedAt), asc(trials.id))
    .all();
}

function evaluationsUnder(database: StoreDatabase, keys: readonly string[]) {
  return database
    .select({ row: evaluations, machine: machines })
    .from(evaluations)
    .innerJoin(machines, eq(evaluations.machine, machines.fingerprint))
    .where(inArray(evaluations.trial, [...keys]))
    .orderBy(desc(evaluations.effective), asc(evaluations.task), desc(evaluations.startedAt), asc(evaluations.id))
    .all();
}

function measurementsUnder(database: StoreDatabase, keys: readonly string[]) {
  return database
    .select({ row: measurements, machine: machines })
    .from(measurements)
    .innerJoin(machines, eq(measurements.machine, machines.fingerprint))
    .where(inArray(measurements.trial, [...keys]))
    .orderBy(
      desc(measurements.effective),
      asc(measurements.runnerFingerprint),
      desc(measurements.startedAt),
      asc(measurements.id),
    )
    .all();
}

function shapesOf(database: StoreDatabase, ids: readonly number[]): ReadonlyMap<number, readonly LatencyColumns[]> {
  const found = database
    .select()
    .from(latencyShapes)
    .where(inArray(latencyShapes.measurement, among(ids)))
    .orderBy(asc(latencyShapes.measurement), asc(latencyShapes.ordinal))
    .all();
  return Map.groupBy(found, ({ measurement }) => measurement);
}

function evaluationOf(
  row: typeof evaluations.$inferSelect,
  machine: MachineColumns,
  notes: CorrectionNotes,
): Result['evaluations'][number] {
  return {
    ...rowOf(row, machine, notes),
    key: row.key,
    artifact: row.artifact,
    task: row.task,
    dataset: { dataset: row.dataset, contentHash: row.datasetContentHash },
    inSample: row.inSample,
    sessionOptions: JSON.parse(row.sessionOptions) as Result['evaluations'][number]['sessionOptions'],
    wallSeconds: row.wallSeconds,
    quality: row.status === 'completed' ? qualityOf(row) : null,
    distance: row.status === 'completed' ? distanceOf(row) : null,
  };
}

function measurementOf(
  row: typeof measurements.$inferSelect,
  machine: MachineColumns,
  { notes, shapes }: { readonly notes: CorrectionNotes; readonly shapes: readonly LatencyColumns[] },
): Result['measurements'][number] {
  return {
    ...rowOf(row, machine, notes),
    key: row.key,
    artifact: row.artifact,
    runner: { fingerprint: row.runnerFingerprint, provider: row.provider, device: deviceOf(row) },
    threads: row.threads,
    sessionOptions: JSON.parse(row.sessionOptions) as Result['measurements'][number]['sessionOptions'],
    wallSeconds: row.wallSeconds,
    latency: shapes.map(latencyOf),
    timing: timingOf(row),
    residentMemoryBytes: row.residentMemoryBytes,
    denseResidentMemoryBytes: row.denseResidentMemoryBytes,
    placement:
      row.placement === null ? null : (JSON.parse(row.placement) as Result['measurements'][number]['placement']),
    onDevice: deviceFiguresOf(row),
  };
}

type CorrectionNotes = ReadonlyMap<string, Result['trials'][number]['corrections']>;

/** All corrections, by key and run: they are written by people, so there are few. */
function correctionNotes(database: StoreDatabase): CorrectionNotes {
  const found = database
    .select()
    .from(corrections)
    .orderBy(asc(corrections.date), asc(corrections.action), asc(corrections.reason))
    .all();
  const places = Map.groupBy(found, placeOf);
  return new Map(
    [...places].map(([place, own]) => [place, own.map(({ action, reason, date }) => ({ action, reason, date }))]),
  );
}

function placeOf({ key, run }: { readonly key: string; readonly run: string }): string {
  return `${key} ${run}`;
}

type Row = Pick<typeof trials.$inferSelect, 'key' | 'effective' | 'run' | 'status' | 'reason' | 'startedAt'>;

function rowOf(row: Row, machine: MachineColumns, notes: CorrectionNotes) {
  return {
    effective: row.effective,
    run: row.run,
    status: row.status,
    reason: row.reason,
    startedAt: row.startedAt,
    machine: machineOf(machine),
    corrections: notes.get(placeOf(row)) ?? [],
  };
}

/** Characters that every shell takes as part of one word. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

function commandOf(of: {
  readonly suite: string;
  readonly method: string;
  readonly variant: string;
  readonly model: string;
  readonly seed: number;
  readonly tasks: readonly string[];
}): string | null {
  if (![of.suite, of.method, of.variant, of.model, ...of.tasks].every((word) => WORD.test(word))) return null;
  const tasks = of.tasks.length > 0 ? ` --tasks ${of.tasks.join(',')}` : '';
  return (
    `npm run shrinkrank -- run --suite ${of.suite} --models ${of.model} --methods ${of.method}/${of.variant}` +
    `${tasks} --seeds ${of.seed}`
  );
}
