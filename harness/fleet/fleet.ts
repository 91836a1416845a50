/**
 * What the coordinator and the workers of a fleet share: BullMQ queues on Redis, one per kind of runner; the content of jobs
 * and results; and the announcements of workers. Losing Redis loses no results: the coordinator queues lost jobs again,
 * lost results are computed again, and the store says what is done.
 */
import { deserialize, serialize } from 'node:v8';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { InputError } from '../../contracts/errors.ts';
import type { Machine, Runner } from '../../contracts/runner.ts';
import type { Limits } from '../plan/bench.ts';
import type { Compressed } from '../trial/compress-trial.ts';
import type { Judged, JudgedStep } from '../judge/judge-artifact.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { JobKind, TrialJob } from '../trial/trial-progress.ts';

/** Names a trial for a process with the same code; comparing keys shows whether the code is the same. */
export interface TrialReference {
  readonly key: string;
  readonly method: string;
  readonly variant: string;
  readonly model: string;
  /** Id of the dataset that calibration and training examples come from. */
  readonly calibration: string;
  readonly tasks: readonly string[];
  readonly seed: number;
  /** Whether the method trains on the device of the queue's runner. */
  readonly trainOnDevice: boolean;
}

export interface FleetJob {
  readonly trial: TrialReference;
  readonly limits: Limits;
  readonly artifact: TrialJob['artifact'];
}

/** Sent as encodeResult() encodes it. */
export interface FleetResult {
  readonly machine: Machine;
  readonly compressed?: Compressed;
  readonly steps?: readonly { readonly step: JudgedStep; readonly finishedAtMs: number }[];
  readonly judged?: Judged;
}

/** What a worker announces every few seconds. */
export interface WorkerState {
  readonly id: string;
  readonly host: string;
  readonly processId: number;
  readonly runner: Runner;
  /** `measure rtn/w4g32 on tinyworld-gpt`; null when it waits for a job. */
  readonly doing: string | null;
  /** Since when, ISO 8601, UTC. */
  readonly since: string;
}

export const QUEUE_PREFIX = 'shrinkrank';
const WORKER_PREFIX = 'shrinkrank-worker:';
const COORDINATOR_PREFIX = 'shrinkrank-coordinator:';
/** A worker or coordinator that has been silent this long counts as gone. */
const LEASE_MS = 15_000;
const RECONNECT_MOST_MS = 2000;

/** An address as it may be printed: what stands before the last @ may be a password. */
export function withoutPassword(text: string): string {
  return text.replaceAll(/[^\s"]*@/g, '***@');
}

/** Connects and reconnects; commands issued while Redis is unreachable wait. Throws InputError. */
export async function connectRedis(url: string, onRemark: (text: string) => void = () => {}): Promise<Redis> {
  if (!/^(rediss?:\/\/|\/)./.test(url)) {
    throw new InputError(`--redis: expected redis://host:port or the path of a socket, got "${withoutPassword(url)}"`);
  }
  const shown = withoutPassword(url);
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    lazyConnect: true,
    retryStrategy: (times) => Math.min(times * 100, RECONNECT_MOST_MS),
  });
  let problem = '';
  redis.on('error', (error: Error) => {
    problem = error.message;
  });
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    const reason = problem || (error instanceof Error ? error.message : String(error));
    throw new InputError(
      `no Redis at ${shown} (${withoutPassword(reason)}); start redis-server there, or name another with --redis`,
      {
        cause: error,
      },
    );
  }
  let away = false;
  redis.on('reconnecting', () => {
    if (!away) onRemark(`Redis at ${shown} is away; waiting for it`);
    away = true;
  });
  redis.on('ready', () => {
    if (away) onRemark(`Redis at ${shown} is back`);
    away = false;
  });
  return redis;
}

/** One queue per kind of runner, since compared results must come from one kind of machine. */
export function queueNameOf(runner: Runner): string {
  return `${runner.provider}-${runner.fingerprint}`;
}

export function openQueue(redis: Redis, name: string): Queue {
  const queue = new Queue(name, { connection: redis, prefix: QUEUE_PREFIX });
  queue.on('error', () => {}); // connectRedis reports errors of the connection
  return queue;
}

export function jobIdOf(kind: JobKind, trialKey: string): string {
  return `${kind}-${trialKey}`;
}

export function referenceOf({ key, identity, entry, evaluations }: PlannedTrial): TrialReference {
  return {
    key,
    method: identity.method,
    variant: identity.variant,
    model: identity.model,
    calibration: entry.calibration.id,
    tasks: evaluations.map(({ task }) => task.id),
    seed: identity.seed,
    trainOnDevice: identity.trainedOn !== undefined,
  };
}

/** V8's serialization format, base64; JSON would lose NaN and infinities. */
export function encodeResult(result: FleetResult): string {
  return serialize(result).toString('base64');
}

export function decodeResult(encoded: string): FleetResult {
  return deserialize(Buffer.from(encoded, 'base64')) as FleetResult;
}

export async function announceWorker(redis: Redis, state: WorkerState): Promise<void> {
  await redis.set(`${WORKER_PREFIX}${state.id}`, JSON.stringify(state), 'PX', LEASE_MS);
}

export async function dismissWorker(redis: Redis, id: string): Promise<void> {
  await redis.del(`${WORKER_PREFIX}${id}`);
}

export async function announcedWorkers(redis: Redis): Promise<WorkerState[]> {
  const keys = await keysLike(redis, `${WORKER_PREFIX}*`);
  const values = keys.length === 0 ? [] : await redis.mget(keys);
  return values
    .flatMap((value) => (value === null ? [] : [JSON.parse(value) as WorkerState]))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Names of all queues. */
export async function queueNames(redis: Redis): Promise<string[]> {
  const keys = await keysLike(redis, `${QUEUE_PREFIX}:*:meta`);
  return keys.map((key) => key.split(':')[1] ?? '').sort();
}

/** `host:folder` of the run that coordinates a queue; null for none. */
export async function coordinatorOf(redis: Redis, queue: string): Promise<string | null> {
  return redis.get(`${COORDINATOR_PREFIX}${queue}`);
}

/** One run folder coordinates a queue at a time; restarting from the same folder continues at once. Throws InputError. */
export async function claimQueue(redis: Redis, queue: string, name: string): Promise<void> {
  const holder = await coordinatorOf(redis, queue);
  if (holder !== null && holder !== name) {
    throw new InputError(`another run (${holder}) coordinates ${queue}; wait for it, or use another Redis`);
  }
  await redis.set(`${COORDINATOR_PREFIX}${queue}`, name, 'PX', LEASE_MS);
}

export async function releaseQueue(redis: Redis, queue: string): Promise<void> {
  await redis.del(`${COORDINATOR_PREFIX}${queue}`);
}

async function keysLike(redis: Redis, pattern: string): Promise<string[]> {
  const found = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = await redis.scan(cursor, 'MATCH', pattern, 'COUNT', 1000);
    for (const key of keys) found.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...found].sort();
}
