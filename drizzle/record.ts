/**
 * Writes the rows of a run. Each call is one transaction, which is on disk when the call returns. Rows are validated
 * first; an invalid row is an InputError and nothing is written.
 */
import { and, eq, sql } from 'drizzle-orm';
import { InputError } from '../contracts/errors.ts';
import type { EvaluationRow, MeasurementRow, RunRow, TrialRow } from '../contracts/result.ts';
import type { Store } from './client.ts';
import { insertResult, insertRun, rowsAt, type Inserted, type ResultRow, type Transaction } from './insert.ts';
import { machineOf, runRow } from './row-columns.ts';
import { artifacts, evaluations, machines, measurements, runs, trials } from './schema.ts';
import { validateEvaluation, validateMeasurement, validateRun, validateTrial } from './validate.ts';

export interface RecordOptions {
  /**
   * True: a row may be added to a key with a failure, which it then replaces as standing (`run --retry-failed`); the
   * failure stays in the store. A key with a completed row accepts no more rows.
   */
  readonly retry?: boolean;
}

/** `present`: the key is already done; nothing was written. */
export type Recorded = Inserted;

/** Throws InputError when the id belongs to another run. */
export function recordRun(store: Store, run: RunRow): Recorded {
  const valid = validateRun(run);
  return write(store, (transaction) => insertRun(transaction, valid));
}

export type RunFinish = { readonly [K in 'finishedAt' | 'wallSeconds']: NonNullable<RunRow[K]> } & Pick<
  RunRow,
  'overheadSeconds'
>;

/** Throws InputError when the run does not exist or was finished with other figures. */
export function finishRun(store: Store, id: string, finish: RunFinish): Recorded {
  return write(store, (transaction) => {
    const found = transaction
      .select()
      .from(runs)
      .innerJoin(machines, eq(runs.machine, machines.fingerprint))
      .where(eq(runs.id, id))
      .get();
    if (!found) throw new InputError(`run "${id}" cannot be finished: the store has no such run; call recordRun first`);
    const { finishedAt, wallSeconds, overheadSeconds } = finish;
    const row = { ...runRow(found.runs, machineOf(found.machines)), finishedAt, wallSeconds, overheadSeconds };
    return insertRun(transaction, validateRun(row));
  });
}

export function recordTrial(store: Store, row: TrialRow, options: RecordOptions = {}): Recorded {
  return recordResult(store, validateTrial(row), options);
}

/** Throws InputError when the store holds no completed trial with this key and artifact. */
export function recordEvaluation(store: Store, row: EvaluationRow, options: RecordOptions = {}): Recorded {
  return recordResult(store, validateEvaluation(row), options);
}

/** Throws InputError when the store holds no completed trial with this key and artifact. */
export function recordMeasurement(store: Store, row: MeasurementRow, options: RecordOptions = {}): Recorded {
  return recordResult(store, validateMeasurement(row), options);
}

const TABLES = { trial: trials, evaluation: evaluations, measurement: measurements } as const;

function recordResult(store: Store, row: ResultRow, { retry = false }: RecordOptions): Recorded {
  return write(store, (transaction) => {
    const status = effectiveStatus(transaction, row);
    if (status !== undefined && (status === 'completed' || !retry)) return 'present';
    if (row.kind !== 'trial') checkTrial(transaction, row);
    return insertResult(transaction, row);
  });
}

function effectiveStatus(transaction: Transaction, row: ResultRow): string | undefined {
  const table = TABLES[row.kind];
  const place = row.kind === 'trial' ? { key: row.key } : { key: row.key, artifact: row.artifact };
  return transaction
    .select({ status: table.status })
    .from(table)
    .where(and(rowsAt(table, place), sql`${table.effective} = 1`))
    .get()?.status;
}

function checkTrial(transaction: Transaction, row: Exclude<ResultRow, { kind: 'trial' }>): void {
  const found = transaction
    .select({ id: trials.id })
    .from(trials)
    .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(and(eq(trials.key, row.trial), eq(artifacts.sha256, row.artifact)))
    .get();
  if (found) return;
  throw new InputError(
    `${row.kind} "${row.key}" cannot be stored: trial ${row.trial} with artifact ${row.artifact} is not in the store; ` +
      `record the completed trial first`,
  );
}

/** Immediate: takes the write lock at the start, so that what was read is still valid when writing. */
function write<T>(store: Store, body: (transaction: Transaction) => T): T {
  return store.database.transaction(body, { behavior: 'immediate' });
}
