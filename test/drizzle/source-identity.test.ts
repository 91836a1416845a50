/** Rows from before methods had revisions: they keep their keys, and nothing of them is lost. */
import { cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import { describe, expect, it, onTestFinished } from 'vitest';
import { digestOf } from '../../contracts/canonical-json.ts';
import type { SourceIdentity } from '../../contracts/result.ts';
import { openStore } from '../../drizzle/client.ts';
import { exportRows, lineOf } from '../../drizzle/export.ts';
import { importFile } from '../../drizzle/import.ts';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { trialDetail } from '../../drizzle/queries.ts';
import { leaderboard } from '../../board/derive/leaderboard.ts';
import { recordRun, recordTrial } from '../../drizzle/record.ts';
import { catalogOf } from '../support/catalog.ts';
import { runOf, sha256Of, trialOf, machineOf } from '../support/rows.ts';
import { temporaryFolder, temporaryStore } from '../support/store.ts';

const MIGRATIONS = resolve(import.meta.dirname, '../../drizzle/migrations');
const RESULTS = resolve(import.meta.dirname, '../../results');
const BEFORE_REVISIONS = 6;

const {
  revision: _,
  protocol: __,
  ...fields
} = trialOf().identity as ReturnType<typeof trialOf>['identity'] & {
  readonly revision: number;
};
const identity: SourceIdentity = { ...fields, methodSource: sha256Of('source'), protocol: 1 };
const { processor: ___, ...machine } = machineOf();
const trial = { ...trialOf({ machine }), key: digestOf({ kind: 'trial', ...identity }), identity };

/** A folder with the migrations up to one. */
function migrationsUpTo(count: number): string {
  const folder = temporaryFolder();
  cpSync(MIGRATIONS, folder, { recursive: true });
  const path = join(folder, 'meta/_journal.json');
  const journal = JSON.parse(readFileSync(path, 'utf8')) as { readonly entries: readonly unknown[] };
  writeFileSync(path, JSON.stringify({ ...journal, entries: journal.entries.slice(0, count) }));
  return folder;
}

describe('a row with a source hash', () => {
  it('is stored and exported unchanged, and is stale beside a catalog of revisions', () => {
    const store = temporaryStore();
    recordCatalog(store, catalogOf());
    recordRun(store, runOf());
    recordTrial(store, trial);
    expect(trialDetail(store, trial.key).trials[0]?.row).toEqual(trial);
    const { entries } = leaderboard(store, { model: 'tiny', task: 'stories-perplexity', protocol: 1 });
    expect(entries.map(({ stale }) => stale)).toEqual([true]);
  });

  it('is refused under another protocol, or together with a revision', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const later = { ...trial, identity: { ...identity, protocol: 2 } } as unknown as typeof trial;
    expect(() => recordTrial(store, later)).toThrow(/identity\.protocol: .*Expected 1/);
    const both = { ...trial, identity: { ...identity, revision: 1 } } as unknown as typeof trial;
    expect(() => recordTrial(store, both)).toThrow(/identity\.revision/);
  });

  it('is refused without either, naming the field', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const neither = { ...trial, identity: { ...fields, protocol: 1 } } as unknown as typeof trial;
    expect(() => recordTrial(store, neither)).toThrow(/identity\.revision: .*Expected "revision"/);
  });

  it('is imported from a published file byte for byte, under a key that is the digest of its identity', () => {
    const file = readdirSync(RESULTS).find((name) => name.includes('-orderings-4ct')) ?? '';
    const store = temporaryStore();
    importFile(store, join(RESULTS, file));
    const published = readFileSync(join(RESULTS, file), 'utf8').trimEnd().split('\n').toSorted();
    expect([...exportRows(store)].map((row) => lineOf(row).trimEnd()).toSorted()).toEqual(published);
    const identities = [...exportRows(store)].flatMap((row) => (row.kind === 'trial' ? [row] : []));
    expect(identities.length).toBeGreaterThan(0);
    for (const row of identities) expect(digestOf({ kind: 'trial', ...row.identity })).toBe(row.key);
  });

  it('survives the migration of a store from before revisions', () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const client = new Database(path);
    migrate(drizzle(client), { migrationsFolder: migrationsUpTo(BEFORE_REVISIONS) });
    // The columns of today's row without those that came with revisions.
    const today = temporaryStore();
    recordRun(today, runOf({ machine }));
    recordTrial(today, trial);
    client.exec(`attach database '${today.path}' as today`);
    for (const table of ['machines', 'runs', 'artifacts', 'trials']) {
      const columns = client.prepare<[], string>(`select name from pragma_table_info('${table}')`).pluck().all();
      const names = columns.map((column) => `"${column}"`).join(', ');
      client.exec(`insert into ${table} (${names}) select ${names} from today.${table}`);
    }
    client.close();
    const store = openStore(path);
    onTestFinished(() => store.close());
    expect([...exportRows(store)].map(lineOf)).toEqual([...exportRows(today)].map(lineOf));
    const broken = store.database.$client.prepare('pragma foreign_key_check').all();
    expect(broken).toEqual([]);
  });
});
