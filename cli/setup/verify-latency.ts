/** Latency and speed-up of a measurement, computed again from its samples. */
import type { MeasurementRow, ShapeLatency } from '../../contracts/result.ts';
import { ratiosOf, summarizeLatency } from '../../harness/measure/summarize-latency.ts';
import { coefficientOfVariation, quantile } from '../../numerics/statistics/statistics.ts';
import { type CheckField, requireEqual, requireEstimate, requireNear } from './verify-field.ts';

type CompletedMeasurement = Extract<MeasurementRow, { status: 'completed' }>;

export function verifyLatency({ latency, placement }: CompletedMeasurement, refuse: CheckField): void {
  const shapes = latency.map(({ shape }) => shape);
  if (new Set(shapes).size !== shapes.length) refuse('latency', 'each shape once', shapes.join(', '));
  for (const [index, each] of latency.entries()) verifyShape(each, `latency.${index}`, refuse);
  const share = Object.values(placement.timeShare).reduce((sum, part) => sum + part, 0);
  if (share > 1 + 1e-6) refuse('placement.timeShare', 'shares of a whole', share);
}

function verifyShape(latency: ShapeLatency, field: string, refuse: CheckField): void {
  const { samplesMs, denseSamplesMs, processes, threads } = latency;
  for (const column of ['samplesMs', 'denseSamplesMs'] as const) {
    const odd = latency[column].findIndex((ms) => !(ms > 0));
    if (odd >= 0) refuse(`${field}.${column}.${odd}`, 'more than 0', latency[column][odd] ?? '');
  }
  requireEqual(refuse, `${field}.denseSamplesMs`, `${samplesMs.length} samples`, `${denseSamplesMs.length} samples`);
  if (samplesMs.length < 2) refuse(`${field}.samplesMs`, 'at least 2 samples', samplesMs.length);
  requireNear(refuse, `${field}.p50Ms`, quantile(samplesMs, 0.5), latency.p50Ms);
  requireNear(refuse, `${field}.p95Ms`, quantile(samplesMs, 0.95), latency.p95Ms);
  requireNear(refuse, `${field}.denseP50Ms`, quantile(denseSamplesMs, 0.5), latency.denseP50Ms);
  requireNear(
    refuse,
    `${field}.coefficientOfVariation`,
    coefficientOfVariation(samplesMs),
    latency.coefficientOfVariation,
  );
  if (processes === undefined || threads === undefined) {
    // Protocol 1: the median ratio of one process.
    requireEstimate(refuse, `${field}.speedUp`, quantile(ratiosOf(latency), 0.5), latency.speedUp);
    return;
  }
  const byProcess = Map.groupBy(samplesMs.keys(), (round) => processes[round] ?? -1);
  const pick = (samples: readonly number[], rounds: readonly number[]) => rounds.map((round) => samples[round] ?? NaN);
  const again = summarizeLatency(
    { ...latency, threads },
    [...byProcess.values()].map((rounds) => ({
      samplesMs: pick(samplesMs, rounds),
      denseSamplesMs: pick(denseSamplesMs, rounds),
    })),
  );
  for (const part of ['value', 'low', 'high'] as const) {
    requireNear(refuse, `${field}.speedUp.${part}`, again.speedUp[part], latency.speedUp[part]);
  }
  requireEqual(refuse, `${field}.noisy`, String(again.noisy), String(latency.noisy));
  requireEqual(refuse, `${field}.shape`, again.shape, latency.shape);
}
