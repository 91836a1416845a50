/** Makes a row of a judged piece and hands it over. */
import type { EvaluationRow, MeasurementRow, TrialRow } from '../../contracts/result.ts';
import type { Machine } from '../../contracts/runner.ts';
import type { JudgedPiece } from '../judge/judge-artifact.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import { evaluationRow, measurementRow, trialRow } from './rows.ts';
import type { TrialAccount } from './trial-report.ts';

/** Called once per finished row; returns when the row is on disk for good. */
export interface Recorder {
  trial(row: TrialRow): void;
  evaluation(row: EvaluationRow): void;
  measurement(row: MeasurementRow): void;
}

export interface PieceRecord {
  readonly trial: PlannedTrial;
  readonly run: string;
  readonly machine: Machine;
  readonly sha256: string;
  /** Of the method's process; what a checked artifact's row says of cost and notes. */
  readonly account: TrialAccount | null;
  /** When the method was started, ISO 8601, UTC. */
  readonly compressedAt: string;
  readonly piece: JudgedPiece;
  /** When the piece was finished, milliseconds since 1970; now where it is recorded at once. */
  readonly finishedAtMs?: number;
}

export function recordPiece(recorder: Recorder, record: PieceRecord): void {
  const { trial, run, machine, sha256, account, compressedAt, piece, finishedAtMs = Date.now() } = record;
  const { wallSeconds } = piece;
  const startedAt = new Date(finishedAtMs - wallSeconds * 1000).toISOString();
  const origin = { trial, run, machine, startedAt };
  if (piece.activity === 'checking') {
    recorder.trial(trialRow({ ...origin, startedAt: compressedAt }, account, piece.outcome));
  } else if (piece.activity === 'timing') {
    recorder.measurement(measurementRow(origin, { artifact: sha256, wallSeconds, outcome: piece.outcome }));
  } else {
    const planned = trial.evaluations.find(({ key }) => key === piece.key);
    if (planned)
      recorder.evaluation(evaluationRow(origin, planned, { artifact: sha256, wallSeconds, outcome: piece.outcome }));
  }
}
