/** Writes validated rows within the caller's transaction: record.ts commits each row, import.ts whole files. */
import { and, desc, eq, getTableColumns, sql, type SQL } from 'drizzle-orm';
import type { SQLiteTable } from 'drizzle-orm/sqlite-core';
import { InputError } from '../contracts/errors.ts';
import type { Artifact, EvaluationRow, MeasurementRow, RunRow, TrialRow } from '../contracts/result.ts';
import type { Machine } from '../contracts/runner.ts';
import { canonicalJson } from '../contracts/canonical-json.ts';
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

/** `present`: an identical row exists; nothing was written. */
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

/** A run is written when it starts and again when it finishes; nothing else may differ. Throws InputError. */
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
  const { changes } = preparedOf(transaction).insert(trials, trialColumns(row, artifact));
  if (changes === 0) return 'present';
  refreshEffective(transaction, trials, { key: row.key });
  return 'recorded';
}

function insertEvaluation(transaction: Transaction, row: EvaluationRow): Inserted {
  checkRun(transaction, row);
  insertMachine(transaction, row.machine);
  const { changes, lastInsertRowid } = preparedOf(transaction).insert(evaluations, evaluationColumns(row));
  if (changes === 0) return 'present';
  if (row.status === 'completed') {
    const evaluation = Number(lastInsertRowid);
    preparedOf(transaction).insert(evaluationItems, { evaluation, columns: packItems(row.outcomes) });
  }
  refreshEffective(transaction, evaluations, row);
  return 'recorded';
}

function insertMeasurement(transaction: Transaction, row: MeasurementRow): Inserted {
  checkRun(transaction, row);
  insertMachine(transaction, row.runner.machine);
  const { changes, lastInsertRowid } = preparedOf(transaction).insert(measurements, measurementColumns(row));
  if (changes === 0) return 'present';
  if (row.status === 'completed') {
    const measurement = Number(lastInsertRowid);
    for (const [ordinal, latency] of row.latency.entries()) {
      preparedOf(transaction).insert(latencyShapes, latencyColumns(latency, { measurement, ordinal }));
    }
  }
  refreshEffective(transaction, measurements, row);
  return 'recorded';
}

function insertMachine(transaction: Transaction, machine: Machine): void {
  const columns = machineColumns(machine);
  const { insert, machines: known } = preparedOf(transaction);
  if (known.has(columns.fingerprint)) return;
  insert(machines, columns);
  known.add(columns.fingerprint);
}

function insertArtifact(transaction: Transaction, artifact: Artifact): number {
  const columns = artifactColumns(artifact);
  const { changes, lastInsertRowid } = preparedOf(transaction).insert(artifacts, columns);
  if (changes === 1) return Number(lastInsertRowid);
  const found = transaction
    .select({ id: artifacts.id })
    .from(artifacts)
    .where(and(eq(artifacts.sha256, columns.sha256), eq(artifacts.digest, columns.digest)))
    .get();
  if (!found) throw new Error(`artifact ${artifact.sha256} is missing after it was inserted`);
  return found.id;
}

function checkRun(transaction: Transaction, row: ResultRow): void {
  const { runs: known } = preparedOf(transaction);
  if (known.has(row.run)) return;
  if (transaction.select({ id: runs.id }).from(runs).where(eq(runs.id, row.run)).get()) {
    known.add(row.run);
    return;
  }
  throw new InputError(`${row.kind} "${row.key}" cannot be stored: no run "${row.run}"; record its run first`);
}

/** The rows that compete with a row: those with its key and, where it has one, its artifact. */
export interface Place {
  readonly key: string;
  readonly artifact?: string;
}

export function rowsAt(table: ResultTable, { key, artifact }: Place): SQL | undefined {
  if (table === trials || artifact === undefined) return eq(table.key, key);
  return and(eq(table.key, key), eq((table as typeof evaluations).artifact, artifact));
}

/** Marks the standing row of a key: see schema.ts. */
export function refreshEffective(transaction: Transaction, table: ResultTable, place: Place): void {
  const { standing, unmark, mark } = preparedOf(transaction).marking(table, place.artifact !== undefined);
  const values = {
    key: Buffer.from(place.key, 'hex'), // a placeholder takes what the driver takes
    ...(place.artifact !== undefined && { artifact: Buffer.from(place.artifact, 'hex') }),
  };
  const found = standing.get(values);
  if (found?.effective) return;
  unmark.run(values);
  if (found) mark.run({ id: found.id });
}

interface Prepared {
  /** Writes a row unless it exists; columns not given are null, except those the store itself fills. */
  insert(table: SQLiteTable, values: object): { readonly changes: number; readonly lastInsertRowid: number | bigint };
  marking(table: ResultTable, byArtifact: boolean): ReturnType<typeof prepareMarking>;
  /** Rows seen in this transaction, which are therefore in the store. */
  readonly runs: Set<string>;
  readonly machines: Set<string>;
}

/** An import writes a whole file in one transaction: its statements are prepared once, not once per row. */
const prepared = new WeakMap<Transaction, Prepared>();

function preparedOf(transaction: Transaction): Prepared {
  const known = prepared.get(transaction);
  if (known) return known;
  const inserts = new Map<SQLiteTable, ReturnType<typeof prepareInsert>>();
  const markings = new Map<string, ReturnType<typeof prepareMarking>>();
  const made: Prepared = {
    insert(table, values) {
      const insert = inserts.get(table) ?? prepareInsert(transaction, table);
      inserts.set(table, insert);
      return insert(values as Readonly<Record<string, unknown>>);
    },
    marking(table, byArtifact) {
      const name = `${table === trials ? 'trials' : table === evaluations ? 'evaluations' : 'measurements'} ${byArtifact}`;
      const marking = markings.get(name) ?? prepareMarking(transaction, table, byArtifact);
      markings.set(name, marking);
      return marking;
    },
    runs: new Set(),
    machines: new Set(),
  };
  prepared.set(transaction, made);
  return made;
}

/** Columns that rows do not contain. */
const OWN_COLUMNS = new Set(['id', 'effective']);

function prepareInsert(transaction: Transaction, table: SQLiteTable) {
  const columns = getTableColumns(table);
  const names = Object.keys(columns).filter((name) => !OWN_COLUMNS.has(name));
  const placeholders = Object.fromEntries(names.map((name) => [name, sql`${sql.placeholder(name)}`]));
  const statement = transaction
    .insert(table)
    .values(placeholders as never)
    .onConflictDoNothing()
    .prepare();
  const encoded = (name: string, value: unknown): unknown =>
    value === null || value === undefined ? null : (columns[name]?.mapToDriverValue(value) ?? null);
  return (values: Readonly<Record<string, unknown>>) =>
    statement.run(Object.fromEntries(names.map((name) => [name, encoded(name, values[name])])));
}

function prepareMarking(transaction: Transaction, table: ResultTable, byArtifact: boolean) {
  const place = and(
    sql`${table.key} = ${sql.placeholder('key')}`,
    byArtifact && table !== trials
      ? sql`${(table as typeof evaluations).artifact} = ${sql.placeholder('artifact')}`
      : undefined,
  );
  const standing = transaction
    .select({ id: table.id, effective: table.effective })
    .from(table)
    .where(
      and(
        place,
        sql`not exists (
          select 1 from ${corrections} where ${corrections.key} = ${table.key} and ${corrections.run} = ${table.run}
          and ${corrections.action} = 'withdraw'
        )`,
      ),
    )
    .orderBy(
      desc(sql`${table.status} = 'completed'`),
      ...(table === measurements ? unsteadiness() : []),
      desc(table.startedAt),
      desc(table.digest),
    )
    .limit(1)
    .prepare();
  const unmark = transaction
    .update(table)
    .set({ effective: false })
    .where(and(place, sql`${table.effective} = 1`))
    .prepare();
  const mark = transaction
    .update(table)
    .set({ effective: true })
    .where(sql`${table.id} = ${sql.placeholder('id')}`)
    .prepare();
  return { standing, unmark, mark };
}

/** Number of noisy shapes, then the widths of the speed-up intervals; ascending. */
function unsteadiness(): SQL[] {
  const over = (figure: SQL) =>
    sql`coalesce((select ${figure} from ${latencyShapes} where ${latencyShapes.measurement} = ${measurements.id}), 0)`;
  return [
    over(sql`sum(${latencyShapes.noisy})`),
    over(sql`avg(${latencyShapes.speedUpHigh} / ${latencyShapes.speedUpLow})`),
  ];
}
