/**
 * Latency of an artifact and the dense model, timed by tinybench in one process. Each round calls both, with alternating
 * order, so drift and other load on the machine affect both and cancel in the paired ratio.
 */
import { Bench } from 'tinybench';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ShapeLatency } from '../../contracts/result.ts';
import type { Feeds, Session } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { bootstrapMedian } from '../../numerics/statistics/bootstrap.ts';
import { coefficientOfVariation, quantile } from '../../numerics/statistics/statistics.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';

export interface TimedPair {
  readonly candidate: () => Promise<unknown>;
  readonly dense: () => Promise<unknown>;
}

export interface RoundOptions {
  /** Least number of calls of each before timing, and least time they must take. */
  readonly warmUpRuns: number;
  readonly warmUpMs: number;
  readonly rounds: number;
  readonly minimumSampleMs: number;
  readonly onProgress?: (share: number) => void;
  /** The clock in milliseconds; performance.now unless given. */
  readonly now?: () => number;
}

export interface PairedSamples {
  /** One mean per round, milliseconds per call. */
  readonly samplesMs: number[];
  readonly denseSamplesMs: number[];
}

/** Times both functions in alternating rounds. Rethrows what they throw. */
export async function timeAlternating(pair: TimedPair, options: RoundOptions): Promise<PairedSamples> {
  const { now = () => performance.now() } = options;
  const start = now();
  for (let run = 0; run < options.warmUpRuns || now() - start < options.warmUpMs; run++) {
    await pair.candidate();
    await pair.dense();
  }
  const samplesMs: number[] = [];
  const denseSamplesMs: number[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const order = round % 2 === 0 ? (['candidate', 'dense'] as const) : (['dense', 'candidate'] as const);
    const bench = new Bench({
      iterations: 1,
      time: options.minimumSampleMs,
      warmup: false,
      throws: true,
      now,
    });
    for (const side of order) bench.add(side, pair[side], { async: true });
    await bench.run();
    samplesMs.push(meanLatencyMs(bench, 'candidate'));
    denseSamplesMs.push(meanLatencyMs(bench, 'dense'));
    options.onProgress?.((round + 1) / options.rounds);
  }
  return { samplesMs, denseSamplesMs };
}

function meanLatencyMs(bench: Bench, side: keyof TimedPair): number {
  const result = bench.getTask(side)?.result;
  if (result?.state !== 'completed') throw new Error(`timing of ${side} ended in state ${result?.state}`);
  return result.latency.mean;
}

/** Dense's time over the candidate's, round by round. */
export function ratiosOf({
  samplesMs,
  denseSamplesMs,
}: Readonly<Record<keyof PairedSamples, readonly number[]>>): number[] {
  return samplesMs.map((ms, round) => present(denseSamplesMs[round], 'dense sample of a round') / ms);
}

/** Median, tail, paired speed-up and noise of samples taken in rounds. */
export function summarizeSamples(
  shape: { readonly batch: number; readonly sequence: number },
  { samplesMs, denseSamplesMs }: PairedSamples,
): ShapeLatency {
  const id = `${shape.batch}x${shape.sequence}`;
  const variation = coefficientOfVariation(samplesMs);
  return {
    shape: id,
    batch: shape.batch,
    sequence: shape.sequence,
    samplesMs,
    denseSamplesMs,
    p50Ms: quantile(samplesMs, 0.5),
    p95Ms: quantile(samplesMs, 0.95),
    denseP50Ms: quantile(denseSamplesMs, 0.5),
    speedUp: bootstrapMedian({
      values: Float64Array.from(ratiosOf({ samplesMs, denseSamplesMs })),
      resamples: PROTOCOL.quality.bootstrapResamples,
      confidence: PROTOCOL.quality.confidence,
      seed: `${PROTOCOL.quality.bootstrapSeed}/latency/${id}`,
    }),
    coefficientOfVariation: variation,
    // Noise in the dense samples affects the ratio as much.
    noisy: Math.max(variation, coefficientOfVariation(denseSamplesMs)) > PROTOCOL.latency.noisyAbove,
  };
}

/** Times both sessions at one shape, by the protocol. Feeds and room for the logits are made once, before any timing. */
export async function measureShape(params: {
  readonly candidate: Session;
  readonly dense: Session;
  readonly batch: number;
  readonly sequence: number;
  readonly vocabularySize: number;
  /** Makes the call that is timed; default copyingCall. */
  readonly callOf?: CallOf;
  readonly onProgress?: (share: number) => void;
}): Promise<ShapeLatency> {
  const { batch, sequence, vocabularySize, callOf = copyingCall, onProgress } = params;
  const ids = probeTokens({ batch, sequence, vocabularySize });
  const { warmUpRuns, warmUpMs, rounds, minimumSampleMs } = PROTOCOL.latency;
  const call = (session: Session) => callOf(session, tokenFeeds(session.inputs, ids));
  const samples = await timeAlternating(
    { candidate: await call(params.candidate), dense: await call(params.dense) },
    { warmUpRuns, warmUpMs, rounds, minimumSampleMs, ...(onProgress && { onProgress }) },
  );
  return summarizeSamples({ batch, sequence }, samples);
}

/** A call is done when the device is. */
export type CallOf = (session: Session, feeds: Feeds) => Promise<() => Promise<unknown>>;

/** Copies the logits into memory kept for them. */
export async function copyingCall(session: Session, feeds: Feeds): Promise<() => Promise<unknown>> {
  const { logits } = await session.run(feeds, { outputs: ['logits'] });
  if (logits === undefined) throw new TypeError('a session gave no logits');
  const into = { into: { logits: tensorOf('float32', logits.dims, new Float32Array(elementCount(logits.dims))) } };
  return () => session.run(feeds, into);
}
