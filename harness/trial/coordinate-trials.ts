/**
 * Keeps the states of all trials of a run and carries out what follows from outcomes: rows, counts, progress. The
 * caller does the jobs, in this process or with a fleet.
 */
import { present } from '../../contracts/present.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { Judged, JudgedStep } from '../judge/judge-artifact.ts';
import type { Bench, Step } from '../plan/bench.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { Compressed } from './compress-trial.ts';
import { type Recorder, recordStep } from './record-step.ts';
import { trialRow } from './rows.ts';
import {
  type Done,
  type Effect,
  type JobKind,
  type Made,
  type Transition,
  type TrialJob,
  type TrialState,
  afterCompress,
  afterJudging,
  afterLostJob,
  afterStep,
  jobsLeft,
  nextJob,
  titleOf,
  trialState,
} from './trial-progress.ts';

export interface CoordinateRequest extends Pick<Bench, 'workspace' | 'onProgress'> {
  readonly plan: readonly PlannedTrial[];
  readonly run: string;
  readonly done: Done;
  readonly recorder: Recorder;
}

export interface ExecutionSummary {
  /** Wall seconds by step. */
  readonly seconds: Readonly<Record<Step, number>>;
  /** Rows written. */
  readonly recorded: number;
  /** Keys without a row: their process was killed from outside again and again, or their artifact is lost. */
  readonly undone: readonly Undone[];
}

export interface Undone {
  readonly key: string;
  /** `gptq/w4g32 on stories260k` */
  readonly name: string;
  readonly reason: string;
}

/** A judged step, the machine it ran on and when it ended. */
export interface FinishedStep {
  readonly sha256: string;
  readonly made: Made | null;
  readonly step: JudgedStep;
  readonly machine: Machine;
  /** Milliseconds since 1970; default now. */
  readonly finishedAtMs?: number;
}

export interface Coordinator {
  /** Trials that have not ended, in the order of the plan. */
  readonly open: ReadonlyMap<string, PlannedTrial>;
  jobOf(trial: PlannedTrial): TrialJob | null;
  compressed(trial: PlannedTrial, compressed: Compressed, machine: Machine): void;
  step(trial: PlannedTrial, finished: FinishedStep): void;
  judged(trial: PlannedTrial, judged: Judged): void;
  lost(trial: PlannedTrial, job: { readonly kind: JobKind; readonly reason: string }): void;
  /** Tells how far the run is. @param job what this trial now does, or has just done. */
  tell(trial: PlannedTrial, job: JobKind): void;
  summary(): ExecutionSummary;
}

export function coordinateTrials({ plan, run, done, recorder, workspace, onProgress }: CoordinateRequest): Coordinator {
  const states = new Map<string, TrialState>();
  const open = new Map<string, PlannedTrial>();
  for (const trial of plan) {
    const state = trialState(trial, done);
    states.set(trial.key, state);
    if (!state.ended) open.set(trial.key, trial);
  }
  const left = () => [...states.values()].reduce((sum, state) => sum + jobsLeft(state), 0);
  const total = left();
  const seconds: Record<Step, number> = { compress: 0, check: 0, evaluate: 0, measure: 0 };
  const undone: Undone[] = [];
  let recorded = 0;

  const stateOf = ({ key }: PlannedTrial) => present(states.get(key), `the state of trial ${key}`);

  function apply(trial: PlannedTrial, { state, effects }: Transition, origin?: Origin): void {
    for (const effect of effects) carryOut(trial, effect, origin);
    states.set(trial.key, state);
    if (state.ended) open.delete(trial.key);
  }

  function carryOut(trial: PlannedTrial, effect: Effect, origin: Origin | undefined): void {
    switch (effect.kind) {
      case 'record-failure': {
        const { machine } = present(origin, 'the machine of a failed trial');
        const { startedAt, account, outcome } = effect.compressed;
        recorder.trial(trialRow({ trial, run, machine, startedAt }, account, outcome));
        recorded++;
        break;
      }
      case 'record-step': {
        const { machine, finishedAtMs = Date.now() } = present(origin, 'the machine of a step');
        const { sha256, made, step } = effect;
        recordStep(recorder, { trial, run, machine, sha256, made, step, finishedAtMs });
        seconds[step.step] += step.wallSeconds;
        recorded++;
        break;
      }
      case 'undone':
        for (const key of effect.keys) undone.push({ key, name: titleOf(trial), reason: effect.reason });
        break;
      case 'finished':
        onProgress?.({
          kind: 'finished',
          trial,
          status: effect.status,
          ...(effect.reason && { reason: effect.reason }),
        });
        break;
      case 'again':
        onProgress?.({ kind: 'again', trial, reason: effect.reason });
        break;
    }
  }

  return {
    open,
    jobOf: (trial) => nextJob(trial, stateOf(trial), (sha256) => workspace.hasArtifact(sha256)),
    compressed(trial, compressed, machine) {
      seconds.compress += compressed.wallSeconds;
      apply(trial, afterCompress(trial, stateOf(trial), compressed), { machine });
    },
    step(trial, { sha256, made, step, machine, finishedAtMs }) {
      const origin = { machine, ...(finishedAtMs !== undefined && { finishedAtMs }) };
      apply(trial, afterStep(stateOf(trial), { sha256, made, step }), origin);
    },
    judged: (trial, judged) => apply(trial, afterJudging(trial, stateOf(trial), judged)),
    lost: (trial, job) => apply(trial, afterLostJob(trial, stateOf(trial), job)),
    tell: (trial, job) => onProgress?.({ kind: 'trial', trial, done: total - left(), total, job }),
    summary: () => ({ seconds, recorded, undone }),
  };
}

interface Origin {
  readonly machine: Machine;
  readonly finishedAtMs?: number;
}
