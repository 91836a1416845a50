/**
 * A worker of a fleet: takes jobs for its kind of runner from the queue, runs them in child processes and returns the
 * results. It does not write the store. When it dies, its lock expires and another worker takes the job.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { DelayedError, type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import type { Runner } from '../../contracts/runner.ts';
import type { Bench } from '../plan/bench.ts';
import type { Workspace } from '../plan/workspace.ts';
import { compressTrial } from '../trial/compress-trial.ts';
import { type JobKind, titleOf } from '../trial/trial-progress.ts';
import {
  type FleetJob,
  type FleetResult,
  QUEUE_PREFIX,
  type TrialReference,
  type WorkerState,
  announceWorker,
  dismissWorker,
  encodeResult,
  queueNameOf,
} from './fleet.ts';
import type { Company, HostLock } from './host-lock.ts';
import { judgeArtifact } from '../judge/judge-artifact.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { warmTrialCache } from '../trial/warm-trial-cache.ts';

export interface FleetWorkerRequest extends Omit<Bench, 'limits' | 'signal'> {
  readonly redis: Redis;
  readonly runner: Runner;
  /** Plans the trial that a reference names, with this worker's code; throws InputError for unknown names. */
  readonly resolve: (reference: TrialReference) => PlannedTrial;
  readonly hostLock: HostLock;
  /** Whether compressing and judging run alone on the machine; measuring always does. */
  readonly company: Company;
  /** A job whose worker has been silent this long is given to another. */
  readonly lockMs: number;
  /** Aborting it stops the worker and returns its current job to the queue. */
  readonly signal: AbortSignal;
  readonly onJob?: (state: WorkerState) => void;
}

export const DEFAULT_LOCK_MS = 30_000;
const ANNOUNCE_INTERVAL_MS = 3000;
/** A job whose workers died this often in a row returns to the coordinator as failed. */
const MOST_STALLS = 2;

/** Returns when the signal aborts; throws when this worker cannot serve the fleet, for instance because its code differs. */
export async function workInFleet(request: FleetWorkerRequest): Promise<void> {
  const { redis, runner, lockMs, signal, onJob } = request;
  const ended = Promise.withResolvers<undefined>();
  let state: WorkerState = {
    id: `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`,
    host: hostname(),
    processId: process.pid,
    runner,
    doing: null,
    since: new Date().toISOString(),
  };
  const announce = async () => {
    if (redis.status === 'ready') await announceWorker(redis, state);
  };
  const say = (doing: string | null) => {
    state = { ...state, doing, since: new Date().toISOString() };
    onJob?.(state);
    announce().catch(() => {}); // Redis is unreachable; the next announcement repeats it
  };

  const worker = new Worker<FleetJob, string, JobKind>(
    queueNameOf(runner),
    async (job, token) => {
      try {
        return encodeResult(await perform(request, job, say));
      } catch (error) {
        if (signal.aborted) {
          await job.moveToDelayed(Date.now(), token);
          throw new DelayedError();
        }
        if (error instanceof InputError) ended.reject(error);
        throw error;
      } finally {
        say(null);
      }
    },
    {
      connection: redis,
      prefix: QUEUE_PREFIX,
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MOST_STALLS,
      name: state.id,
    },
  );
  worker.on('error', () => {}); // a lost connection or a job that another worker took; the queue keeps the state
  const stop = () => ended.resolve(undefined);
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  await announce();
  const timer = setInterval(() => void announce().catch(() => {}), ANNOUNCE_INTERVAL_MS);
  try {
    await ended.promise;
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', stop);
    const away = redis.status !== 'ready';
    await worker.close(away);
    if (!away) await dismissWorker(redis, state.id);
  }
}

async function perform(
  request: FleetWorkerRequest,
  { name: kind, data }: Job<FleetJob, string, JobKind>,
  say: (doing: string) => void,
): Promise<FleetResult> {
  const { runner, hostLock, company, signal } = request;
  const trial = request.resolve(data.trial);
  if (trial.key !== data.trial.key) {
    throw new InputError(
      `${titleOf(trial)}: this worker's code gives it the key ${trial.key}, the coordinator's ${data.trial.key}; ` +
        'bring both to the same commit and start this worker again',
    );
  }
  const bench: Bench = { ...request, limits: data.limits };
  return hostLock.hold(
    kind === 'measure' ? 'alone' : company,
    async () => {
      say(`${kind} ${titleOf(trial)}`);
      const { machine } = runner;
      if (data.artifact === null) {
        await warmTrialCache(request.workspace.trialCache, [trial.registration.file]);
        return { machine, compressed: await compressTrial(bench, trial) };
      }
      const { sha256, keys } = data.artifact;
      requireArtifact(request.workspace, sha256);
      const steps: NonNullable<FleetResult['steps']>[number][] = [];
      const judged = await judgeArtifact(bench, {
        trial,
        sha256,
        keys,
        onStep: (step) => steps.push({ step, finishedAtMs: Date.now() }),
      });
      return { machine, steps, judged };
    },
    signal,
  );
}

/** Throws IntegrityError unless the artifact is there and undamaged. */
export function requireArtifact(workspace: Workspace, sha256: string): void {
  const fault = workspace.faultOfArtifact(sha256);
  if (fault !== null) throw new IntegrityError(fault);
}
