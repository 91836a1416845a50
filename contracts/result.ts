/**
 * The rows ShrinkRank records. A run writes trials (variant × model × seed → artifact and cost), evaluations (artifact
 * × task → quality) and measurements (artifact × runner → latency, memory). Each has a key and a status, and failures
 * are rows too.
 */
import * as v from 'valibot';
import { AGREEMENT_METRICS, type Metric } from './dataset.ts';
import { ACCESS_CLASSES, FAMILIES } from './taxonomy.ts';
import { machineSchema, runnerSchema, trainingDeviceSchema } from './runner.ts';

export const STATUSES = ['completed', 'unsupported', 'failed', 'timeout', 'out-of-memory', 'invalid'] as const;
export type Status = (typeof STATUSES)[number];
/**
 * All statuses but `completed`: `invalid` is an artifact that breaks the contract, `failed` a method that threw or
 * died.
 */
export const FAILURES = ['unsupported', 'failed', 'timeout', 'out-of-memory', 'invalid'] as const;

/** SHA-256, 64 hex digits. */
export const sha256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
/** In the format of Date.toISOString, whose text order is the order of time. */
const timestamp = v.pipe(v.string(), v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/), v.isoTimestamp());
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** A figure with its confidence interval (PROTOCOL.quality.confidence). */
export const estimateSchema = v.strictObject({ value: v.number(), low: v.number(), high: v.number() });
export type Estimate = v.InferOutput<typeof estimateSchema>;

/** The cost of the compression, measured by the harness. */
export const costSchema = v.strictObject({
  wallSeconds: v.number(),
  /** User and system time of the child process. */
  cpuSeconds: v.number(),
  /** Seconds an accelerator was held for training, from the first step to the last read; null where none was used. */
  deviceSeconds: v.nullable(v.number()),
  /** Largest resident set of the child process. */
  peakMemoryBytes: count,
  /** Tokens of the calibration or training split passed to the method; 0 for data-free methods. */
  tokensSeen: count,
  gradientSteps: count,
  /** Null where the machine has no counter. */
  energyJoules: v.nullable(v.number()),
});
export type Cost = v.InferOutput<typeof costSchema>;

/** Three sizes of one artifact, none of them computed as bits × parameters; each also without the token embedding. */
export const sizeSchema = v.strictObject({
  /** Bytes of the ONNX file. */
  fileBytes: count,
  fileBytesWithoutEmbedding: count,
  /** Bytes of the ONNX file compressed with zstd (PROTOCOL.size): as shipped; decides the weight class. */
  zstdBytes: count,
  zstdBytesWithoutEmbedding: count,
  /** Elements of all initializers that hold weights, packed ones counted unpacked. */
  parameters: count,
  parametersWithoutEmbedding: count,
  nonZeroParameters: count,
  nonZeroParametersWithoutEmbedding: count,
});
export type Size = v.InferOutput<typeof sizeSchema>;

export const artifactSchema = v.strictObject({
  sha256,
  size: sizeSchema,
  /** Nodes by operator, `domain:Op` outside the standard domain, of the file itself. */
  operators: v.record(v.string(), count),
});
export type Artifact = v.InferOutput<typeof artifactSchema>;

const identityFields = {
  method: v.string(),
  variant: v.string(),
  params: v.record(v.string(), v.unknown()),
  model: v.string(),
  /** Hash over the model's source: repository, revision and file hashes. */
  modelRevision: sha256,
  /** The dataset of the calibration and training examples; null for data-free methods. */
  data: v.nullable(v.strictObject({ dataset: v.string(), contentHash: sha256 })),
  seed: count,
  /** Absent for training on the CPU and for methods that do not train. */
  trainedOn: v.optional(trainingDeviceSchema),
};

/** The identity of a trial; its key is the SHA-256 over exactly this. */
export const trialIdentitySchema = v.strictObject({
  ...identityFields,
  /** The `revision` declared by the method. */
  revision: v.pipe(count, v.minValue(1)),
  protocol: count,
});
export type TrialIdentity = v.InferOutput<typeof trialIdentitySchema>;

/** Identity of rows published before methods had revisions. New rows never have it. */
export const sourceIdentitySchema = v.strictObject({
  ...identityFields,
  /** SHA-256 over the method's source file and the files it imported. */
  methodSource: sha256,
  protocol: v.literal(1),
});
export type SourceIdentity = v.InferOutput<typeof sourceIdentitySchema>;

export type RowIdentity = TrialIdentity | SourceIdentity;

/** Either identity; errors are reported against the schema whose field the row has. */
const rowIdentitySchema = v.lazy((input): v.GenericSchema<RowIdentity> =>
  typeof input === 'object' && input !== null && 'methodSource' in input ? sourceIdentitySchema : trialIdentitySchema,
);

const trialFields = {
  kind: v.literal('trial'),
  key: sha256,
  run: v.string(),
  identity: rowIdentitySchema,
  family: v.picklist(FAMILIES),
  access: v.picklist(ACCESS_CLASSES),
  control: v.boolean(),
  /** Remarks of the method, published with the row. */
  notes: v.array(v.string()),
  /** Reason why size or speed are not what the method would really give; null when the artifact is real. */
  simulated: v.nullable(v.string()),
  machine: machineSchema,
  startedAt: timestamp,
};

export const trialSchema = v.variant('status', [
  v.strictObject({ ...trialFields, status: v.literal('completed'), artifact: artifactSchema, cost: costSchema }),
  v.strictObject({
    ...trialFields,
    status: v.picklist(FAILURES),
    /** Complete and readable: what happened and where. */
    reason: v.string(),
    /** Cost until the failure, where it could be measured. */
    cost: v.nullable(costSchema),
  }),
]);
export type TrialRow = v.InferOutput<typeof trialSchema>;

/**
 * Per-item outcomes in columns, one entry per test item in order. Sums are over the item's decisions: its predicted
 * tokens (perplexity), or the one choice of a continuation or class, whose distribution is over the choices. For a
 * predicted score the distribution is the normal one with variance 1 around it (−ln p without the constant), and no
 * decision is correct or wrong: those counts are 0.
 */
export const itemsSchema = v.strictObject({
  ids: v.array(v.string()),
  /** Group under which each item is reported; absent where the task has none. */
  slices: v.optional(v.array(v.string())),
  /** Number of decisions. */
  tokens: v.array(count),
  /** Summed negative log-likelihood in nats, of the artifact and of dense. */
  negativeLogLikelihood: v.array(v.number()),
  denseNegativeLogLikelihood: v.array(v.number()),
  /** Summed KL(dense ‖ artifact) of the decided distribution, nats. */
  klDivergence: v.array(v.number()),
  /** Decisions whose most probable outcome is the same for artifact and dense. */
  sameTop: v.array(count),
  /** Decisions whose most probable outcome is the true one. */
  correct: v.array(count),
  denseCorrect: v.array(count),
  /** Decisions that are correct under dense and wrong here, and the reverse. */
  correctToIncorrect: v.array(count),
  incorrectToCorrect: v.array(count),
  /** For classes and scores: the correct class, or the score given by people. */
  target: v.optional(v.array(v.number())),
  /** The class that scores highest, −1 for a tie; or the score. Of the artifact and of dense. */
  prediction: v.optional(v.array(v.number())),
  densePrediction: v.optional(v.array(v.number())),
  /** For classes: probability of the predicted one. */
  confidence: v.optional(v.array(share)),
  denseConfidence: v.optional(v.array(share)),
});
export type Items = v.InferOutput<typeof itemsSchema>;

export const METRICS = [
  'perplexity',
  'choice-accuracy',
  'normalized-choice-accuracy',
  'greedy-accuracy',
  'classification-accuracy',
  ...AGREEMENT_METRICS,
] as const satisfies readonly Metric[];

export const sliceQualitySchema = v.strictObject({
  slice: v.string(),
  items: count,
  estimate: estimateSchema,
  dense: v.number(),
});
export type SliceQuality = v.InferOutput<typeof sliceQualitySchema>;

export const qualitySchema = v.strictObject({
  metric: v.picklist(METRICS),
  higherIsBetter: v.boolean(),
  /** Accuracies are shares, 0 to 1. */
  estimate: estimateSchema,
  dense: v.number(),
  items: count,
  /** Decisions in all items. */
  tokens: count,
  /** The same metric by group of items, in the task's order; absent where the task has none. */
  slices: v.optional(v.array(sliceQualitySchema)),
});
export type Quality = v.InferOutput<typeof qualitySchema>;

/** Differences between the artifact and dense on the same items, paired; per decision. */
export const distanceSchema = v.strictObject({
  /** Mean negative log-likelihood minus dense's (for perplexity: of ln perplexity), nats. */
  deltaLogPerplexity: estimateSchema,
  /** Mean KL(dense ‖ artifact), nats. */
  klDivergence: estimateSchema,
  /** Share of decisions with the same most probable outcome. */
  sameTop: estimateSchema,
  correctToIncorrect: estimateSchema,
  incorrectToCorrect: estimateSchema,
});
export type Distance = v.InferOutput<typeof distanceSchema>;

/** Session options that change kernels, as passed to the runtime. */
export const sessionOptionsSchema = v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]));

const evaluationFields = {
  kind: v.literal('evaluation'),
  key: sha256,
  run: v.string(),
  trial: sha256,
  artifact: sha256,
  task: v.string(),
  dataset: v.strictObject({ dataset: v.string(), contentHash: sha256 }),
  protocol: count,
  /** The model was trained on this dataset: good for comparing with dense, not for judging the model. */
  inSample: v.boolean(),
  sessionOptions: sessionOptionsSchema,
  machine: machineSchema,
  startedAt: timestamp,
  wallSeconds: v.number(),
};

export const evaluationSchema = v.variant('status', [
  v.strictObject({
    ...evaluationFields,
    status: v.literal('completed'),
    quality: qualitySchema,
    distance: distanceSchema,
    outcomes: itemsSchema,
  }),
  v.strictObject({ ...evaluationFields, status: v.picklist(FAILURES), reason: v.string() }),
]);
export type EvaluationRow = v.InferOutput<typeof evaluationSchema>;

/** Latency at one shape: raw samples of artifact and dense, taken alternately in the same processes. */
export const shapeLatencySchema = v.strictObject({
  /** `8x128`, or `8x128-all-cores`. */
  shape: v.string(),
  batch: count,
  sequence: count,
  /** Threads within an operator. Absent in protocol 1, where the row's number applies to every shape. */
  threads: v.optional(count),
  /** Index of the process each round ran in, from 0. Absent in protocol 1, which timed in one process. */
  processes: v.optional(v.array(count)),
  /** One entry per round, milliseconds per call. */
  samplesMs: v.array(v.number()),
  denseSamplesMs: v.array(v.number()),
  p50Ms: v.number(),
  p95Ms: v.number(),
  denseP50Ms: v.number(),
  /** Speed-up: dense time over artifact time; above 1 the artifact is faster. */
  speedUp: estimateSchema,
  coefficientOfVariation: v.number(),
  noisy: v.boolean(),
});
export type ShapeLatency = v.InferOutput<typeof shapeLatencySchema>;

/** How the latency of a measurement was obtained. */
export const timingSchema = v.strictObject({
  /** Fresh processes per timing. */
  processes: count,
  /** Number of timings; the steadiest of each shape counts. */
  attempts: count,
  /** Whether threads were bound to cores. */
  pinned: v.boolean(),
  /** Whether the machine was quiet before the last timing; null where this was not checked. */
  quiet: v.nullable(v.boolean()),
  /** Time spent waiting for a quiet machine and on timings after the first. */
  waitedSeconds: v.number(),
});
export type Timing = v.InferOutput<typeof timingSchema>;

export const placementSchema = v.strictObject({
  /** Executed nodes by execution provider. */
  nodes: v.record(v.string(), count),
  /** Share of kernel time by execution provider. */
  timeShare: v.record(v.string(), share),
  /** Executed nodes by operator of the optimised graph. */
  operators: v.record(v.string(), count),
});
export type Placement = v.InferOutput<typeof placementSchema>;

/** One task scored on the device and on the CPU, with the same artifact and items. */
export const deviceQualitySchema = v.strictObject({
  task: v.string(),
  metric: v.picklist(METRICS),
  items: count,
  decisions: count,
  value: v.number(),
  cpuValue: v.number(),
  /** Mean and largest over items of |−ln p on the device minus that on the CPU|, nats per decision. */
  meanDifference: v.number(),
  largestDifference: v.number(),
  /** Decisions that are correct on one and wrong on the other, as far as counts per item show. */
  changedDecisions: count,
  /** Tolerance of PROTOCOL.device. */
  withinTolerance: v.boolean(),
});
export type DeviceQuality = v.InferOutput<typeof deviceQualitySchema>;

/** Additional fields of a measurement on a device. */
export const deviceFiguresSchema = v.strictObject({
  /** Remarks a reader must know before using the row's figures; usually empty. */
  findings: v.array(v.string()),
  /** Source of the device's part of timeShare: its own clock, or the time that the CPU's kernels leave. */
  timeBasis: v.picklist(['device-clock', 'run-time']),
  /** Logits stayed on the device while timing; otherwise the samples include the copy to the host. */
  outputsKept: v.boolean(),
  /**
   * By shape: median time of a call that only fills an output of the logits' size and copies it to the host,
   * milliseconds.
   */
  copyMs: v.record(v.string(), v.number()),
  /**
   * Growth of the process's memory on the device by loading and running once; null where the system does not report it.
   */
  memoryBytes: v.nullable(count),
  denseMemoryBytes: v.nullable(count),
  /** At the last shape: power of the whole device times time; null where the system does not report it. */
  joulesPerCall: v.nullable(v.number()),
  denseJoulesPerCall: v.nullable(v.number()),
  quality: v.array(deviceQualitySchema),
});
export type DeviceFigures = v.InferOutput<typeof deviceFiguresSchema>;

const measurementFields = {
  kind: v.literal('measurement'),
  key: sha256,
  run: v.string(),
  trial: sha256,
  artifact: sha256,
  runner: runnerSchema,
  protocol: count,
  threads: count,
  sessionOptions: sessionOptionsSchema,
  startedAt: timestamp,
  wallSeconds: v.number(),
};

export const measurementSchema = v.variant('status', [
  v.strictObject({
    ...measurementFields,
    status: v.literal('completed'),
    latency: v.array(shapeLatencySchema),
    /** Absent in protocol 1. */
    timing: v.optional(timingSchema),
    /** Growth of the resident set by loading the artifact and running it once. */
    residentMemoryBytes: count,
    denseResidentMemoryBytes: count,
    placement: placementSchema,
    /** Absent on the CPU. */
    onDevice: v.optional(deviceFiguresSchema),
  }),
  v.strictObject({ ...measurementFields, status: v.picklist(FAILURES), reason: v.string() }),
]);
export type MeasurementRow = v.InferOutput<typeof measurementSchema>;

/** One execution of a suite. */
export const runSchema = v.strictObject({
  kind: v.literal('run'),
  id: v.string(),
  suite: v.string(),
  protocol: count,
  /** Git commit of the harness, with `+` when the tree had uncommitted changes; null outside a repository. */
  commit: v.nullable(v.string()),
  machine: machineSchema,
  startedAt: timestamp,
  finishedAt: v.nullable(timestamp),
  wallSeconds: v.nullable(v.number()),
  /** Wall time not spent compressing, evaluating or timing. */
  overheadSeconds: v.nullable(v.number()),
});
export type RunRow = v.InferOutput<typeof runSchema>;

/** One line of results/*.jsonl. */
export const rowSchema = v.variant('kind', [runSchema, trialSchema, evaluationSchema, measurementSchema]);
export type Row = v.InferOutput<typeof rowSchema>;
