/**
 * The life of a trial as a pure state machine: what is done, which job comes next, and what follows from an outcome. The
 * local run and the fleet share it; both apply its effects through coordinate-trials.ts.
 *
 * A trial has four steps: compress (the method makes the artifact), check (the contract; gives the trial's row), evaluate
 * (each task) and measure. Steps are grouped into jobs, one child process each: compress; judge, which checks and
 * evaluates; measure, which wants the machine for itself.
 */
import type { Status } from '../../contracts/result.ts';
import type { Judged, JudgedStep } from '../judge/judge-artifact.ts';
import { MOST_ATTEMPTS } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { Failure } from '../process/outcome.ts';
import type { Compressed } from './compress-trial.ts';
import type { TrialAccount } from './trial-report.ts';

export const JOBS = ['compress', 'judge', 'measure'] as const;
export type JobKind = (typeof JOBS)[number];

/** What the store holds. */
export interface Done {
  readonly trials: ReadonlyMap<string, { readonly status: Status; readonly artifact: string | null }>;
  readonly evaluations: ReadonlySet<string>;
  readonly measurements: ReadonlySet<string>;
}

/** An artifact made in this run whose trial has no row yet. */
export interface Made {
  /** When the method was started, ISO 8601, UTC. */
  readonly startedAt: string;
  readonly account: TrialAccount;
}

/** What is known of one trial. */
export interface TrialState {
  /** The trial's row; null until it is written. */
  readonly stored: { readonly status: Status; readonly artifact: string | null } | null;
  readonly openEvaluations: readonly string[];
  readonly measured: boolean;
  /** Set between a compress job and the check of its artifact. */
  readonly made: (Made & { readonly sha256: string }) | null;
  /** How often a job of each kind was lost. */
  readonly lost: Readonly<Record<JobKind, number>>;
  readonly ended: boolean;
}

/** What a trial needs next, in one child process. */
export interface TrialJob {
  readonly kind: JobKind;
  /** Null for compressing. */
  readonly artifact: {
    readonly sha256: string;
    /** Keys of the rows to make: the trial's own for the check, those of evaluations, or the measurement's. */
    readonly keys: readonly string[];
    /** Null where the trial's row is in the store. */
    readonly made: Made | null;
  } | null;
}

/** What follows from an outcome, besides the new state. */
export type Effect =
  /** Write the row of a trial whose method failed. */
  | { readonly kind: 'record-failure'; readonly compressed: Compressed & { readonly outcome: Failure } }
  /** Write the row of a step. */
  | { readonly kind: 'record-step'; readonly sha256: string; readonly made: Made | null; readonly step: JudgedStep }
  /** Leave these keys without a row, for the next run. */
  | { readonly kind: 'undone'; readonly keys: readonly string[]; readonly reason: string }
  | { readonly kind: 'finished'; readonly status: Status; readonly reason?: string }
  | { readonly kind: 'again'; readonly reason: string };

export interface Transition {
  readonly state: TrialState;
  readonly effects: readonly Effect[];
}

export function trialState(trial: PlannedTrial, done: Done): TrialState {
  const stored = done.trials.get(trial.key) ?? null;
  const state = {
    stored,
    openEvaluations: trial.evaluations.map(({ key }) => key).filter((key) => !done.evaluations.has(key)),
    measured: done.measurements.has(trial.measurement.key),
    made: null,
    lost: { compress: 0, judge: 0, measure: 0 },
  };
  return { ...state, ended: isComplete(state) };
}

/** Nothing of the trial is left to do: it failed, or it and everything that follows it is in the store. */
export function isDone(trial: PlannedTrial, done: Done): boolean {
  return trialState(trial, done).ended;
}

function isComplete({ stored, openEvaluations, measured }: Omit<TrialState, 'ended'>): boolean {
  if (!stored) return false;
  return stored.status !== 'completed' || (openEvaluations.length === 0 && measured);
}

/** Jobs until the trial ends, where none is lost: one that compresses and judges it, and one that measures it. */
export function jobsLeft({ stored, openEvaluations, ended }: TrialState): number {
  if (ended) return 0;
  return stored && openEvaluations.length === 0 ? 1 : 2;
}

/** The next job; null when the trial has ended. @param hasArtifact whether an undamaged file with this hash is at hand. */
export function nextJob(
  trial: PlannedTrial,
  state: TrialState,
  hasArtifact: (sha256: string) => boolean,
): TrialJob | null {
  const { stored, made, openEvaluations, ended } = state;
  if (ended) return null;
  const sha256 = stored ? stored.artifact : (made?.sha256 ?? null);
  if (sha256 === null || !hasArtifact(sha256)) return { kind: 'compress', artifact: null };
  if (!stored && made) {
    const { startedAt, account } = made;
    const keys = [trial.key, ...openEvaluations];
    return { kind: 'judge', artifact: { sha256, keys, made: { startedAt, account } } };
  }
  return openEvaluations.length > 0
    ? { kind: 'judge', artifact: { sha256, keys: openEvaluations, made: null } }
    : { kind: 'measure', artifact: { sha256, keys: [trial.measurement.key], made: null } };
}

/** After a compress job. */
export function afterCompress(trial: PlannedTrial, state: TrialState, compressed: Compressed): Transition {
  const { outcome, startedAt, account, beforeMethod = false } = compressed;
  const { stored } = state;
  if (outcome.status !== 'completed' && beforeMethod) {
    return leaveUndone(trial, state, `before the method was loaded: ${outcome.status}: ${outcome.reason}`);
  }
  if (outcome.status !== 'completed') {
    if (!stored) {
      return {
        state: { ...state, stored: { status: outcome.status, artifact: null }, ended: true },
        effects: [
          { kind: 'record-failure', compressed: { ...compressed, outcome } },
          { kind: 'finished', status: outcome.status, reason: outcome.reason },
        ],
      };
    }
    const reason = `the artifact is missing, and making it again failed: ${outcome.status}: ${outcome.reason}`;
    const undone = leaveUndone(trial, state, reason);
    return {
      ...undone,
      effects: [...undone.effects, { kind: 'finished', status: outcome.status, reason: outcome.reason }],
    };
  }
  if (!stored) return { state: { ...state, made: { sha256: outcome.value, startedAt, account } }, effects: [] };
  if (stored.artifact !== outcome.value) {
    return leaveUndone(trial, state, otherArtifact(stored.artifact, outcome.value));
  }
  return { state, effects: [] };
}

function otherArtifact(stored: string | null, made: string): string {
  return (
    `the store's artifact ${stored} is missing, and making it again gave ${made}; ` +
    'run with a fresh --home, or make the method deterministic'
  );
}

/** After each step of a judge or measure job. A step that is known already changes nothing: the first result stands. */
export function afterStep(
  state: TrialState,
  { sha256, made, step }: { readonly sha256: string; readonly made: Made | null; readonly step: JudgedStep },
): Transition {
  if (state.ended || isKnown(state, step)) return { state, effects: [] };
  const record: Effect = { kind: 'record-step', sha256, made, step };
  if (step.step === 'check') {
    const { outcome } = step;
    const stored = { status: outcome.status, artifact: outcome.status === 'completed' ? sha256 : null };
    if (outcome.status === 'completed') return { state: { ...state, stored, made: null }, effects: [record] };
    const finished: Effect = { kind: 'finished', status: outcome.status, reason: outcome.reason };
    return { state: { ...state, stored, made: null, ended: true }, effects: [record, finished] };
  }
  const advanced =
    step.step === 'evaluate'
      ? { ...state, openEvaluations: state.openEvaluations.filter((key) => key !== step.key) }
      : { ...state, measured: true };
  if (!isComplete(advanced)) return { state: advanced, effects: [record] };
  return { state: { ...advanced, ended: true }, effects: [record, { kind: 'finished', status: 'completed' }] };
}

function isKnown({ stored, openEvaluations, measured }: TrialState, { step, key }: JudgedStep): boolean {
  if (step === 'check') return stored !== null;
  return step === 'evaluate' ? !openEvaluations.includes(key) : measured;
}

/** After a judge or measure job has ended, its steps already applied. */
export function afterJudging(trial: PlannedTrial, state: TrialState, judged: Judged): Transition {
  return judged.status === 'undone' && !state.ended ? leaveUndone(trial, state, judged.reason) : { state, effects: [] };
}

/** A job that came back without a result says nothing about the method: it is done again, up to MOST_ATTEMPTS times. */
export function afterLostJob(
  trial: PlannedTrial,
  state: TrialState,
  { kind, reason }: { readonly kind: JobKind; readonly reason: string },
): Transition {
  if (state.ended) return { state, effects: [] };
  const count = state.lost[kind] + 1;
  const counted = { ...state, lost: { ...state.lost, [kind]: count } };
  if (count < MOST_ATTEMPTS) return { state: counted, effects: [{ kind: 'again', reason }] };
  return leaveUndone(trial, counted, `the ${kind} job was lost ${count} times: ${reason}`);
}

/** Keys without a row. */
function openKeys(trial: PlannedTrial, { stored, openEvaluations, measured }: TrialState): readonly string[] {
  return [...(stored ? [] : [trial.key]), ...openEvaluations, ...(measured ? [] : [trial.measurement.key])];
}

function leaveUndone(trial: PlannedTrial, state: TrialState, reason: string): Transition {
  return {
    state: { ...state, ended: true },
    effects: [{ kind: 'undone', keys: openKeys(trial, state), reason }],
  };
}

/** `gptq/w4g32 on stories260k` */
export function titleOf({ identity }: PlannedTrial): string {
  return `${identity.method}/${identity.variant} on ${identity.model}`;
}
