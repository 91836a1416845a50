/**
 * Opens the store: one SQLite file through better-sqlite3, with a write-ahead log; every commit is synced to disk.
 * Applies the migrations of drizzle/migrations on opening. Readers need write permission on the folder too, because the
 * log is beside the file.
 */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { InputError, IntegrityError } from '../contracts/errors.ts';
import * as schema from './schema.ts';

export type StoreDatabase = BetterSQLite3Database<typeof schema> & { readonly $client: Database.Database };

export interface Store {
  readonly path: string;
  readonly database: StoreDatabase;
  close(): void;
}

export interface OpenStoreOptions {
  /** If false, a missing store is an InputError instead of being created. */
  readonly create?: boolean;
  /** Receives every statement with its values as it runs. */
  readonly onStatement?: (statement: string) => void;
}

const MIGRATIONS_FOLDER = join(import.meta.dirname, 'migrations');
/** Long enough to wait for another process's transaction, including the import of a large file. */
const BUSY_TIMEOUT_MS = 30_000;
/** Page size of a new file: packed items are about 2 kB, and a page of 4 kB would hold only one. */
const PAGE_BYTES = 8192;
/** Cache size: keys are hashes, so inserts and look-ups hit random index pages, which should stay in memory. */
const CACHE_KIB = 64 * 1024;
const SQLITE_HEADER = 'SQLite format 3\0';

export function openStore(path: string, { create = true, onStatement }: OpenStoreOptions = {}): Store {
  checkFile(path, create);
  let client: Database.Database | undefined;
  try {
    client = new Database(path, {
      timeout: BUSY_TIMEOUT_MS,
      ...(onStatement && { verbose: (statement: unknown) => onStatement(String(statement)) }),
    });
    refuseForeign(path, client);
    client.pragma(`page_size = ${PAGE_BYTES}`);
    client.pragma('journal_mode = WAL');
    client.pragma('synchronous = FULL');
    client.pragma('foreign_keys = ON');
    client.pragma(`cache_size = -${CACHE_KIB}`);
    const database = drizzle(client, { schema });
    applyMigrations(path, database);
    const opened = client;
    return { path, database, close: () => void opened.close() };
  } catch (error) {
    client?.close();
    throw explain(path, error);
  }
}

function checkFile(path: string, create: boolean): void {
  if (path === ':memory:') throw new InputError('store: a store is a file, got ":memory:"; name a path');
  if (!existsSync(path)) {
    if (!create)
      throw new InputError(`store ${path}: no such file; run or import something first, or name another store`);
    try {
      makeFolder(dirname(path));
    } catch (error) {
      throw new InputError(`store ${path}: cannot make its folder; name a path you may write to`, { cause: error });
    }
    return;
  }
  if (statSync(path).isDirectory()) throw new InputError(`store ${path}: is a folder; name a file inside it`);
}

/** mkdirSync's `recursive` never returns where a parent folder cannot be created, as in /proc. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}

/** Setting the journal mode changes the file, so a file that is not a ShrinkRank store is refused first. */
function refuseForeign(path: string, client: Database.Database): void {
  const tables = client.prepare(`select name from sqlite_master where type = 'table'`).pluck().all();
  if (tables.length === 0) return;
  if (!tables.includes('__drizzle_migrations')) {
    throw new InputError(`store ${path}: an SQLite database, but not a ShrinkRank store; name another file`);
  }
  const known = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
  const hashes = new Set(known.map((migration) => migration.hash));
  const newest = known.at(-1)?.folderMillis ?? 0;
  for (const { hash, created } of appliedMigrations(client)) {
    if (hashes.has(hash)) continue;
    throw created > newest
      ? new InputError(
          `store ${path}: written by a newer ShrinkRank (schema of ${isoDay(created)}, expected at most ` +
            `${isoDay(newest)}); update ShrinkRank or name another store`,
        )
      : new IntegrityError(
          `store ${path}: has a migration of ${isoDay(created)} that drizzle/migrations does not hold; ` +
            `it was made by another line of the project: export it there and import the rows into a new store`,
        );
  }
}

function appliedMigrations(client: Database.Database): readonly { readonly hash: string; readonly created: number }[] {
  return client
    .prepare<[], { hash: string; created: number }>(
      `select hash, cast(created_at as integer) as created from __drizzle_migrations`,
    )
    .all();
}

function isoDay(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}

/** Two processes may open a new store at the same time: the second fails on tables that the first has created. */
function applyMigrations(path: string, database: StoreDatabase): void {
  try {
    migrate(database, { migrationsFolder: MIGRATIONS_FOLDER });
  } catch (error) {
    const known = readMigrationFiles({ migrationsFolder: MIGRATIONS_FOLDER });
    refuseForeign(path, database.$client);
    if (appliedMigrations(database.$client).length < known.length) throw error;
  }
}

function explain(path: string, error: unknown): unknown {
  const code = sqliteCode(error);
  if (code === undefined) return error;
  if (code === 'SQLITE_NOTADB') {
    return existsSync(path) && readFileSync(path).subarray(0, 16).toString('latin1') === SQLITE_HEADER
      ? new IntegrityError(`store ${path}: damaged; restore it or import results/ into a new one`, { cause: error })
      : new InputError(`store ${path}: not an SQLite database; name another file`, { cause: error });
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return new IntegrityError(
      `store ${path}: damaged (${String(error)}); restore it or import results/ into a new one`,
      {
        cause: error,
      },
    );
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_PERM')) {
    return new InputError(
      `store ${path}: cannot be opened for writing (${String(error)}); reading needs it as well: ` +
        `give write permission on the file and its folder, or copy it elsewhere`,
      { cause: error },
    );
  }
  if (code.startsWith('SQLITE_BUSY')) {
    return new InputError(
      `store ${path}: locked by another process for more than ${BUSY_TIMEOUT_MS / 1000} s; wait for it to end`,
      { cause: error },
    );
  }
  return error;
}

/** The code of an SQLite error, also when drizzle has wrapped it. */
function sqliteCode(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof Database.SqliteError) return cause.code;
  }
  return undefined;
}
