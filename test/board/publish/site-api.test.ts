import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Store,
  comparisonsOf,
  derivedBoard,
  derivedBoards,
  derivedHistories,
  openStore,
  resultDetail,
  trialDetail,
  trialKeys,
} from '../../../drizzle/queries.ts';
import { API_DOCUMENTS, type ApiDocument } from '../../../contracts/site-api.ts';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { schemaDocument, writeApi } from '../../../board/publish/site-api.ts';
import { fillHostileBoard } from '../../support/hostile-board.ts';
import { temporaryFolder } from '../../support/store.ts';

const base = mkdtempSync(join(tmpdir(), 'shrinkrank-'));
const folder = join(base, 'site/api/v2');
let store: Store;
let paths: readonly string[];

beforeAll(() => {
  store = openStore(join(base, 'store.sqlite'));
  fillHostileBoard(store);
  deriveStore(store);
  const { files } = writeApi(store, join(base, 'site'), 'a commit');
  paths = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.json'));
  expect(paths).toHaveLength(files);
}, 120_000);

afterAll(() => {
  store.close();
  rmSync(base, { recursive: true });
});

function documentOf(path: string): ApiDocument {
  const found = (Object.keys(API_DOCUMENTS) as ApiDocument[]).find((name) =>
    new RegExp(`^${API_DOCUMENTS[name].path.replaceAll('.', '\\.').replaceAll(/<\w+>/g, '[^/]+')}$`).test(path),
  );
  if (!found) throw new Error(`${path} is of no kind`);
  return found;
}

describe('writeApi', () => {
  it('writes documents of every kind that match their schema and the store', () => {
    const read = (path: string): unknown => JSON.parse(readFileSync(join(folder, path), 'utf8'));
    const kinds = new Set<ApiDocument>();
    for (const path of paths.filter((each) => each !== 'schema.json')) {
      const kind = documentOf(path);
      kinds.add(kind);
      v.parse(API_DOCUMENTS[kind].schema, read(path));
    }
    expect([...kinds].sort()).toEqual(Object.keys(API_DOCUMENTS).sort());

    const index = read('index.json') as { boards: unknown; commit: string };
    expect(index.boards).toEqual(derivedBoards(store));
    expect(index.commit).toBe('a commit');
    for (const { id, contest } of derivedBoards(store)) {
      const board = derivedBoard(store, id);
      expect(read(`boards/${id}.json`)).toEqual(board);
      for (const history of derivedHistories(store, id)) {
        expect(read(`history/${id}/${history.entry}.json`)).toEqual(history);
      }
      for (const { slug } of board.entries.filter(({ quality }) => quality)) {
        expect(read(`comparisons/${contest}/${slug}.json`)).toEqual(comparisonsOf(store, contest, slug));
      }
      for (const { seeds } of board.entries) {
        for (const { key } of seeds) expect(paths).toContain(`results/${key}.json`);
      }
    }
  });

  it('describes a result completely except for its items, with the command that reproduces it', () => {
    for (const key of trialKeys(store)) {
      const result = resultDetail(store, key);
      const { trials, evaluations, measurements } = trialDetail(store, key);
      expect(result.trials.map(({ run, status }) => ({ run, status }))).toEqual(
        trials.map(({ row }) => ({ run: row.run, status: row.status })),
      );
      const [first] = trials;
      expect(result.trials[0]?.artifact).toEqual(first?.row.status === 'completed' ? first.row.artifact : null);
      for (const [i, { row }] of evaluations.entries()) {
        if (row.status !== 'completed') continue;
        const { quality, distance, sessionOptions } = row;
        expect(result.evaluations[i]).toMatchObject({ quality, distance, sessionOptions, task: row.task });
      }
      for (const [i, { row }] of measurements.entries()) {
        if (row.status !== 'completed') continue;
        const { latency, placement, threads } = row;
        expect(result.measurements[i]).toMatchObject({ latency, placement, threads });
      }
      const plain = /^[a-z0-9]+$/i.test(`${result.method}${result.variant}`);
      if (!plain) expect(result.command).toBeNull();
    }
  });

  it('escapes untrusted text in names and content', () => {
    for (const path of paths) {
      expect(path).toMatch(/^[A-Za-z0-9._~/-]+$/);
      const text = readFileSync(join(folder, path), 'utf8');
      expect(text.trimEnd(), path).not.toMatch(/[<>]|[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    }
    const methods = JSON.parse(readFileSync(join(folder, 'methods.json'), 'utf8')) as { id: string }[];
    expect(methods.map(({ id }) => id)).toContain('<script>alert("method")</script>');
  });

  it('gives the same bytes for the same store', () => {
    const again = temporaryFolder();
    writeApi(store, again, 'a commit');
    for (const path of paths) {
      expect(readFileSync(join(again, 'api/v2', path)).equals(readFileSync(join(folder, path))), path).toBe(true);
    }
  });
});

describe('schemaDocument', () => {
  it('describes every kind of document', () => {
    const documents = schemaDocument();
    expect(Object.keys(documents)).toEqual(Object.keys(API_DOCUMENTS));
    for (const { schema } of Object.values(documents)) expect(schema).toHaveProperty('type');
    expect(JSON.stringify(documents.board.schema)).toContain('All pairs of the class are corrected together');
  });
});
