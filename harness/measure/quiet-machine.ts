/** Waits until a machine is quiet: until the dense model takes the same time from one moment to the next. */
import { quantile } from '../../numerics/statistics/statistics.ts';
import { TIMING_PASS } from './timing-pass.ts';

export interface QuietOptions {
  /** One call of the dense model. */
  readonly call: () => Promise<unknown>;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
  readonly onWait?: (spread: number) => void;
  readonly signal?: AbortSignal;
}

export interface Quiet {
  readonly quiet: boolean;
  /** Slowest window over fastest window, minus 1, of the last look. */
  readonly spread: number;
  readonly waitedSeconds: number;
}

const PAUSE_MS = 2000;

/**
 * Looks for quietWindows × quietWindowMs at a time. Gives `quiet: false` after quietWaitSeconds: the caller says so in its
 * row. Throws what the call throws, and the signal's reason when it is aborted.
 */
export async function awaitQuietMachine(options: QuietOptions): Promise<Quiet> {
  const { now = () => performance.now(), sleep = pause, onWait, signal } = options;
  const startMs = now();
  for (;;) {
    signal?.throwIfAborted();
    const spread = await windowSpread({ ...options, now });
    const waitedSeconds = (now() - startMs) / 1000;
    if (spread <= TIMING_PASS.quietWithin) return { quiet: true, spread, waitedSeconds };
    if (waitedSeconds >= TIMING_PASS.quietWaitSeconds) return { quiet: false, spread, waitedSeconds };
    onWait?.(spread);
    await sleep(PAUSE_MS);
  }
}

/** Slowest window's median over the fastest's, minus 1. */
async function windowSpread({ call, now }: QuietOptions & { readonly now: () => number }): Promise<number> {
  const medians: number[] = [];
  for (let window = 0; window < TIMING_PASS.quietWindows; window++) {
    const times: number[] = [];
    const startMs = now();
    while (times.length === 0 || now() - startMs < TIMING_PASS.quietWindowMs) {
      const callStartMs = now();
      await call();
      times.push(now() - callStartMs);
    }
    medians.push(quantile(times, 0.5));
  }
  return Math.max(...medians) / Math.min(...medians) - 1;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
