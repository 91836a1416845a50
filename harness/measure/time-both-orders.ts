/**
 * Times an artifact beside dense by tinybench in one process, in rounds of both orders: candidate then dense, and dense then
 * candidate, averaged. Whoever goes first in a round is favoured, and a round of one order hands that to one side.
 */
import { Bench } from 'tinybench';
import { PROTOCOL } from '../../contracts/protocol.ts';

export interface TimedPair {
  readonly candidate: () => Promise<unknown>;
  readonly dense: () => Promise<unknown>;
}

export interface PairedSamples {
  /** One mean per round, milliseconds per call. */
  readonly samplesMs: number[];
  readonly denseSamplesMs: number[];
}

export interface TimingOptions {
  /** When the warm-up began, on the clock: calls before count towards it. */
  readonly warmUpStartMs: number;
  readonly denseFirst: boolean;
  /** The clock in milliseconds; performance.now unless given. */
  readonly now?: () => number;
}

/**
 * Warms both up and times them in as many rounds as PROTOCOL.latency has room for. A round that would take longer than all
 * rounds may is left at its first order. Rethrows what the calls throw.
 */
export async function timeBothOrders(pair: TimedPair, options: TimingOptions): Promise<PairedSamples> {
  const { warmUpStartMs, denseFirst, now = () => performance.now() } = options;
  while (now() - warmUpStartMs < PROTOCOL.latency.warmUpMs) {
    await pair.candidate();
    await pair.dense();
  }
  const forward = denseFirst ? (['dense', 'candidate'] as const) : (['candidate', 'dense'] as const);
  const turns: { readonly candidate: number; readonly dense: number }[] = [];
  const startMs = now();
  do {
    const order = turns.length % 2 === 0 ? forward : forward.toReversed();
    const bench = new Bench({
      iterations: 1,
      time: PROTOCOL.latency.minimumSampleMs,
      warmup: false,
      throws: true,
      now,
    });
    for (const side of order) bench.add(side, pair[side], { async: true });
    await bench.run();
    turns.push({ candidate: meanLatencyMs(bench, 'candidate'), dense: meanLatencyMs(bench, 'dense') });
  } while (!areEnough(turns.length, now() - startMs));
  return {
    samplesMs: pairMeans(turns.map(({ candidate }) => candidate)),
    denseSamplesMs: pairMeans(turns.map(({ dense }) => dense)),
  };
}

/** @param turns parts of rounds, of one order each. */
function areEnough(turns: number, elapsedMs: number): boolean {
  const { leastRounds, mostRounds, roundsMs, longestRoundsMs } = PROTOCOL.latency;
  if (turns === 1) return 2 * elapsedMs > longestRoundsMs;
  if (turns % 2 === 1) return false;
  const rounds = turns / 2;
  const withNextMs = (elapsedMs * (rounds + 1)) / rounds;
  return rounds >= mostRounds || (rounds >= leastRounds && elapsedMs >= roundsMs) || withNextMs > longestRoundsMs;
}

function meanLatencyMs(bench: Bench, side: keyof TimedPair): number {
  const result = bench.getTask(side)?.result;
  if (result?.state !== 'completed') throw new Error(`timing of ${side} ended in state ${result?.state}`);
  return result.latency.mean;
}

/** Means of the first and second, third and fourth …; a lone one stands for itself. */
function pairMeans(values: readonly number[]): number[] {
  if (values.length === 1) return [...values];
  return values.flatMap((value, index) => {
    const next = values[index + 1];
    return index % 2 === 0 && next !== undefined ? [(value + next) / 2] : [];
  });
}
