/** Writes validated rows inside a transaction of the caller: record.ts commits each by itself, import.ts whole files. */
import { and, desc, eq, sql, type SQL } from 'drizzle-orm';
import { InputError } from '../harness/contracts/errors.ts';
import type { Artifact, EvaluationRow, MeasurementRow, RunRow, TrialRow } from '../harness/contracts/result.ts';
import type { Machine } from '../harness/contracts/runner.ts';
import { canonicalJson } from '../harness/contracts/canonical-json.ts';
import type { StoreDatabase } from './client.ts';
import {
  artifactColumns,
  evaluationColumns,
  latencyColumns,
  machineColumns,
  machineOf,
  measurementColumns,
  packItems,
  runColumns,
  runRow,
  trialColumns,
} from './row-columns.ts';
import {
  artifacts,
  corrections,
  evaluationItems,
  evaluations,
  latencyShapes,
  machines,
  measurements,
  runs,
  trials,
} from './schema.ts';

export type Transaction = Parameters<Parameters<StoreDatabase['transaction']>[0]>[0];
export type ResultTable = typeof trials | typeof evaluations | typeof measurements;
export type ResultRow = TrialRow | EvaluationRow | MeasurementRow;

/** `present`: a row of the same content is there, nothing was written. */
export type Inserted = 'recorded' | 'present';

export function insertResult(transaction: Transaction, row: ResultRow): Inserted {
  switch (row.kind) {
    case 'trial':
      return insertTrial(transaction, row);
    case 'evaluation':
      return insertEvaluation(transaction, row);
    case 'measurement':
      return insertMeasurement(transaction, row);
  }
}

/** A run is written when it starts and again when it is finished; nothing else of it may differ. Throws InputError. */
export function insertRun(transaction: Transaction, row: RunRow): Inserted {
  insertMachine(transaction, row.machine);
  const found = transaction
    .select()
    .from(runs)
    .innerJoin(machines, eq(runs.machine, machines.fingerprint))
    .where(eq(runs.id, row.id))
    .get();
  if (!found) {
    transaction.insert(runs).values(runColumns(row)).run();
    return 'recorded';
  }
  const known = runRow(found.runs, machineOf(found.machines));
  if (canonicalJson(known) === canonicalJson(row)) return 'present';
  if (canonicalJson(asStarted(known)) !== canonicalJson(asStarted(row))) {
    throw new InputError(`run "${row.id}" cannot be stored: another run has this id; ids are never used again`);
  }
  if (row.finishedAt === null) return 'present';
  if (known.finishedAt !== null) {
    throw new InputError(`run "${row.id}" cannot be stored: it was finished at ${known.finishedAt} with other figures`);
  }
  const { finishedAt, wallSeconds, overheadSeconds } = row;
  transaction.update(runs).set({ finishedAt, wallSeconds, overheadSeconds }).where(eq(runs.id, row.id)).run();
  return 'recorded';
}

function asStarted(row: RunRow): RunRow {
  return { ...row, finishedAt: null, wallSeconds: null, overheadSeconds: null };
}

function insertTrial(transaction: Transaction, row: TrialRow): Inserted {
  checkRun(transaction, row);
  insertMachine(transaction, row.machine);
  const artifact = row.status === 'completed' ? insertArtifact(transaction, row.artifact) : null;
  const { changes } = transaction.insert(trials).values(trialColumns(row, artifact)).onConflictDoNothing().run();
  if (changes === 0) return 'present';
  refreshEffective(transaction, trials, { key: row.key });
  return 'recorded';
}

function insertEvaluation(transaction: Transaction, row: EvaluationRow): Inserted {
  checkRun(transaction, row);
  insertMachine(transaction, row.machine);
  const { changes, lastInsertRowid } = transaction
    .insert(evaluations)
    .values(evaluationColumns(row))
    .onConflictDoNothing()
    .run();
  if (changes === 0) return 'present';
  if (row.status === 'completed') {
    const evaluation = Number(lastInsertRowid);
    transaction
      .insert(evaluationItems)
      .values({ evaluation, columns: packItems(row.outcomes) })
      .run();
  }
  refreshEffective(transaction, evaluations, row);
  return 'recorded';
}

function insertMeasurement(transaction: Transaction, row: MeasurementRow): Inserted {
  checkRun(transaction, row);
  insertMachine(transaction, row.runner.machine);
  const { changes, lastInsertRowid } = transaction
    .insert(measurements)
    .values(measurementColumns(row))
    .onConflictDoNothing()
    .run();
  if (changes === 0) return 'present';
  if (row.status === 'completed') {
    const measurement = Number(lastInsertRowid);
    for (const [ordinal, latency] of row.latency.entries()) {
      transaction.insert(latencyShapes).values(latencyColumns(latency, { measurement, ordinal })).run();
    }
  }
  refreshEffective(transaction, measurements, row);
  return 'recorded';
}

function insertMachine(transaction: Transaction, machine: Machine): void {
  transaction.insert(machines).values(machineColumns(machine)).onConflictDoNothing().run();
}

function insertArtifact(transaction: Transaction, artifact: Artifact): number {
  const columns = artifactColumns(artifact);
  transaction.insert(artifacts).values(columns).onConflictDoNothing().run();
  const found = transaction
    .select({ id: artifacts.id })
    .from(artifacts)
    .where(and(eq(artifacts.sha256, columns.sha256), eq(artifacts.digest, columns.digest)))
    .get();
  if (!found) throw new Error(`artifact ${artifact.sha256} is not there after it was inserted`);
  return found.id;
}

function checkRun(transaction: Transaction, row: ResultRow): void {
  if (transaction.select({ id: runs.id }).from(runs).where(eq(runs.id, row.run)).get()) return;
  throw new InputError(`${row.kind} "${row.key}" cannot be stored: no run "${row.run}"; record its run first`);
}

/** The rows a row competes with: those of its key, and of its artifact where it belongs to one. */
export interface Place {
  readonly key: string;
  readonly artifact?: string;
}

export function rowsAt(table: ResultTable, { key, artifact }: Place): SQL | undefined {
  if (table === trials || artifact === undefined) return eq(table.key, key);
  return and(eq(table.key, key), eq((table as typeof evaluations).artifact, artifact));
}

/** Marks the row that stands for its place: see schema.ts. */
export function refreshEffective(transaction: Transaction, table: ResultTable, place: Place): void {
  const standing = transaction
    .select({ id: table.id, effective: table.effective })
    .from(table)
    .where(
      and(
        rowsAt(table, place),
        sql`not exists (
          select 1 from ${corrections} where ${corrections.key} = ${table.key} and ${corrections.run} = ${table.run}
          and ${corrections.action} = 'withdraw'
        )`,
      ),
    )
    .orderBy(desc(sql`${table.status} = 'completed'`), desc(table.startedAt), desc(table.digest))
    .limit(1)
    .get();
  if (standing?.effective) return;
  transaction
    .update(table)
    .set({ effective: false })
    .where(and(rowsAt(table, place), sql`${table.effective} = 1`))
    .run();
  if (standing) transaction.update(table).set({ effective: true }).where(eq(table.id, standing.id)).run();
}
