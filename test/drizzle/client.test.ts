import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openStore, type Store } from '../../drizzle/client.ts';
import { exportRows } from '../../drizzle/export.ts';
import { recordRun } from '../../drizzle/record.ts';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import { runOf } from '../support/rows.ts';
import { temporaryFolder, temporaryStore } from '../support/store.ts';

function opened(path: string): Store {
  const store = openStore(path);
  onTestFinished(() => store.close());
  return store;
}

function errorOf(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, got none');
}

/** A closed store with one run in it. */
function storeFile(): string {
  const path = join(temporaryFolder(), 'store.sqlite');
  const store = openStore(path);
  recordRun(store, runOf());
  store.close();
  return path;
}

describe('openStore', () => {
  it('creates the folder and the tables, and sets the pragmas that durability needs', () => {
    const store = opened(join(temporaryFolder(), 'a', 'b', 'store.sqlite'));
    const { $client } = store.database;
    expect($client.pragma('journal_mode', { simple: true })).toBe('wal');
    expect($client.pragma('synchronous', { simple: true })).toBe(2);
    expect($client.pragma('foreign_keys', { simple: true })).toBe(1);
    expect($client.pragma('busy_timeout', { simple: true })).toBe(30_000);
    expect($client.pragma('integrity_check', { simple: true })).toBe('ok');
  });

  it('opens a store again, also beside another that is open', () => {
    const path = storeFile();
    const [first, second] = [opened(path), opened(path)];
    recordRun(first, runOf({ id: 'run-2' }));
    expect([...exportRows(second)]).toHaveLength(2);
  });

  it('refuses a missing file when it may not create one', () => {
    const path = join(temporaryFolder(), 'none.sqlite');
    const error = errorOf(() => openStore(path, { create: false }));
    expect(error).toBeInstanceOf(InputError);
    expect(String(error)).toContain('no such file');
    expect(existsSync(path)).toBe(false);
  });

  it('refuses a file that is not a ShrinkRank store and does not change it', () => {
    const folder = temporaryFolder();
    const text = join(folder, 'notes.txt');
    writeFileSync(text, 'These are notes. '.repeat(100));
    expect(String(errorOf(() => openStore(text)))).toContain('not an SQLite database');
    const foreign = join(folder, 'foreign.sqlite');
    const database = new Database(foreign);
    database.exec('create table birds (name text)');
    database.close();
    const before = readFileSync(foreign);
    expect(String(errorOf(() => openStore(foreign)))).toContain('not a ShrinkRank store');
    expect(readFileSync(foreign)).toEqual(before);
    expect(readFileSync(text, 'utf8')).toContain('These are notes.');
    expect(String(errorOf(() => openStore(folder)))).toContain('is a folder');
  });

  it('refuses a store of a newer schema, and one with unknown migrations', () => {
    const path = storeFile();
    const database = new Database(path);
    database.prepare(`insert into __drizzle_migrations (hash, created_at) values ('f00', ?)`).run(4e12);
    const newer = errorOf(() => openStore(path));
    expect(newer).toBeInstanceOf(InputError);
    expect(String(newer)).toContain('written by a newer ShrinkRank');
    database.prepare(`update __drizzle_migrations set created_at = 5 where hash = 'f00'`).run();
    database.close();
    const other = errorOf(() => openStore(path));
    expect(other).toBeInstanceOf(IntegrityError);
    expect(String(other)).toContain('another line of the project');
  });

  it('reports a damaged file as damaged', () => {
    const path = storeFile();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0xa5, 100, 8192));
    const error = errorOf(() => openStore(path));
    expect(error).toBeInstanceOf(IntegrityError);
    expect(String(error)).toContain('damaged');
  });

  it.skipIf(process.getuid?.() === 0)('says that it must be able to write (root may write everywhere)', () => {
    const path = storeFile();
    const folder = join(path, '..');
    chmodSync(path, 0o444);
    chmodSync(folder, 0o555);
    onTestFinished(() => chmodSync(folder, 0o755));
    expect(String(errorOf(() => openStore(path)))).toContain('cannot be opened for writing');
    expect(String(errorOf(() => openStore(join(folder, 'new', 'store.sqlite'))))).toContain('cannot make its folder');
  });

  it('says so when its folder cannot be made', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'x'));
    writeFileSync(join(folder, 'x', 'file'), '');
    const error = errorOf(() => openStore(join(folder, 'x', 'file', 'store.sqlite')));
    expect(error).toBeInstanceOf(InputError);
  });

  it.skipIf(process.platform !== 'linux')('says so where the system cannot create folders', () => {
    expect(String(errorOf(() => openStore('/proc/nowhere/store.sqlite')))).toContain('cannot make its folder');
  });

  it('passes every statement to the observer', () => {
    const statements: string[] = [];
    const store = temporaryStore({ onStatement: (statement) => void statements.push(statement) });
    recordRun(store, runOf({ suite: 'seen' }));
    expect(statements.some((statement) => statement.includes(`'seen'`))).toBe(true);
  });
});
