/** Median, tail, paired speed-up and noise of timings taken in several processes. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Estimate } from '../../contracts/result.ts';
import { meanInterval } from '../../numerics/statistics/mean-interval.ts';
import { coefficientOfVariation, quantile } from '../../numerics/statistics/statistics.ts';
import { type PairedSamples, ratiosOf } from './latency.ts';

/** Latency at one shape over several processes, dense timed beside it. */
export interface TimedLatency extends TimedShape {
  readonly shape: string;
  /** One entry per round, milliseconds per call. */
  readonly samplesMs: readonly number[];
  readonly denseSamplesMs: readonly number[];
  /** Number of the process each round ran in, from 0. */
  readonly processes: readonly number[];
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly denseP50Ms: number;
  /** Dense time over artifact time. */
  readonly speedUp: Estimate;
  readonly coefficientOfVariation: number;
  readonly noisy: boolean;
}

export interface TimedShape {
  readonly batch: number;
  readonly sequence: number;
  /** Threads within an operator. */
  readonly threads: number;
  /** Every core of the machine works on a call; else one does. */
  readonly allCores: boolean;
}

/** `8x128`, or `8x128-all-cores`. */
export function shapeId({ batch, sequence, allCores }: Omit<TimedShape, 'threads'>): string {
  return `${batch}x${sequence}${allCores ? '-all-cores' : ''}`;
}

/**
 * The speed-up is the geometric mean over processes of each process's median ratio; its interval is Student's t over the
 * logarithms, with the processes as the sample, since ratios spread more between processes than within one.
 * @param byProcess the samples of each process, at least two processes.
 */
export function summarizeLatency(shape: TimedShape, byProcess: readonly PairedSamples[]): TimedLatency {
  const samplesMs = byProcess.flatMap((process) => process.samplesMs);
  const denseSamplesMs = byProcess.flatMap((process) => process.denseSamplesMs);
  const variation = Math.max(...byProcess.map((process) => coefficientOfVariation(process.samplesMs)));
  const denseVariation = Math.max(...byProcess.map((process) => coefficientOfVariation(process.denseSamplesMs)));
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
    noisy: Math.max(variation, denseVariation) > PROTOCOL.latency.noisyAbove,
  };
}

function speedUpOf(byProcess: readonly PairedSamples[]): Estimate {
  const logRatios = byProcess.map((process) => Math.log(quantile(ratiosOf(process), 0.5)));
  const { value, low, high } = meanInterval(logRatios, PROTOCOL.quality.confidence);
  return { value: Math.exp(value), low: Math.exp(low), high: Math.exp(high) };
}

/** Of two timings of the same artifact, shape by shape, the steadier one: its interval is narrower in logarithms. */
export function steadier(first: readonly TimedLatency[], second: readonly TimedLatency[]): TimedLatency[] {
  return first.map((one) => {
    const other = second.find(({ shape }) => shape === one.shape);
    return other && unsteadiness(other) < unsteadiness(one) ? other : one;
  });
}

function unsteadiness({ noisy, speedUp }: TimedLatency): number {
  return (noisy ? 1e6 : 0) + Math.log(speedUp.high / speedUp.low);
}
