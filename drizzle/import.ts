/**
 * Reads files of results into a store. A file is imported as a whole or not at all; rows already in the store are
 * skipped, so importing twice changes nothing. Errors name file and line.
 */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { and, eq, notExists, sql } from 'drizzle-orm';
import { BenchError, InputError } from '../contracts/errors.ts';
import type { Store } from './client.ts';
import { insertCorrection, validateCorrection } from './correction.ts';
import type { Row } from '../contracts/result.ts';
import { insertResult, insertRun, type Inserted, type Transaction } from './insert.ts';
import { artifacts, evaluations, measurements, trials } from './schema.ts';
import { validateRow } from './validate.ts';

export interface ImportSummary {
  readonly recorded: number;
  readonly present: number;
}

export interface ImportSource {
  /** Name of the lines in errors: the path of their file. */
  readonly where: string;
  /** Throws InputError for a row that contradicts itself. Not needed for rows of this machine's own stores. */
  readonly check?: RowCheck;
}

export type RowCheck = (row: Row) => void;

/** Lines are untrusted; a row of 100,000 items takes about 10 MB. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Throws InputError for a line that is not a valid row or contradicts the store. */
export function importRows(store: Store, lines: Iterable<string>, { where, check }: ImportSource): ImportSummary {
  return importLines(store, lines, {
    where,
    insert(transaction, value) {
      const row = validateRow(value);
      check?.(row);
      return row.kind === 'run' ? insertRun(transaction, row) : insertResult(transaction, row);
    },
  });
}

/** Corrections apply to rows imported before and after them. */
export function importCorrections(store: Store, lines: Iterable<string>, { where }: ImportSource): ImportSummary {
  return importLines(store, lines, {
    where,
    insert: (transaction, value) => insertCorrection(transaction, validateCorrection(value)),
  });
}

export interface FolderSummary extends ImportSummary {
  readonly files: number;
  /** Keys of trials that imported rows refer to but no file contains with that artifact: files are missing. */
  readonly missingTrials: readonly string[];
}

export const CORRECTIONS_FILE = 'corrections.jsonl';

/** Every *.jsonl of a folder in order of name; corrections.jsonl is read as corrections. */
export function importResults(store: Store, folder: string, check?: RowCheck): FolderSummary {
  let names: readonly string[];
  try {
    names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'));
  } catch (error) {
    throw new InputError(`${folder}: cannot be listed; name a folder of *.jsonl files`, { cause: error });
  }
  const summaries = names.toSorted().map((name) => importFile(store, join(folder, name), check));
  return {
    files: names.length,
    recorded: summaries.reduce((sum, { recorded }) => sum + recorded, 0),
    present: summaries.reduce((sum, { present }) => sum + present, 0),
    missingTrials: missingTrials(store),
  };
}

/** One file of corrections or of rows, according to its name. */
export function importFile(store: Store, path: string, check?: RowCheck): ImportSummary {
  const lines = linesOf(path);
  if (path.endsWith(CORRECTIONS_FILE)) return importCorrections(store, lines, { where: path });
  return importRows(store, lines, { where: path, ...(check && { check }) });
}

/** Synchronous, as transactions of better-sqlite3 are; a file of any size is read in chunks. */
export function* linesOf(path: string): Generator<string> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw new InputError(`${path}: cannot be read (${String(error)}); name a file of results`, { cause: error });
  }
  try {
    const chunk = Buffer.alloc(1 << 20);
    let pending: Buffer[] = [];
    let pendingBytes = 0;
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1 && end < read; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8');
        [pending, pendingBytes] = [[], 0];
        start = end + 1;
      }
      pending.push(Buffer.from(chunk.subarray(start, read)));
      pendingBytes += read - start;
      if (pendingBytes > MAX_LINE_BYTES) {
        throw new InputError(
          `${path}: has a line longer than ${MAX_LINE_BYTES} bytes, the limit of a row; check that it is a file of results`,
        );
      }
    }
    if (pendingBytes > 0) yield Buffer.concat(pending).toString('utf8');
  } finally {
    closeSync(file);
  }
}

interface LineImport extends ImportSource {
  readonly insert: (transaction: Transaction, value: unknown) => Inserted;
}

function importLines(store: Store, lines: Iterable<string>, { where, insert }: LineImport): ImportSummary {
  return store.database.transaction(
    (transaction) => {
      const counts = { recorded: 0, present: 0 };
      let number = 0;
      for (const line of lines) {
        number += 1;
        if (line.trim() === '') continue;
        try {
          counts[insert(transaction, parse(line))] += 1;
        } catch (error) {
          throw at(`${where}:${number}`, error);
        }
      }
      return counts;
    },
    { behavior: 'immediate' },
  );
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line) as unknown;
  } catch (error) {
    throw new InputError(`not JSON (${error instanceof Error ? error.message : String(error)}); expected one row`, {
      cause: error,
    });
  }
}

function at(place: string, error: unknown): unknown {
  if (!(error instanceof BenchError)) return error;
  return new InputError(`${place}: ${error.message}; nothing of this file was imported`, { cause: error });
}

/** A full scan of the two tables by index; once per folder. */
function missingTrials({ database }: Store): readonly string[] {
  const missing = [evaluations, measurements].flatMap((table) => {
    const held = database
      .select({ one: sql`1` })
      .from(trials)
      .innerJoin(artifacts, eq(trials.artifact, artifacts.id))
      .where(and(eq(trials.key, table.trial), eq(artifacts.sha256, table.artifact)));
    return database.selectDistinct({ trial: table.trial }).from(table).where(notExists(held)).all();
  });
  return [...new Set(missing.map(({ trial }) => trial))].sort();
}
