/**
 * The rules of measuring, as numbers. Anything here that changes can move a result: raise PROTOCOL.version and add an
 * entry to PROTOCOL.md. Results of different versions never share a column.
 */
export const PROTOCOL = {
  version: 2,
  quality: {
    /** Threads within an operator; pinned, since the order of summation may follow it. */
    threads: 2,
    /** Items are scored one at a time: padding or neighbours would move the ranges of dynamic quantization. */
    batchSize: 1,
    /** Rows of logits that are computed at once, at most: no array has the whole sequence by the whole vocabulary. */
    tokensPerBlock: 64,
    /** Nats per decision by which scores from sessions of their own may differ from those of one session. */
    pairTolerance: 1e-4,
    confidence: 0.95,
    bootstrapResamples: 2000,
    bootstrapSeed: 'protocol-1',
  },
  comparison: {
    /** Differences within which two entries count as equal: of perplexity and time as a share, of accuracy in share of items. */
    margins: { perplexity: 0.005, accuracy: 0.01, latency: 0.03 },
  },
  calibration: {
    /** Tokens drawn from the calibration split for one trial. */
    tokenBudget: 16_384,
  },
  latency: {
    threads: 1,
    /** Two ends of use: one token by itself, and a batch of long rows; orders invert between them. */
    shapes: [
      { id: '1x1', batch: 1, sequence: 1 },
      { id: '8x128', batch: 8, sequence: 128 },
    ],
    /** Fresh processes that an artifact is timed in: the process is the unit of the interval. */
    processes: 3,
    /** Both are called in turn until this much time has passed: the engine compiles meanwhile. */
    warmUpMs: 60,
    /** A part of a round repeats its call until this much time has passed: well above the clock's grain. */
    minimumSampleMs: 3,
    /** Rounds at one shape in one process: as many as fit into roundsMs, within these bounds. */
    leastRounds: 1,
    mostRounds: 8,
    roundsMs: 120,
    /** Whatever the number of rounds, none is begun that would end later than this. */
    longestRoundsMs: 8000,
    /** Coefficient of variation of the samples above which a timing is noisy and left out of speed ranks. */
    noisyAbove: 0.25,
    /** A noisy timing is repeated, this many timings in all; the steadiest stands. */
    attempts: 5,
  },
  quietMachine: {
    /** The machine is quiet when the slowest of the dense model's windows takes at most this share more than the fastest. */
    within: 0.05,
    windows: 20,
    windowMs: 100,
    /** Waits of one measurement end after this long, and the timing is taken as it comes. */
    waitSeconds: 120,
    /** Seconds that all waiting and repeating of a run may take, and more of them per second of timing. */
    patienceSeconds: 30,
    patienceShare: 0.5,
  },
  device: {
    /** Differences between device and CPU of the same artifact, nats per decision, above which a row says so. */
    meanTolerance: 1e-3,
    itemTolerance: 1e-2,
    /** Share of decisions right on one and wrong on the other above which a row says so. */
    changedTolerance: 0.005,
    /** Share of a run's time in kernels of the CPU above which a row is none of its device. */
    mostCpuShare: 0.5,
    /** Runs before the profiled one: the first compiles. */
    placementWarmUpRuns: 2,
    /** Calls whose median is the time of a copy, and calls before them. */
    copyWarmUpCalls: 5,
    copyCalls: 20,
    /** Power is sampled for this long, of the artifact and of dense each. */
    energySeconds: 3,
  },
  cost: {
    /** Seconds below which a cost is not told apart from none, and enters no ratio. */
    leastSeconds: 0.2,
  },
  headline: {
    /** An entry this much larger than another, as a share of bytes, still counts as no larger. */
    sizeTolerance: 0.05,
  },
  size: {
    /** Zstd level that stands for "as shipped", of files up to this many bytes and of larger ones. */
    smallFileBytes: 8 * 2 ** 20,
    smallFileLevel: 19,
    largeFileLevel: 12,
  },
  /** Classes of size as shipped: zstd bytes of the dense file divided by those of the artifact, at least. */
  weightClasses: [2, 4, 8, 16],
} as const;
