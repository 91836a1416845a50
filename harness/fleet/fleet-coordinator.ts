/**
 * Works through a plan with a fleet. The coordinator compares, again and again, what the trials need next with what the
 * queue holds: it queues what is missing, records what has come back, and removes what is no longer needed. So a worker,
 * Redis or the coordinator itself may die at any time: the store says what is done, and only the coordinator writes it.
 */
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InputError } from '../../contracts/errors.ts';
import { PROVIDERS, type Provider, type Runner } from '../../contracts/runner.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { type Coordinator, type ExecutionSummary, coordinateTrials } from '../trial/coordinate-trials.ts';
import type { ExecuteRequest } from '../trial/execute.ts';
import type { JobKind, TrialJob } from '../trial/trial-progress.ts';
import {
  type FleetJob,
  announcedWorkers,
  claimQueue,
  decodeResult,
  jobIdOf,
  openQueue,
  queueNameOf,
  referenceOf,
  releaseQueue,
} from './fleet.ts';

export interface FleetRequest extends Omit<ExecuteRequest, 'machine' | 'preparer'> {
  readonly redis: Redis;
  /** The runner of the plan; workers of its kind serve it. */
  readonly runner: Runner;
}

const LOOK_INTERVAL_MS = 200;
/** Jobs that lead to a trial's row go first; measuring goes last, when the machines are idle. */
const PRIORITIES: Readonly<Record<JobKind, number>> = { judge: 1, compress: 2, measure: 3 };
const STATES = ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const;
/** How long an aborted run waits for Redis to drop its queue. */
const ABORT_WAIT_MS = 2000;

export async function executeInFleet(request: FleetRequest): Promise<ExecutionSummary> {
  const { redis, runner, signal, workspace } = request;
  const name = queueNameOf(runner);
  const queue = openQueue(redis, name);
  const fleet: Fleet = { request, queue, coordinator: coordinateTrials(request) };
  const { open } = fleet.coordinator;
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // handled where it is raced
  const onAbort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  let claimed = false;
  try {
    while (open.size > 0) {
      signal?.throwIfAborted();
      await Promise.race([claimQueue(redis, name, `${hostname()}:${workspace.root}`), aborted.promise]);
      claimed = true;
      await Promise.race([matchQueue(fleet), aborted.promise]);
      if (open.size > 0) await after(LOOK_INTERVAL_MS, undefined, signal ? { signal } : {});
    }
    await matchQueue(fleet); // removes what is left in the queue
    await releaseQueue(redis, name);
    return fleet.coordinator.summary();
  } catch (error) {
    // Waiting jobs are removed; the results of running ones reach the next run.
    if (claimed)
      await Promise.race([queue.drain(true).then(() => releaseQueue(redis, name)), abortWait()]).catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await Promise.race([queue.close(), abortWait()]);
  }
}

function abortWait(): Promise<void> {
  return after(ABORT_WAIT_MS, undefined, { ref: false });
}

interface Fleet {
  readonly request: FleetRequest;
  readonly queue: Queue;
  readonly coordinator: Coordinator;
}

type FleetQueueJob = Job<FleetJob, string, JobKind>;

/** One pass: collects finished jobs, queues missing ones and removes those no longer needed. */
async function matchQueue(fleet: Fleet): Promise<void> {
  const { queue, coordinator } = fleet;
  const held = new Map<string, string>();
  // A job that changes its status between two of these reads may be missed; adding it again then changes nothing.
  for (const status of STATES) for (const id of await queue.getRanges([status], 0, -1)) held.set(id, status);
  for (const [id, status] of held) {
    if (status !== 'completed' && status !== 'failed') continue;
    const job = (await queue.getJob(id)) as FleetQueueJob | undefined;
    if (!job) continue;
    const trial = coordinator.open.get(job.data.trial.key);
    if (trial) {
      if (status === 'failed') coordinator.lost(trial, { kind: job.name, reason: job.failedReason });
      else collect(fleet, trial, job);
      coordinator.tell(trial, job.name);
      // The next job is queued before this one is removed: the queue holds what no row does yet.
      const next = queueJobOf(fleet, trial);
      if (next && next.id !== id && !held.has(next.id)) {
        await addJobs(queue, [next]);
        held.set(next.id, 'waiting');
      }
    }
    await job.remove();
    held.delete(id);
  }
  const wanted = [...coordinator.open.values()].flatMap((trial) => wantedJob(fleet, trial, held) ?? []);
  await addJobs(
    queue,
    wanted.filter(({ id }) => !held.has(id)),
  );
  const asked = new Set(wanted.map(({ id }) => id));
  for (const [id, status] of held) {
    // A running job cannot be removed; its result is dropped when it comes.
    if (!asked.has(id) && status !== 'active') await (await queue.getJob(id))?.remove().catch(() => {});
  }
}

interface QueueJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly data: FleetJob;
}

async function addJobs(queue: Queue, jobs: readonly QueueJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await queue.addBulk(
    jobs.map(({ id, kind, data }) => ({
      name: kind,
      data,
      opts: { jobId: id, priority: PRIORITIES[kind], removeOnComplete: false, removeOnFail: false },
    })),
  );
}

function queueJobOf({ request, coordinator }: Fleet, trial: PlannedTrial): QueueJob | undefined {
  const job = coordinator.jobOf(trial);
  return job ? asQueueJob(request, trial, job) : undefined;
}

function asQueueJob(request: FleetRequest, trial: PlannedTrial, { kind, artifact }: TrialJob): QueueJob {
  return {
    id: jobIdOf(kind, trial.key),
    kind,
    data: { trial: referenceOf(trial), limits: request.limits, artifact },
  };
}

/** The job a trial needs. A restarted coordinator does not know of an artifact whose judge job is still queued. */
function wantedJob(fleet: Fleet, trial: PlannedTrial, held: ReadonlyMap<string, string>): QueueJob | undefined {
  const job = queueJobOf(fleet, trial);
  if (job?.kind !== 'compress') return job;
  const judging = asQueueJob(fleet.request, trial, { kind: 'judge', artifact: null });
  return held.has(judging.id) ? judging : job;
}

/** Records what a finished job brought. */
function collect({ request, coordinator }: Fleet, trial: PlannedTrial, job: FleetQueueJob): void {
  const { compressed, steps = [], judged, machine } = decodeResult(job.returnvalue);
  if (compressed) {
    const { outcome } = compressed;
    if (outcome.status === 'completed') {
      const { workspace } = request;
      const fault = workspace.faultOfArtifact(outcome.value);
      if (fault !== null) {
        // The file under this name is not the artifact: it is made again, up to the limit of attempts.
        rmSync(workspace.artifactPath(outcome.value), { force: true });
        coordinator.lost(trial, { kind: 'compress', reason: fault });
        return;
      }
    }
    coordinator.compressed(trial, compressed, machine);
  }
  const { artifact } = job.data;
  if (!artifact) return;
  const { sha256, made } = artifact;
  for (const { step, finishedAtMs } of steps) coordinator.step(trial, { sha256, made, step, machine, finishedAtMs });
  if (judged) coordinator.judged(trial, judged);
}

/**
 * The runner of the connected workers with this provider. Waits until one connects.
 *
 * @param kind beginning of a fingerprint; needed when workers of several kinds are connected.
 */
export async function chooseRunner(
  redis: Redis,
  choice: { readonly provider: Provider; readonly kind?: string | undefined; readonly signal: AbortSignal },
  onRemark: (text: string) => void,
): Promise<Runner> {
  const { provider, kind = '', signal } = choice;
  for (let told = false; ; told = true) {
    const runners = new Map((await announcedWorkers(redis)).map(({ runner }) => [runner.fingerprint, runner]));
    const fitting = [...runners.values()].filter(
      (runner) => runner.provider === provider && runner.fingerprint.startsWith(kind),
    );
    if (fitting.length > 1) {
      const kinds = fitting.map(
        ({ fingerprint, machine }) => `${fingerprint} (${machine.cpuModel}, ${machine.cores} cores)`,
      );
      throw new InputError(
        `${provider} workers of several kinds are connected; choose one with --kind: ${kinds.join(', ')}`,
      );
    }
    if (fitting[0]) return fitting[0];
    if (!told) {
      onRemark(
        `no ${provider} worker${kind && ` of kind ${kind}`} is connected yet; waiting for one: ` +
          `shrinkrank worker --redis <url>${provider === PROVIDERS[0] ? '' : ` --runner ${provider}`}`,
      );
    }
    await after(LOOK_INTERVAL_MS, undefined, { signal });
  }
}
