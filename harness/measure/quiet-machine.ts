/** Waits until a machine is quiet: until the dense model takes the same time from one moment to the next. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import { quantile } from '../../numerics/statistics/statistics.ts';

export interface QuietOptions {
  /** One call of the dense model. */
  readonly call: () => Promise<unknown>;
  /** Looks until this much time has passed, at least once. */
  readonly waitSeconds: number;
  readonly now?: () => number;
  readonly sleep?: (ms: number) => Promise<void>;
}

export interface Quiet {
  readonly quiet: boolean;
  /** Slowest window over fastest window, minus 1, of the last look. */
  readonly spread: number;
  readonly waitedSeconds: number;
}

const PAUSE_MS = 2000;

/** Gives `quiet: false` after waitSeconds: the caller says so in its row. Throws what the call throws. */
export async function awaitQuietMachine(options: QuietOptions): Promise<Quiet> {
  const { now = () => performance.now(), sleep = pause, waitSeconds } = options;
  const startMs = now();
  for (;;) {
    const spread = await windowSpread({ ...options, now });
    const waitedSeconds = (now() - startMs) / 1000;
    if (spread <= PROTOCOL.quietMachine.within) return { quiet: true, spread, waitedSeconds };
    if (waitedSeconds + PAUSE_MS / 1000 >= waitSeconds) return { quiet: false, spread, waitedSeconds };
    await sleep(PAUSE_MS);
  }
}

/** Slowest window's median over the fastest's, minus 1. */
async function windowSpread({ call, now }: QuietOptions & { readonly now: () => number }): Promise<number> {
  const { windows, windowMs } = PROTOCOL.quietMachine;
  const medians: number[] = [];
  for (let window = 0; window < windows; window++) {
    const times: number[] = [];
    const startMs = now();
    while (times.length === 0 || now() - startMs < windowMs) {
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
