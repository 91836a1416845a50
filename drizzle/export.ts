/**
 * Rows as JSON Lines, the format in which results are published: canonical JSON, one row per line, runs in order of
 * time, each run's own line first. Equal rows give equal bytes.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { asc, eq, gte, sql } from 'drizzle-orm';
import { canonicalJson } from '../contracts/canonical-json.ts';
import { InputError, IntegrityError } from '../contracts/errors.ts';
import type { Row } from '../contracts/result.ts';
import type { Store, StoreDatabase } from './client.ts';
import type { ResultTable } from './insert.ts';
import { readEvaluations, readMeasurements, readRun, readTrials, type Stored } from './read-rows.ts';
import { evaluations, latencyShapes, measurements, runs, trials } from './schema.ts';

export interface ExportChoice {
  /** Id of one run. */
  readonly run?: string;
  /** Runs started at or after this time, in the format of Date.toISOString. */
  readonly since?: string;
}

/** All rows of the chosen runs, including superseded and withdrawn ones; default: all runs. */
export function* exportRows({ database }: Store, { run, since }: ExportChoice = {}): Generator<Row> {
  const chosen = database
    .select({ id: runs.id })
    .from(runs)
    .where(run !== undefined ? eq(runs.id, run) : since !== undefined ? gte(runs.startedAt, since) : undefined)
    .orderBy(asc(runs.startedAt), asc(runs.id))
    .all();
  if (run !== undefined && chosen.length === 0) throw new InputError(`run "${run}": the store holds no such run`);
  for (const { id } of chosen) {
    const row = readRun(database, id);
    if (!row) throw new IntegrityError(`run "${id}" is listed but cannot be read; the store is damaged`);
    yield row;
    yield* rowsOfRun(database, { run: id, table: trials, read: readTrials });
    yield* rowsOfRun(database, { run: id, table: evaluations, read: readEvaluations });
    yield* rowsOfRun(database, { run: id, table: measurements, read: readMeasurements });
  }
}

/** Number of rows with unpacked items and samples held in memory at once. */
const ROWS_AT_ONCE = 256;

interface RunTable<T> {
  readonly run: string;
  readonly table: ResultTable;
  readonly read: (database: StoreDatabase, ids: readonly number[]) => readonly Stored<T>[];
}

function* rowsOfRun<T>(database: StoreDatabase, { run, table, read }: RunTable<T>): Generator<T> {
  const ids = database
    .select({ id: table.id })
    .from(table)
    .where(eq(table.run, run))
    .orderBy(asc(table.startedAt), asc(table.digest))
    .all()
    .map(({ id }) => id);
  for (let start = 0; start < ids.length; start += ROWS_AT_ONCE) {
    for (const { row } of read(database, ids.slice(start, start + ROWS_AT_ONCE))) yield row;
  }
}

/** One line of a file of results, newline included. */
export function lineOf(row: Row): string {
  return `${canonicalJson(row)}\n`;
}

export interface ExportedFile {
  readonly path: string;
  /** `present`: the file already contained exactly these rows. */
  readonly outcome: 'written' | 'present';
  readonly rows: number;
  readonly sizeBytes: number;
}

/** A run's id is the name of its file. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** Write buffer: small compared with a file, large compared with a line. */
const WRITE_CHUNK_CHARACTERS = 1 << 20;

/** Largest share of noisy timings per shape in a run. */
const MOST_NOISY = 0.2;

export interface ExportRunOptions {
  /** Export a run even if more timings are noisy. */
  readonly allowNoisy?: boolean;
}

/**
 * Writes `<folder>/<run>.jsonl`. Published files do not change: throws InputError when the file exists with other
 * content, and for a new file with too many noisy timings.
 */
export function exportRun(
  store: Store,
  run: string,
  folder: string,
  { allowNoisy = false }: ExportRunOptions = {},
): ExportedFile {
  if (!FILE_NAME.test(run))
    throw new InputError(`run "${run}": its id cannot name a file; expected letters, digits, . _ -`);
  const path = join(folder, `${run}.jsonl`);
  if (!allowNoisy && !existsSync(path)) refuseNoisy(store, run);
  mkdirSync(folder, { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  try {
    const { rows, sizeBytes } = writeLines(draft, exportRows(store, { run }));
    if (!existsSync(path)) {
      renameSync(draft, path);
      return { path, outcome: 'written', rows, sizeBytes };
    }
    if (readFileSync(path).equals(readFileSync(draft))) return { path, outcome: 'present', rows, sizeBytes };
    throw new InputError(
      `${path}: holds other rows than the store has of run "${run}"; published files are not changed: ` +
        `export to another folder, or correct single rows in results/corrections.jsonl`,
    );
  } finally {
    rmSync(draft, { force: true });
  }
}

function refuseNoisy({ database }: Store, run: string): void {
  const { noisy, all } = database
    .select({ noisy: sql<number>`coalesce(sum(${latencyShapes.noisy}), 0)`, all: sql<number>`count(*)` })
    .from(latencyShapes)
    .innerJoin(measurements, eq(measurements.id, latencyShapes.measurement))
    .where(eq(measurements.run, run))
    .get() ?? { noisy: 0, all: 0 };
  if (noisy <= MOST_NOISY * all) return;
  throw new InputError(
    `run "${run}": ${noisy} of its ${all} timings are noisy, and at most ${100 * MOST_NOISY} % may be; measure it again on a ` +
      'quiet machine, or export it as it is with --allow-noisy',
  );
}

function writeLines(path: string, rows: Iterable<Row>): { readonly rows: number; readonly sizeBytes: number } {
  const file = openSync(path, 'w');
  let [count, sizeBytes, pending] = [0, 0, ''];
  try {
    for (const row of rows) {
      pending += lineOf(row);
      count += 1;
      if (pending.length < WRITE_CHUNK_CHARACTERS) continue;
      sizeBytes += writeSync(file, pending);
      pending = '';
    }
    sizeBytes += writeSync(file, pending);
  } finally {
    closeSync(file);
  }
  return { rows: count, sizeBytes };
}
