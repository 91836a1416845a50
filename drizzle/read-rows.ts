/** Reads whole rows, exactly as they were recorded. */
import { eq, inArray, sql, type SQL } from 'drizzle-orm';
import { IntegrityError } from '../contracts/errors.ts';
import type { EvaluationRow, MeasurementRow, RunRow, TrialRow } from '../contracts/result.ts';
import type { StoreDatabase } from './client.ts';
import {
  artifactOf,
  evaluationRow,
  machineOf,
  measurementRow,
  runRow,
  trialRow,
  type LatencyColumns,
} from './row-columns.ts';
import {
  artifacts,
  evaluationItems,
  evaluations,
  latencyShapes,
  machines,
  measurements,
  runs,
  trials,
} from './schema.ts';

/** A set of numbers as one bound value, which avoids the limit on the number of parameters. */
export function among(numbers: readonly number[]): SQL {
  return sql`(select value from json_each(${JSON.stringify(numbers)}))`;
}

/** The store's data about a row besides its content. */
export interface Stored<T> {
  readonly id: number;
  readonly effective: boolean;
  readonly row: T;
}

export function readRun(database: StoreDatabase, id: string): RunRow | undefined {
  const found = database
    .select()
    .from(runs)
    .innerJoin(machines, eq(runs.machine, machines.fingerprint))
    .where(eq(runs.id, id))
    .get();
  return found && runRow(found.runs, machineOf(found.machines));
}

/** In the order of `ids`. */
export function readTrials(database: StoreDatabase, ids: readonly number[]): readonly Stored<TrialRow>[] {
  const found = database
    .select()
    .from(trials)
    .innerJoin(machines, eq(trials.machine, machines.fingerprint))
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(inArray(trials.id, among(ids)))
    .all();
  const stored = found.map(({ trials: columns, machines: machine, artifacts: artifact }) => ({
    id: columns.id,
    effective: columns.effective,
    row: trialRow(columns, machineOf(machine), artifact && artifactOf(artifact)),
  }));
  return inOrder(ids, stored);
}

/** In the order of `ids`. */
export function readEvaluations(database: StoreDatabase, ids: readonly number[]): readonly Stored<EvaluationRow>[] {
  const found = database
    .select()
    .from(evaluations)
    .innerJoin(machines, eq(evaluations.machine, machines.fingerprint))
    .leftJoin(evaluationItems, eq(evaluationItems.evaluation, evaluations.id))
    .where(inArray(evaluations.id, among(ids)))
    .all();
  const stored = found.map(({ evaluations: columns, machines: machine, evaluation_items: items }) => ({
    id: columns.id,
    effective: columns.effective,
    row: evaluationRow(columns, machineOf(machine), items && items.columns),
  }));
  return inOrder(ids, stored);
}

/** In the order of `ids`. */
export function readMeasurements(database: StoreDatabase, ids: readonly number[]): readonly Stored<MeasurementRow>[] {
  const shapes = new Map<number, LatencyColumns[]>(ids.map((id) => [id, []]));
  const latency = database
    .select()
    .from(latencyShapes)
    .where(inArray(latencyShapes.measurement, among(ids)))
    .orderBy(latencyShapes.measurement, latencyShapes.ordinal);
  for (const columns of latency.all()) shapes.get(columns.measurement)?.push(columns);
  const found = database
    .select()
    .from(measurements)
    .innerJoin(machines, eq(measurements.machine, machines.fingerprint))
    .where(inArray(measurements.id, among(ids)))
    .all();
  const stored = found.map(({ measurements: columns, machines: machine }) => ({
    id: columns.id,
    effective: columns.effective,
    row: measurementRow(columns, machineOf(machine), shapes.get(columns.id) ?? []),
  }));
  return inOrder(ids, stored);
}

function inOrder<T extends { readonly id: number }>(ids: readonly number[], found: readonly T[]): readonly T[] {
  const byId = new Map(found.map((entry) => [entry.id, entry]));
  return ids.map((id) => {
    const entry = byId.get(id);
    if (!entry) throw new IntegrityError(`store: row ${id} is listed but cannot be read; the store is damaged`);
    return entry;
  });
}
