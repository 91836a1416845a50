import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { createHubClient } from '../../../engine/hub/hub-client.ts';
import {
  type FleetJob,
  announceWorker,
  claimQueue,
  connectRedis,
  coordinatorOf,
  jobIdOf,
  openQueue,
  queueNameOf,
  referenceOf,
} from '../../../harness/fleet/fleet.ts';
import { chooseRunner, executeInFleet } from '../../../harness/fleet/fleet-coordinator.ts';
import { fleetStatus } from '../../../harness/fleet/fleet-status.ts';
import { workInFleet } from '../../../harness/fleet/fleet-worker.ts';
import { openHostLock } from '../../../harness/fleet/host-lock.ts';
import { type PlannedTrial, planTrials } from '../../../harness/plan/plan.ts';
import { createPreparer } from '../../../harness/plan/prepare.ts';
import { openWorkspace } from '../../../harness/plan/workspace.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';
import { type RedisServer, findRedisServer, startRedisServer } from '../../support/redis-server.ts';
import { methodRegistration, tinyEntry, tinyLimits } from '../../support/tiny-suite.ts';

const found = findRedisServer();
if ('missing' in found) console.warn(`tests of fleets are skipped: ${found.missing}`);

describe.skipIf('missing' in found)('a worker of a fleet', () => {
  const runner = runnerOf('cpu', readMachine());
  let folder = '';
  let server: RedisServer;
  let redis: Redis;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-worker-'));
    server = await startRedisServer('path' in found ? found.path : '', folder);
    redis = await connectRedis(server.url);
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function planned(): Promise<PlannedTrial> {
    const registration = await methodRegistration('control/dense');
    const [trial] = planTrials([tinyEntry([{ registration, variant: 'fp32' }])], runner);
    if (!trial) throw new Error('no trial');
    return trial;
  }

  /** A worker of this process, and how to stop it. */
  function start(name: string, trial: PlannedTrial, lockFolder = join(folder, name, 'host')) {
    const stop = new AbortController();
    const workspace = openWorkspace(join(folder, name));
    const connection = connectRedis(server.url);
    const work = connection.then(async (own) => {
      try {
        await workInFleet({
          redis: own,
          runner,
          workspace,
          preparer: createPreparer(workspace, createHubClient()),
          resolve: () => trial,
          hostLock: openHostLock(lockFolder),
          company: 'alone',
          lockMs: 5000,
          signal: stop.signal,
        });
      } finally {
        own.disconnect();
        workspace.release();
      }
    });
    return { stop, work };
  }

  function requestOf(trial: PlannedTrial, onRow: (row: string) => void) {
    const note = ({ kind, status }: { readonly kind: string; readonly status: string }) => onRow(`${kind} ${status}`);
    return {
      plan: [trial],
      run: 'run-1',
      done: { trials: new Map(), evaluations: new Set<string>(), measurements: new Set<string>() },
      recorder: { trial: note, evaluation: note, measurement: note },
      limits: tinyLimits,
    };
  }

  async function counts() {
    const { queues } = await fleetStatus(redis);
    const { waiting, active, failed } = queues.find(({ name }) => name === queueNameOf(runner)) ?? {};
    return { waiting, active, failed };
  }

  async function enqueue(change: (job: FleetJob) => FleetJob): Promise<void> {
    const trial = await planned();
    const queue = openQueue(redis, queueNameOf(runner));
    const data = change({ trial: referenceOf(trial), limits: tinyLimits, artifact: null });
    await queue.add('compress', data, { jobId: jobIdOf('compress', trial.key) });
    await queue.close();
  }

  it('leaves when its code gives a trial another key than the coordinator’s, and says what to do', async () => {
    await enqueue((job) => ({ ...job, trial: { ...job.trial, key: 'f'.repeat(64) } }));
    const worker = start('stale', await planned());
    await expect(worker.work).rejects.toThrow(
      /this worker's code gives it the key [0-9a-f]{64}.*bring both to the same commit/,
    );
    expect(await counts()).toEqual({ waiting: 0, active: 0, failed: 1 });
    await redis.flushall();
  });

  it('must be chosen by kind where workers of several kinds are connected', async () => {
    const since = new Date().toISOString();
    const kinds = ['abc', 'abd'].map((fingerprint) => ({ ...runner, fingerprint }));
    for (const kind of kinds) {
      const state = { id: kind.fingerprint, host: 'night', processId: 1, runner: kind, doing: null, since };
      await announceWorker(redis, state);
    }
    const signal = new AbortController().signal;
    const choose = (kind?: string) => chooseRunner(redis, { provider: 'cpu', kind, signal }, () => {});
    await expect(choose()).rejects.toThrow(
      /cpu workers of several kinds are connected; choose one with --kind: abc .*, abd /,
    );
    expect(await choose('abd')).toEqual(kinds[1]);
    await redis.flushall();
  });

  it('accepts work from one store at a time, and from the same one again', async () => {
    await claimQueue(redis, 'cpu-abc', 'night:/home');
    await claimQueue(redis, 'cpu-abc', 'night:/home');
    await claimQueue(redis, queueNameOf(runner), 'night:/home');
    await enqueue((job) => job);
    const workspace = openWorkspace(join(folder, 'second'));
    const second = executeInFleet({ ...requestOf(await planned(), () => {}), redis, runner, workspace });
    await expect(second).rejects.toThrow('another run (night:/home) coordinates');
    workspace.release();
    expect(await counts()).toEqual({ waiting: 1, active: 0, failed: 0 });
    expect(await coordinatorOf(redis, queueNameOf(runner))).toBe('night:/home');
    await expect(claimQueue(redis, 'cpu-abc', 'day:/home')).rejects.toThrow(
      'another run (night:/home) coordinates cpu-abc',
    );
    await redis.flushall();
  });

  it('returns its current job when it is stopped', async () => {
    const lockFolder = join(folder, 'busy');
    const held = Promise.withResolvers<undefined>();
    const holding = openHostLock(lockFolder).hold('alone', () => held.promise);
    await enqueue((job) => job);
    const worker = start('stopped', await planned(), lockFolder);
    await expect.poll(counts, { timeout: 20_000 }).toEqual({ waiting: 0, active: 1, failed: 0 });
    worker.stop.abort();
    await worker.work;
    held.resolve(undefined);
    await holding;
    expect(await counts()).toEqual({ waiting: 1, active: 0, failed: 0 });
    await redis.flushall();
  });

  it('serves a coordinator that finds it by its advertised properties, and whose run leaves nothing behind', async () => {
    const trial = await planned();
    const worker = start('serving', trial);
    const signal = new AbortController().signal;
    const chosen = await chooseRunner(redis, { provider: 'cpu', signal }, () => {});
    expect(chosen).toEqual(runner);
    const workspace = openWorkspace(join(folder, 'coordinator'), { artifacts: join(folder, 'serving', 'artifacts') });
    const rows: string[] = [];
    const told: string[] = [];
    const summary = await executeInFleet({
      ...requestOf(trial, (row) => rows.push(row)),
      redis,
      runner,
      workspace,
      onProgress: (event) => void told.push(event.kind === 'trial' ? `${event.done} of ${event.total}` : event.kind),
    });
    expect(told).toEqual(['0 of 2', '1 of 2', 'finished', '2 of 2']);
    expect(rows).toEqual(['trial completed', 'evaluation completed', 'measurement completed']);
    expect(summary).toMatchObject({ recorded: 3, undone: [] });
    expect(await counts()).toEqual({ waiting: 0, active: 0, failed: 0 });
    worker.stop.abort();
    await worker.work;
    workspace.release();
  });
});
