/**
 * Works through a plan with a fleet. The coordinator compares, again and again, what the store lacks with what the queue
 * holds: it queues what is missing, records what has come back, and removes what nobody asks for. So it does not matter
 * whether a worker, Redis or the coordinator itself died since: the store says what is done, and it alone writes the store.
 */
import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InputError } from '../../contracts/errors.ts';
import type { Status } from '../../contracts/result.ts';
import { PROVIDERS, type Provider, type Runner } from '../../contracts/runner.ts';
import { MOST_ATTEMPTS } from '../plan/bench.ts';
import type { Compressed } from '../trial/compress-trial.ts';
import {
  type ExecuteRequest,
  type ExecutionSummary,
  type Undone,
  isDone,
  openPieces,
  otherArtifact,
  titleOf,
} from '../trial/execute.ts';
import {
  type FleetJob,
  type FleetResult,
  type Stage,
  announcedWorkers,
  claimQueue,
  decodeResult,
  jobIdOf,
  openQueue,
  queueNameOf,
  referenceOf,
  releaseQueue,
} from './fleet.ts';
import { requireArtifact } from './fleet-worker.ts';
import type { Activity } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { recordPiece } from '../trial/record-piece.ts';
import { trialRow } from '../trial/rows.ts';

export interface FleetRequest extends Omit<ExecuteRequest, 'machine' | 'preparer'> {
  readonly redis: Redis;
  /** The plan's; workers of this kind serve it. */
  readonly runner: Runner;
}

const LOOK_INTERVAL_MS = 200;
/** Waiting jobs: those that free an artifact's row go first, timing last, when the fleet's machines fall quiet. */
const PRIORITIES: Readonly<Record<Stage, number>> = { judge: 1, compress: 2, time: 3 };
const STATES = ['waiting', 'prioritized', 'delayed', 'active', 'completed', 'failed'] as const;
/** What Redis may need to forget a queue when the run is stopped. */
const PATIENCE_MS = 2000;

export async function executeInFleet(request: FleetRequest): Promise<ExecutionSummary> {
  const { redis, runner, plan, done, signal, workspace } = request;
  const name = queueNameOf(runner);
  const queue = openQueue(redis, name);
  const state: FleetState = {
    request,
    queue,
    open: new Map(plan.filter((trial) => !isDone(trial, done)).map((trial) => [trial.key, trial])),
    done: {
      trials: new Map(done.trials),
      evaluations: new Set(done.evaluations),
      measurements: new Set(done.measurements),
    },
    failures: new Map(),
    seconds: { compressing: 0, checking: 0, evaluating: 0, timing: 0 },
    recorded: 0,
    undone: [],
    total: 0,
  };
  state.total = state.open.size;
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {}); // heard of where it is raced with
  const onAbort = () => aborted.reject(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  let claimed = false;
  try {
    while (state.open.size > 0) {
      signal?.throwIfAborted();
      await Promise.race([claimQueue(redis, name, `${hostname()}:${workspace.root}`), aborted.promise]);
      claimed = true;
      await Promise.race([lookAround(state), aborted.promise]);
      if (state.open.size > 0) await after(LOOK_INTERVAL_MS, undefined, signal ? { signal } : {});
    }
    await lookAround(state); // takes away what is left
    await releaseQueue(redis, name);
    return { seconds: state.seconds, recorded: state.recorded, undone: state.undone };
  } catch (error) {
    // Jobs that nobody has begun are not left to the workers; what is in work comes back to the next run.
    if (claimed)
      await Promise.race([queue.drain(true).then(() => releaseQueue(redis, name)), patience()]).catch(() => {});
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await Promise.race([queue.close(), patience()]);
  }
}

function patience(): Promise<void> {
  return after(PATIENCE_MS, undefined, { ref: false });
}

interface FleetState {
  readonly request: FleetRequest;
  readonly queue: Queue;
  /** Trials with something left to do. */
  readonly open: Map<string, PlannedTrial>;
  /** What the store holds, kept up to date. */
  readonly done: {
    readonly trials: Map<string, { readonly status: Status; readonly artifact: string | null }>;
    readonly evaluations: Set<string>;
    readonly measurements: Set<string>;
  };
  /** How often a job came back without a result. */
  readonly failures: Map<string, number>;
  readonly seconds: Record<Activity, number>;
  recorded: number;
  readonly undone: Undone[];
  total: number;
}

type FleetQueueJob = Job<FleetJob, string, Stage>;

async function lookAround(state: FleetState): Promise<void> {
  const { queue, open } = state;
  const held = new Map<string, string>();
  // A job that moves on between two of these looks may be missed; adding it again then changes nothing.
  for (const status of STATES) for (const id of await queue.getRanges([status], 0, -1)) held.set(id, status);
  for (const [id, status] of held) {
    if (status !== 'completed' && status !== 'failed') continue;
    const job = (await queue.getJob(id)) as FleetQueueJob | undefined;
    if (!job) continue;
    const trial = open.get(job.data.trial.key);
    if (trial && status === 'failed') noteFailure(state, trial, { id, reason: job.failedReason });
    if (trial && status === 'completed') {
      const next = collect(state, trial, job);
      if (next) {
        await addJobs(queue, [next]);
        held.set(next.id, 'waiting');
      }
    }
    await job.remove();
    held.delete(id);
  }
  const wanted = [...open.values()].flatMap((trial) => nextJob(state, trial, held) ?? []);
  await addJobs(
    queue,
    wanted.filter(({ id }) => !held.has(id)),
  );
  const asked = new Set(wanted.map(({ id }) => id));
  for (const [id, status] of held) {
    // One in work cannot be taken away: it is when it is through.
    if (!asked.has(id) && status !== 'active') await (await queue.getJob(id))?.remove().catch(() => {});
  }
}

interface NewJob {
  readonly id: string;
  readonly stage: Stage;
  readonly data: FleetJob;
}

async function addJobs(queue: Queue, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  await queue.addBulk(
    jobs.map(({ id, stage, data }) => ({
      name: stage,
      data,
      opts: { jobId: id, priority: PRIORITIES[stage], removeOnComplete: false, removeOnFail: false },
    })),
  );
}

function newJob(state: FleetState, stage: Stage, trial: PlannedTrial, artifact: FleetJob['artifact']): NewJob {
  const data = { trial: referenceOf(trial), limits: state.request.limits, artifact };
  return { id: jobIdOf(stage, trial.key), stage, data };
}

/** What is to be done next for a trial, as far as store and queue know. */
function nextJob(state: FleetState, trial: PlannedTrial, held: ReadonlyMap<string, string>): NewJob | undefined {
  const { done, request } = state;
  const stored = done.trials.get(trial.key);
  if (!stored) {
    const judging = jobIdOf('judge', trial.key);
    // Its data are in the queue already.
    return held.has(judging) ? newJob(state, 'judge', trial, null) : newJob(state, 'compress', trial, null);
  }
  if (stored.artifact === null || !request.workspace.hasArtifact(stored.artifact)) {
    return newJob(state, 'compress', trial, null);
  }
  const evaluations = openPieces(trial, done).filter((key) => key !== trial.measurement.key);
  const made = { startedAt: '', account: null };
  return evaluations.length > 0
    ? newJob(state, 'judge', trial, { sha256: stored.artifact, keys: evaluations, made })
    : newJob(state, 'time', trial, { sha256: stored.artifact, keys: [trial.measurement.key], made });
}

/** Records what a finished job brought; gives the job that must be queued before this one is removed. */
function collect(state: FleetState, trial: PlannedTrial, job: FleetQueueJob): NewJob | undefined {
  const result = decodeResult(job.returnvalue);
  if (result.compressed) return collectCompressed(state, trial, { ...result, compressed: result.compressed });
  const { artifact } = job.data;
  if (artifact) collectPieces(state, trial, { artifact, result });
  return undefined;
}

function collectCompressed(
  state: FleetState,
  trial: PlannedTrial,
  { machine, compressed }: FleetResult & { readonly compressed: Compressed },
): NewJob | undefined {
  const { done, request } = state;
  const { outcome, account, startedAt, wallSeconds } = compressed;
  const stored = done.trials.get(trial.key);
  state.seconds.compressing += wallSeconds;
  if (outcome.status !== 'completed') {
    if (stored) {
      leaveUndone(
        state,
        trial,
        `its artifact is gone and making it again failed: ${outcome.status}: ${outcome.reason}`,
      );
    } else {
      request.recorder.trial(trialRow({ trial, run: request.run, machine, startedAt }, account, outcome));
      state.recorded++;
      done.trials.set(trial.key, { status: outcome.status, artifact: null });
    }
    finish(state, trial, outcome);
    return undefined;
  }
  try {
    requireArtifact(request.workspace.artifactPath(outcome.value), outcome.value);
  } catch (error) {
    // What lies under the name is not it: made again, or given up with this reason.
    rmSync(request.workspace.artifactPath(outcome.value), { force: true });
    noteFailure(state, trial, { id: jobIdOf('compress', trial.key), reason: messageOf(error) });
    return undefined;
  }
  if (!stored) {
    const keys = [trial.key, ...trial.evaluations.map(({ key }) => key).filter((key) => !done.evaluations.has(key))];
    return newJob(state, 'judge', trial, { sha256: outcome.value, keys, made: { startedAt, account } });
  }
  if (stored.artifact !== outcome.value) {
    leaveUndone(state, trial, otherArtifact(stored.artifact, outcome.value));
  }
  return undefined;
}

function collectPieces(
  state: FleetState,
  trial: PlannedTrial,
  { artifact, result }: { readonly artifact: NonNullable<FleetJob['artifact']>; readonly result: FleetResult },
): void {
  const { done, request } = state;
  const { sha256, made } = artifact;
  for (const { piece, finishedAtMs } of result.pieces ?? []) {
    const { activity, key, outcome, wallSeconds } = piece;
    const known =
      activity === 'checking'
        ? done.trials.has(key)
        : (activity === 'evaluating' ? done.evaluations : done.measurements).has(key);
    // Done twice, as when a worker was taken for dead: the first result stands.
    if (known) continue;
    const { run, recorder } = request;
    const { machine } = result;
    const compressedAt = made.startedAt;
    recordPiece(recorder, { trial, run, machine, sha256, account: made.account, compressedAt, piece, finishedAtMs });
    state.recorded++;
    state.seconds[activity] += wallSeconds;
    if (activity === 'checking') {
      const { status } = outcome;
      done.trials.set(key, { status, artifact: status === 'completed' ? sha256 : null });
      if (outcome.status !== 'completed') finish(state, trial, outcome);
    } else (activity === 'evaluating' ? done.evaluations : done.measurements).add(key);
  }
  if (result.judged?.status === 'undone') leaveUndone(state, trial, result.judged.reason);
  else if (state.open.has(trial.key) && isDone(trial, done)) finish(state, trial, { status: 'completed' });
}

function finish(
  state: FleetState,
  trial: PlannedTrial,
  outcome: { readonly status: Status; readonly reason?: string },
): void {
  const { onProgress } = state.request;
  state.open.delete(trial.key);
  onProgress?.({ kind: 'trial', trial, index: state.total - state.open.size, total: state.total });
  onProgress?.({ kind: 'finished', trial, ...outcome });
}

function leaveUndone(state: FleetState, trial: PlannedTrial, reason: string): void {
  const { done } = state;
  const keys = [...(done.trials.has(trial.key) ? [] : [trial.key]), ...openPieces(trial, done)];
  for (const key of keys) state.undone.push({ key, name: titleOf(trial), reason });
  state.open.delete(trial.key);
}

/** A job that threw or whose workers died says nothing of the method: it is queued again, but not for ever. */
function noteFailure(state: FleetState, trial: PlannedTrial, { id, reason }: { id: string; reason: string }): void {
  const failures = (state.failures.get(id) ?? 0) + 1;
  state.failures.set(id, failures);
  if (failures >= MOST_ATTEMPTS) leaveUndone(state, trial, `given up by the fleet ${failures} times: ${reason}`);
  else state.request.onProgress?.({ kind: 'again', trial, reason });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The runner a run with a fleet is for: that of the workers there are, of this provider. Waits for the first.
 *
 * @param kind beginning of a fingerprint, where workers of several kinds are there.
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
        `${provider} workers of several kinds are there; choose one with --kind: ${kinds.join(', ')}`,
      );
    }
    if (fitting[0]) return fitting[0];
    if (!told) {
      onRemark(
        `no ${provider} worker${kind && ` of kind ${kind}`} is there yet; waiting for one: ` +
          `shrinkrank worker --redis <url>${provider === PROVIDERS[0] ? '' : ` --runner ${provider}`}`,
      );
    }
    await after(LOOK_INTERVAL_MS, undefined, { signal });
  }
}
