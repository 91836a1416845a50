import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { exportRows } from '../../../drizzle/export.ts';
import { rowsOfRun, runSummaries } from '../../../drizzle/queries.ts';
import type { Row } from '../../../contracts/result.ts';
import { announcedWorkers, connectRedis } from '../../../harness/fleet/fleet.ts';
import { fleetStatus } from '../../../harness/fleet/fleet-status.ts';
import { type RedisServer, findRedisServer, startRedisServer } from '../../support/redis-server.ts';
import { deterministicValues } from '../../support/deterministic-values.ts';

const SUPPORT = join(import.meta.dirname, '../../support');
const LOOK_INTERVAL_MS = 50;
const VARIANTS_PER_METHOD = '1';
const ROWS = 3 * 5;

const found = findRedisServer();
if ('missing' in found) console.warn(`tests of fleets are skipped: ${found.missing}`);

describe.skipIf('missing' in found)('a run with a fleet of four workers', () => {
  const events: string[] = [];
  const processes: ChildProcess[] = [];
  let folder = '';
  let server: RedisServer;
  let redis: Redis;
  let alone: Row[] = [];
  let together: Row[] = [];
  let exitCode: number | null = null;

  function start(script: string, ...args: readonly string[]) {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join(SUPPORT, script), ...args], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    processes.push(child);
    return { process: child, exit: new Promise<number | null>((resolve) => child.once('exit', resolve)) };
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-fleet-'));
    const [quiet, home] = [join(folder, 'alone'), join(folder, 'fleet')];
    mkdirSync(home);
    expect(await start('run-tiny-suite.ts', quiet, VARIANTS_PER_METHOD).exit).toBe(0);
    alone = rowsIn(quiet);

    server = await startRedisServer('path' in found ? found.path : '', folder);
    redis = await connectRedis(server.url);
    const workers = [1, 2, 3, 4].map(() => start('run-tiny-worker.ts', home, server.url).process);
    let coordinator = start('run-tiny-suite.ts', home, VARIANTS_PER_METHOD, server.url);
    /** Waits until this many rows are in the store. */
    const holding = async (rows: number): Promise<void> => {
      while (rowCountIn(home) < rows) {
        if (coordinator.process.exitCode !== null)
          throw new Error(`the run ended with ${coordinator.process.exitCode}`);
        await after(LOOK_INTERVAL_MS);
      }
    };
    const killBusy = async (): Promise<void> => {
      for (;;) {
        const busy = (await announcedWorkers(redis)).find(
          ({ doing, processId }) =>
            doing !== null && workers.some(({ pid, signalCode }) => pid === processId && !signalCode),
        );
        const worker = workers.find(({ pid }) => pid === busy?.processId);
        if (worker?.kill('SIGKILL')) {
          events.push(`worker killed in the middle of: ${busy?.doing}`);
          await new Promise((resolve) => worker.once('exit', resolve));
          return;
        }
        await after(LOOK_INTERVAL_MS);
      }
    };

    await holding(1);
    await killBusy();
    await holding(3);
    await server.restart('kept');
    events.push('Redis killed and started again with what it held');
    await holding(5);
    coordinator.process.kill('SIGKILL');
    expect(await coordinator.exit).toBe(null);
    events.push('coordinator killed and started again');
    coordinator = start('run-tiny-suite.ts', home, VARIANTS_PER_METHOD, server.url);
    await holding(7);
    await killBusy();
    await holding(9);
    await server.restart('lost');
    events.push('Redis killed and started again with nothing');
    exitCode = await coordinator.exit;
    together = rowsIn(home);
    console.log(events.join('\n'));
  }, 900_000);

  afterAll(async () => {
    for (const child of processes) child.kill('SIGKILL');
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('completes with two dead workers, an emptied Redis and a restarted coordinator', () => {
    expect(events).toHaveLength(5);
    expect(exitCode).toBe(0);
  });

  it('has every key exactly once, none lost', () => {
    const keys = keysOf(together);
    expect(keys).toHaveLength(ROWS);
    expect(new Set(keys).size).toBe(ROWS);
    expect(keys).toEqual(keysOf(alone));
  });

  it('has the same deterministic values as a run on one machine', () => {
    expect(deterministicValues(together)).toEqual(deterministicValues(alone));
  });

  it('leaves an empty queue, and the remaining workers report that they wait', async () => {
    const deadline = Date.now() + 60_000;
    for (;;) {
      const { workers, queues } = await fleetStatus(redis);
      const idle = workers.filter(({ doing }) => doing === null).length;
      const left = queues.reduce((sum, { waiting, active, done, failed }) => sum + waiting + active + done + failed, 0);
      if (idle === 2 && left === 0) break;
      if (Date.now() > deadline) expect({ workers, queues }).toEqual('two idle workers and an empty queue');
      await after(LOOK_INTERVAL_MS);
    }
  });
});

function rowsIn(home: string): Row[] {
  const path = join(home, 'store.sqlite');
  if (!existsSync(path)) return [];
  const store = openStore(path, { create: false });
  try {
    return [...exportRows(store)];
  } finally {
    store.close();
  }
}

function rowCountIn(home: string): number {
  const path = join(home, 'store.sqlite');
  if (!existsSync(path)) return 0;
  const store = openStore(path, { create: false });
  try {
    return runSummaries(store).reduce((sum, { id }) => sum + rowsOfRun(store, id).length, 0);
  } finally {
    store.close();
  }
}

function keysOf(rows: readonly Row[]): string[] {
  return rows.flatMap((row) => (row.kind === 'run' ? [] : [`${row.kind} ${row.key} ${row.status}`])).sort();
}
