/** Median, tail, paired speed-up and noise of timings taken in several processes. */
import { shapeId } from '../../contracts/latency-shape.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate, ShapeLatency } from '../../contracts/result.ts';
import { meanInterval } from '../../numerics/statistics/mean-interval.ts';
import { coefficientOfVariation, quantile } from '../../numerics/statistics/statistics.ts';
import type { PairedSamples } from './time-both-orders.ts';

export interface TimedShape {
  readonly batch: number;
  readonly sequence: number;
  /** Threads within an operator. */
  readonly threads: number;
}

/**
 * The speed-up is the geometric mean over processes of each process's median ratio; its interval is Student's t over the
 * logarithms, with the processes as the sample, since ratios spread more between processes than within one.
 * @param byProcess the samples of each process, at least two processes.
 */
export function summarizeLatency(shape: TimedShape, byProcess: readonly PairedSamples[]): ShapeLatency {
  const samplesMs = byProcess.flatMap((process) => process.samplesMs);
  const denseSamplesMs = byProcess.flatMap((process) => process.denseSamplesMs);
  const variation = coefficientOfVariation(samplesMs);
  return {
    ...shape,
    shape: shapeId(shape),
    samplesMs,
    denseSamplesMs,
    processes: byProcess.flatMap((process, index) => process.samplesMs.map(() => index)),
    p50Ms: quantile(samplesMs, 0.5),
    p95Ms: quantile(samplesMs, 0.95),
    denseP50Ms: quantile(denseSamplesMs, 0.5),
    speedUp: speedUpOf(byProcess),
    coefficientOfVariation: variation,
    // A disturbed dense run spoils the ratio as much.
    noisy: Math.max(variation, coefficientOfVariation(denseSamplesMs)) > PROTOCOL.latency.noisyAbove,
  };
}

function speedUpOf(byProcess: readonly PairedSamples[]): Estimate {
  const logRatios = byProcess.map((process) => Math.log(quantile(ratiosOf(process), 0.5)));
  const { value, low, high } = meanInterval(logRatios, PROTOCOL.quality.confidence);
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) };
}

/** Dense's time over the candidate's, round by round. */
export function ratiosOf({
  samplesMs,
  denseSamplesMs,
}: Readonly<Record<keyof PairedSamples, readonly number[]>>): number[] {
  return samplesMs.map((ms, round) => present(denseSamplesMs[round], 'dense sample of a round') / ms);
}

/** Of two timings of the same artifact, shape by shape, the steadier one: its interval is narrower in logarithms. */
export function steadier(first: readonly ShapeLatency[], second: readonly ShapeLatency[]): ShapeLatency[] {
  return first.map((one) => {
    const other = second.find(({ shape }) => shape === one.shape);
    return other && isSteadier(other, one) ? other : one;
  });
}

function isSteadier(one: ShapeLatency, other: ShapeLatency): boolean {
  if (one.noisy !== other.noisy) return other.noisy;
  return one.speedUp.high / one.speedUp.low < other.speedUp.high / other.speedUp.low;
}
