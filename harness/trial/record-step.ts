/** Makes the row of a judged step and hands it over. */
import type { EvaluationRow, MeasurementRow, TrialRow } from '../../contracts/result.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { JudgedStep } from '../judge/judge-artifact.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { evaluationRow, measurementRow, trialRow } from './rows.ts';
import type { Made } from './trial-progress.ts';

/** Called once per finished row; returns when the row is durably on disk. */
export interface Recorder {
  trial(row: TrialRow): void;
  evaluation(row: EvaluationRow): void;
  measurement(row: MeasurementRow): void;
}

export interface StepRecord {
  readonly trial: PlannedTrial;
  readonly run: string;
  readonly machine: Machine;
  readonly sha256: string;
  /** The method's own account, for the row of a checked artifact. */
  readonly made: Made | null;
  readonly step: JudgedStep;
  /** When the step ended, milliseconds since 1970. */
  readonly finishedAtMs: number;
}

export function recordStep(recorder: Recorder, record: StepRecord): void {
  const { trial, run, machine, sha256, made, step, finishedAtMs } = record;
  const { wallSeconds } = step;
  const startedAt = new Date(finishedAtMs - wallSeconds * 1000).toISOString();
  const origin = { trial, run, machine, startedAt };
  if (step.step === 'check') {
    recorder.trial(
      trialRow({ ...origin, startedAt: made?.startedAt ?? startedAt }, made?.account ?? null, step.outcome),
    );
  } else if (step.step === 'measure') {
    recorder.measurement(measurementRow(origin, { artifact: sha256, wallSeconds, outcome: step.outcome }));
  } else {
    const planned = trial.evaluations.find(({ key }) => key === step.key);
    if (planned) {
      recorder.evaluation(evaluationRow(origin, planned, { artifact: sha256, wallSeconds, outcome: step.outcome }));
    }
  }
}
