import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { openStore } from '../../drizzle/client.ts';
import { exportRows } from '../../drizzle/export.ts';
import { doneKeys, trialKeys } from '../../drizzle/queries.ts';
import { createRandom } from '../../numerics/tensor/random.ts';
import { temporaryFolder } from '../support/store.ts';

const WRITER = join(import.meta.dirname, '..', 'support', 'store-writer.ts');

function startWriter(path: string, firstSeed: number): ChildProcess {
  return spawn(process.execPath, [WRITER, path, String(firstSeed)], { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Reads what a writer acknowledges and kills it after so many lines; every line that got out counts. */
async function killAfter(writer: ChildProcess, lines: number): Promise<readonly string[]> {
  if (!writer.stdout) throw new Error('the writer has no output to read');
  const heard: string[] = [];
  const exit = once(writer, 'exit');
  for await (const line of createInterface({ input: writer.stdout })) {
    heard.push(line);
    if (heard.length === lines) writer.kill('SIGKILL');
  }
  expect((await exit)[1]).toBe('SIGKILL');
  return heard.filter((line) => line.length === 64);
}

describe('a store whose writers are killed', () => {
  it('contains every acknowledged row, whole, once', async () => {
    const path = join(temporaryFolder(), 'store.sqlite');
    const random = createRandom('kills');
    const acknowledged: string[] = [];
    for (let round = 0; round < 20; round++) {
      // Every third time from seeds that are there: recording them again must change nothing.
      const firstSeed = round % 3 === 2 ? 0 : round * 10_000;
      acknowledged.push(...(await killAfter(startWriter(path, firstSeed), 1 + random.integer(120))));
    }
    const store = openStore(path);
    try {
      const { $client } = store.database;
      expect($client.pragma('integrity_check', { simple: true })).toBe('ok');
      expect($client.pragma('foreign_key_check')).toEqual([]);
      const done = doneKeys(store, trialKeys(store));
      const lost = acknowledged.filter((key) => !done.trials.has(key) && !done.evaluations.has(key));
      expect(lost).toEqual([]);
      expect(acknowledged.length).toBeGreaterThan(500);
      const keys = [...exportRows(store)].map((row) => (row.kind === 'run' ? row.id : row.key));
      expect(new Set(keys).size).toBe(keys.length);
    } finally {
      store.close();
    }
  });

  it('is created once by processes that open it together, and accepts the rows of all', async () => {
    const folder = temporaryFolder();
    for (let round = 0; round < 3; round++) {
      const path = join(folder, `store-${round}.sqlite`);
      const writers = [0, 1, 2, 3].map((i) => startWriter(path, i * 10_000));
      const acknowledged = (await Promise.all(writers.map((writer) => killAfter(writer, 41)))).flat();
      expect(acknowledged.length).toBeGreaterThanOrEqual(160);
      const store = openStore(path);
      const done = doneKeys(store, trialKeys(store));
      store.close();
      expect(acknowledged.filter((key) => !done.trials.has(key) && !done.evaluations.has(key))).toEqual([]);
    }
  });
});
