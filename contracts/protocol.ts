/**
 * The measuring rules as numbers. A change here can change results: raise PROTOCOL.version and add an entry to
 * PROTOCOL.md. Results of different versions are never compared.
 */
export const PROTOCOL = {
  version: 2,
  quality: {
    /** Threads within an operator; fixed, since the order of summation may depend on it. */
    threads: 2,
    /** Items are scored one at a time: padding or neighbours would change the ranges of dynamic quantization. */
    batchSize: 1,
    /** Maximum number of rows of logits computed at once, so that no array covers the whole sequence and vocabulary. */
    tokensPerBlock: 64,
    /** Largest difference, in nats per decision, between scores from separate sessions and from one session. */
    pairTolerance: 1e-4,
    confidence: 0.95,
    bootstrapResamples: 2000,
    bootstrapSeed: 'protocol-1',
  },
  comparison: {
    /**
     * Differences within which two entries count as equal: relative for perplexity and time, share of items for
     * accuracy.
     */
    margins: { perplexity: 0.005, accuracy: 0.01, latency: 0.03 },
  },
  calibration: {
    /** Tokens drawn from the calibration split for one trial. */
    tokenBudget: 16_384,
  },
  latency: {
    threads: 1,
    /** Two typical uses: one token alone, and a batch of long rows; the order of methods can differ between them. */
    shapes: [
      { id: '1x1', batch: 1, sequence: 1 },
      { id: '8x128', batch: 8, sequence: 128 },
    ],
    /** Number of fresh processes in which an artifact is timed: the process is the unit of the interval. */
    processes: 3,
    /** Warm-up: both are called in turn until this much time has passed, while the engine compiles. */
    warmUpMs: 60,
    /** A part of a round repeats its call until this much time has passed: well above the clock's resolution. */
    minimumSampleMs: 3,
    /** Rounds at one shape in one process: as many as fit into roundsMs, within these bounds. */
    leastRounds: 1,
    mostRounds: 8,
    roundsMs: 120,
    /** No round is started that would end later than this. */
    longestRoundsMs: 8000,
    /** A timing is noisy, and excluded from speed ranks, above this coefficient of variation of its samples. */
    noisyAbove: 0.25,
    /** Number of attempts at a noisy timing; the steadiest counts. */
    attempts: 5,
  },
  quietMachine: {
    /**
     * The machine is quiet when the slowest window of the dense model takes at most this much longer than the fastest.
     */
    within: 0.05,
    windows: 20,
    windowMs: 100,
    /** Waiting for one measurement ends after this long; the timing is then taken on a machine that is not quiet. */
    waitSeconds: 120,
    /** Seconds that a run may spend on waiting and repeating, and additional seconds per second of timing. */
    patienceSeconds: 30,
    patienceShare: 0.5,
  },
  device: {
    /**
     * Difference between device and CPU for the same artifact, in nats per decision, above which the row has a remark.
     */
    meanTolerance: 1e-3,
    itemTolerance: 1e-2,
    /** Share of decisions correct on one and wrong on the other above which the row has a remark. */
    changedTolerance: 0.005,
    /** Share of a run's time in CPU kernels above which the timing does not count for the device. */
    mostCpuShare: 0.5,
    /** Runs before the profiled one: the first includes compilation. */
    placementWarmUpRuns: 2,
    /** Number of calls whose median is the time of a copy, and warm-up calls before them. */
    copyWarmUpCalls: 5,
    copyCalls: 20,
    /** Duration of power sampling, for the artifact and for dense. */
    energySeconds: 3,
  },
  cost: {
    /** Costs below this many seconds are not distinguished from zero, and enter no ratio. */
    leastSeconds: 0.2,
  },
  headline: {
    /** An entry larger than another by at most this share of bytes counts as no larger. */
    sizeTolerance: 0.05,
  },
  size: {
    /** Zstd level of the size as shipped, for files up to this many bytes and for larger ones. */
    smallFileBytes: 8 * 2 ** 20,
    smallFileLevel: 19,
    largeFileLevel: 12,
  },
  /** Weight classes: lower bounds of the dense file's zstd bytes divided by the artifact's. */
  weightClasses: [2, 4, 8, 16],
} as const;
