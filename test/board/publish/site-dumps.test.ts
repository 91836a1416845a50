import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportRows, lineOf } from '../../../drizzle/export.ts';
import { importResults } from '../../../drizzle/import.ts';
import { type Store, correctionLedger, derivedBoards, openStore } from '../../../drizzle/queries.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { type DumpManifest, dumpManifestSchema } from '../../../contracts/site-api.ts';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { writeDumps } from '../../../board/publish/site-dumps.ts';
import { fillHostileBoard } from '../../support/hostile-board.ts';
import { fillLargeStore } from '../../support/large-store.ts';
import { temporaryFolder, temporaryStore } from '../../support/store.ts';

interface Dumped {
  readonly store: Store;
  readonly folder: string;
  readonly manifest: DumpManifest;
}

async function dump(store: Store, folder: string): Promise<Dumped> {
  deriveStore(store);
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data/index.html'), 'the data page');
  return {
    store,
    folder: join(folder, 'data'),
    manifest: await writeDumps({ store, folder, commit: null, homepage: 'https://example.org' }),
  };
}

const base = mkdtempSync(join(tmpdir(), 'shrinkrank-'));
let hostile: Dumped;

beforeAll(async () => {
  const store = openStore(join(base, 'store.sqlite'));
  fillHostileBoard(store);
  hostile = await dump(store, join(base, 'site'));
}, 120_000);

afterAll(() => {
  hostile.store.close();
  rmSync(base, { recursive: true });
});

const lines = (store: Store) => [...exportRows(store)].map(lineOf);

/** RFC 4180, whole file. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  for (const match of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/g)) {
    rows.at(-1)?.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') rows.push([]);
  }
  rows.pop();
  return rows;
}

describe('writeDumps', () => {
  it('writes rows and corrections that, read into an empty store, give the same store', async () => {
    const { store, folder } = hostile;
    const again = temporaryFolder();
    for (const name of ['results.jsonl', 'corrections.jsonl']) {
      const bytes = readFileSync(join(folder, name === 'results.jsonl' ? `${name}.gz` : name));
      writeFileSync(join(again, name), name === 'results.jsonl' ? gunzipSync(bytes) : bytes);
    }
    const other = temporaryStore();
    expect(importResults(other, again).missingTrials).toEqual([]);
    expect(lines(other)).toEqual(lines(store));
    expect(correctionLedger(other)).toEqual(correctionLedger(store));
  });

  it('copies the store itself without derived tables', async () => {
    const { store, folder } = hostile;
    const path = join(temporaryFolder(), 'copy.sqlite');
    copyFileSync(join(folder, 'shrinkrank.sqlite'), path);
    const copy = openStore(path, { create: false });
    try {
      expect(lines(copy)).toEqual(lines(store));
      expect(derivedBoards(copy)).toEqual([]);
      expect(deriveStore(copy).computed).toHaveLength(1);
      expect(derivedBoards(copy)).toEqual(derivedBoards(store));
    } finally {
      copy.close();
    }
  });

  it('lists sizes, hashes and counts of what it wrote', async () => {
    const { store, folder, manifest } = hostile;
    v.parse(dumpManifestSchema, manifest);
    expect(JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))).toEqual(manifest);
    expect(manifest.files.map(({ name }) => name)).toEqual([
      'results.jsonl.gz',
      'corrections.jsonl',
      'results.csv',
      'shrinkrank.sqlite',
    ]);
    for (const { name, sizeBytes, sha256 } of manifest.files) {
      const bytes = readFileSync(join(folder, name));
      expect(bytes.length).toBe(sizeBytes);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
    }
    const content = lines(store);
    expect(manifest.rows.total).toBe(content.length);
    expect(manifest.contentSha256).toBe(createHash('sha256').update(content.join('')).digest('hex'));
    expect(manifest.version).toBe(`2026-01-01-${manifest.contentSha256.slice(0, 8)}`);
    expect(readFileSync(join(folder, 'index.html'), 'utf8')).toBe('the data page');
  });

  it('writes one line of CSV per seed of each board, unrounded', async () => {
    const size = { models: 2, tasks: 2, methods: 2, variantsPerMethod: 1, seeds: 2, generations: 1, items: 8 };
    const store = temporaryStore();
    fillLargeStore(store, size);
    const { folder, manifest } = await dump(store, temporaryFolder());
    const [head = [], ...rows] = parseCsv(readFileSync(join(folder, 'results.csv'), 'utf8'));
    expect(rows.every((row) => row.length === head.length)).toBe(true);
    const expected = derivedBoards(store).flatMap((board) => {
      const { model, task, protocol, runner } = board;
      return leaderboard(store, { model, task, protocol, runner: runner?.fingerprint ?? '' }).entries.flatMap(
        ({ method, variant, trials }) =>
          trials.map((trial) => ({
            board: board.id,
            method,
            variant,
            seed: String(trial.seed),
            zstd_bytes: String(trial.size?.zstdBytes ?? ''),
            quality_value: String(trial.evaluation?.quality?.estimate.value ?? ''),
            kl_divergence_high: String(trial.evaluation?.distance?.klDivergence.high ?? ''),
            cost_cpu_seconds: String(trial.cost?.cpuSeconds ?? ''),
            speed_up_low_8x128: String(trial.measurement?.latency[1]?.speedUp.low ?? ''),
            noisy_1x1: String(trial.measurement?.latency[0]?.noisy ?? ''),
          })),
      );
    });
    const columns = Object.keys(expected[0] ?? {});
    const read = rows.map((row) => Object.fromEntries(columns.map((name) => [name, row[head.indexOf(name)]])));
    expect(read).toEqual(expected);
    expect(manifest.files.find(({ name }) => name === 'results.csv')?.rows).toBe(rows.length);
  });

  it('writes no formula and no extra line, whatever a name contains', async () => {
    const { folder } = hostile;
    const text = readFileSync(join(folder, 'results.csv'), 'utf8');
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    const [head = [], ...rows] = parseCsv(text);
    for (const row of rows) {
      expect(row).toHaveLength(head.length);
      for (const cell of row) if (!/^-?[\d.e+-]+$/i.test(cell)) expect(cell).not.toMatch(/^\s*[=+@-]/);
    }
    const methods = rows.map((row) => row[head.indexOf('method')]);
    expect(methods).toContain(`'=HYPERLINK("https://example.org")`);
    expect(methods).toContain(String.raw`turned \u202eexe.gnp`);
  });
});
