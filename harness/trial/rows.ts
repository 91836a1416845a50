/** Puts together the rows of contracts/result.ts from a plan and what child processes reported. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Artifact, EvaluationRow, MeasurementRow, TrialRow } from '../../contracts/result.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { EvaluationValue, MeasurementValue } from '../judge/judge-child.ts';
import type { Outcome } from '../process/outcome.ts';
import { rateRemark } from '../plan/learning-rates.ts';
import type { PlannedEvaluation, PlannedTrial } from '../plan/plan.ts';
import type { TrialAccount } from './trial-report.ts';

export interface RowOrigin {
  readonly trial: PlannedTrial;
  readonly run: string;
  readonly machine: Machine;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
}

/** @param account null where the method's process left no report. */
export function trialRow(
  { trial, run, machine, startedAt }: RowOrigin,
  account: TrialAccount | null,
  outcome: Outcome<Artifact>,
): TrialRow {
  const { method } = trial.registration;
  const fields = {
    kind: 'trial' as const,
    key: trial.key,
    run,
    identity: trial.identity,
    family: method.family,
    access: method.access,
    control: method.control,
    notes: [...(account?.notes ?? []), ...trainingRemark(trial), ...rateRemark(method, trial.rate)],
    simulated: account?.simulated ?? null,
    machine,
    startedAt,
  };
  if (outcome.status !== 'completed') return { ...fields, ...outcome, cost: account?.cost ?? null };
  if (!account?.cost) throw new TypeError(`trial ${trial.key} completed without a report`);
  return { ...fields, status: 'completed', artifact: outcome.value, cost: account.cost };
}

/** Names the device a method was trained on, since costs on different devices are not comparable. */
function trainingRemark({ identity: { trainedOn } }: PlannedTrial): string[] {
  return trainedOn ? [`trained on ${trainedOn.device ?? 'a device without a name'} (${trainedOn.provider})`] : [];
}

export function evaluationRow(
  { trial, run, machine, startedAt }: RowOrigin,
  { key, task, dataset, inSample }: PlannedEvaluation,
  result: { readonly artifact: string; readonly wallSeconds: number; readonly outcome: Outcome<EvaluationValue> },
): EvaluationRow {
  const { outcome, artifact, wallSeconds } = result;
  const fields = {
    kind: 'evaluation' as const,
    key,
    run,
    trial: trial.key,
    artifact,
    task: task.id,
    dataset: { dataset: dataset.id, contentHash: dataset.contentHash },
    protocol: PROTOCOL.version,
    inSample,
    machine,
    startedAt,
    wallSeconds,
  };
  return outcome.status === 'completed'
    ? { ...fields, status: 'completed', ...outcome.value }
    : { ...fields, sessionOptions: {}, ...outcome };
}

export function measurementRow(
  { trial, run, startedAt }: RowOrigin,
  result: { readonly artifact: string; readonly wallSeconds: number; readonly outcome: Outcome<MeasurementValue> },
): MeasurementRow {
  const { outcome, artifact, wallSeconds } = result;
  const fields = {
    kind: 'measurement' as const,
    key: trial.measurement.key,
    run,
    trial: trial.key,
    artifact,
    runner: trial.measurement.runner,
    protocol: PROTOCOL.version,
    threads: PROTOCOL.latency.threads,
    startedAt,
    wallSeconds,
  };
  return outcome.status === 'completed'
    ? { ...fields, status: 'completed', ...outcome.value }
    : { ...fields, sessionOptions: {}, ...outcome };
}
