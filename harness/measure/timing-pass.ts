/**
 * The numbers of a timing pass: timing in several processes, both orders in each round, on a quiet machine with threads bound
 * to cores. Measured by scripts/timing-spread.ts; rows are still timed by PROTOCOL.latency, in one process.
 */
export const TIMING_PASS = {
  /** Fresh processes an artifact is timed in: the process is the unit of the interval. */
  processes: 3,
  warmUpRuns: 5,
  warmUpMs: 100,
  /** Rounds of one process. A round times candidate and dense, then dense and candidate, and averages. */
  rounds: 8,
  /** Each of the four parts of a round repeats its call until this much time has passed. */
  minimumSampleMs: 5,
  /** A noisy timing is repeated, this many timings in all; the steadiest stands. */
  attempts: 5,
  /** The machine is quiet when the slowest of the dense model's windows takes at most this share more than the fastest. */
  quietWithin: 0.05,
  quietWindows: 20,
  quietWindowMs: 100,
  quietWaitSeconds: 120,
} as const;
