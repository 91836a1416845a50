/**
 * Works through a plan: a child process per trial, another to judge what it made, and a row for each finished piece,
 * handed over the moment it is known. What is done already is skipped, so running again goes on where a run ended.
 */
import type { Status } from '../../contracts/result.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { Bench } from '../plan/bench.ts';
import { compressTrial } from './compress-trial.ts';
import { judgeArtifact } from '../judge/judge-artifact.ts';
import type { Activity } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { type Recorder, recordPiece } from './record-piece.ts';
import { trialRow } from './rows.ts';
import type { TrialAccount } from './trial-report.ts';
import { warmTrialCache } from './warm-trial-cache.ts';

/** What the store holds. */
export interface Done {
  readonly trials: ReadonlyMap<string, { readonly status: Status; readonly artifact: string | null }>;
  readonly evaluations: ReadonlySet<string>;
  readonly measurements: ReadonlySet<string>;
}

export interface ExecuteRequest extends Bench {
  readonly plan: readonly PlannedTrial[];
  readonly run: string;
  readonly machine: Machine;
  readonly done: Done;
  readonly recorder: Recorder;
}

export interface ExecutionSummary {
  readonly seconds: Readonly<Record<Activity, number>>;
  readonly recorded: number;
  /** Pieces without a row: their process was killed from outside again and again, or their artifact is lost. */
  readonly undone: readonly Undone[];
}

export interface Undone {
  readonly key: string;
  /** `gptq/w4g32 on stories260k` */
  readonly name: string;
  readonly reason: string;
}

export async function execute(request: ExecuteRequest): Promise<ExecutionSummary> {
  const { plan, done, signal, onProgress } = request;
  const state: ExecutionState = {
    request,
    seconds: { compressing: 0, checking: 0, evaluating: 0, timing: 0 },
    recorded: 0,
    undone: [],
  };
  const open = plan.filter((trial) => !isDone(trial, done));
  await warmTrialCache(
    request.workspace.trialCache,
    open.map(({ unit }) => unit.file),
  );
  for (const [index, trial] of open.entries()) {
    signal?.throwIfAborted();
    onProgress?.({ kind: 'trial', trial, index, total: open.length });
    await executeTrial(state, trial);
  }
  return { seconds: state.seconds, recorded: state.recorded, undone: state.undone };
}

/** True when nothing of this trial is left to do: it failed, or it and all that follows it is in the store. */
export function isDone(trial: PlannedTrial, done: Done): boolean {
  const stored = done.trials.get(trial.key);
  if (!stored) return false;
  if (stored.status !== 'completed') return true;
  return openPieces(trial, done).length === 0;
}

/** Keys of the evaluations and the measurement that are still to do. */
export function openPieces(trial: PlannedTrial, done: Pick<Done, 'evaluations' | 'measurements'>): string[] {
  return [
    ...trial.evaluations.map(({ key }) => key).filter((key) => !done.evaluations.has(key)),
    ...[trial.measurement.key].filter((key) => !done.measurements.has(key)),
  ];
}

/** `gptq/w4g32 on stories260k` */
export function titleOf({ identity }: PlannedTrial): string {
  return `${identity.method}/${identity.variant} on ${identity.model}`;
}

interface ExecutionState {
  readonly request: ExecuteRequest;
  readonly seconds: Record<Activity, number>;
  recorded: number;
  readonly undone: Undone[];
}

/** What is known of a trial while its artifact is judged. */
interface Candidate {
  readonly trial: PlannedTrial;
  readonly sha256: string;
  /** Null when the trial's row is in the store already. */
  readonly account: TrialAccount | null;
  readonly startedAt: string;
}

async function executeTrial(state: ExecutionState, trial: PlannedTrial): Promise<void> {
  const { workspace, done } = state.request;
  const stored = done.trials.get(trial.key);
  if (stored?.artifact && workspace.hasArtifact(stored.artifact)) {
    await judge(state, { trial, sha256: stored.artifact, account: null, startedAt: '' });
    return;
  }
  const made = await compress(state, trial);
  if (!made) return;
  if (stored && stored.artifact !== made.sha256) {
    leaveUndone(state, trial, { keys: openPieces(trial, done), reason: otherArtifact(stored.artifact, made.sha256) });
    return;
  }
  await judge(state, stored ? { ...made, account: null } : made);
}

export function otherArtifact(stored: string | null, made: string): string {
  return (
    `the store's artifact ${stored} is gone and making it again gave ${made}; ` +
    'run with a fresh --home, or make the method deterministic'
  );
}

function leaveUndone(
  state: ExecutionState,
  trial: PlannedTrial,
  { keys, reason }: { readonly keys: Iterable<string>; readonly reason: string },
): void {
  for (const key of keys) state.undone.push({ key, name: titleOf(trial), reason });
}

/** Runs the method. Records the row of a trial that failed and gives undefined; else the artifact is kept. */
async function compress(state: ExecutionState, trial: PlannedTrial): Promise<Candidate | undefined> {
  const { recorder, run, machine, done, onProgress } = state.request;
  const { startedAt, account, wallSeconds, outcome } = await compressTrial(state.request, trial);
  state.seconds.compressing += wallSeconds;
  if (outcome.status === 'completed') return { trial, sha256: outcome.value, account, startedAt };
  if (done.trials.has(trial.key)) {
    const reason = `its artifact is gone and making it again failed: ${outcome.status}: ${outcome.reason}`;
    leaveUndone(state, trial, { keys: openPieces(trial, done), reason });
  } else {
    recorder.trial(trialRow({ trial, run, machine, startedAt }, account, outcome));
    state.recorded++;
  }
  onProgress?.({ kind: 'finished', trial, ...outcome });
  return undefined;
}

/** Has the artifact judged and records each piece as it comes. */
async function judge(state: ExecutionState, { trial, sha256, account, startedAt }: Candidate): Promise<void> {
  const { recorder, run, machine, done, onProgress } = state.request;
  const judged = await judgeArtifact(state.request, {
    trial,
    sha256,
    keys: [...(account ? [trial.key] : []), ...openPieces(trial, done)],
    onPiece(piece) {
      state.seconds[piece.activity] += piece.wallSeconds;
      recordPiece(recorder, { trial, run, machine, sha256, account, compressedAt: startedAt, piece });
      state.recorded++;
      if (piece.activity === 'checking' && piece.outcome.status !== 'completed') {
        onProgress?.({ kind: 'finished', trial, ...piece.outcome });
      }
    },
  });
  if (judged.status === 'undone') leaveUndone(state, trial, judged);
  if (judged.status === 'judged') onProgress?.({ kind: 'finished', trial, status: 'completed' });
}
