/**
 * What is derived from the rows and shown by the site: ranks, comparisons, fronts, headlines, histories. board/derive
 * computes it, drizzle/rollups.ts stores it, the site and its API show it. Nothing here is measured; PROTOCOL.md,
 * "Derived figures", defines each. Descriptions are published as the API's documentation.
 */
import * as v from 'valibot';
import { ACCESS_CLASSES, COST_CLASSES, FAMILIES } from './taxonomy.ts';
import {
  METRICS,
  STATUSES,
  artifactSchema,
  costSchema,
  deviceFiguresSchema,
  distanceSchema,
  estimateSchema,
  placementSchema,
  qualitySchema,
  sessionOptionsSchema,
  shapeLatencySchema,
  timingSchema,
  type Cost,
  type Size,
} from './result.ts';
import { PROVIDERS, deviceSchema, machineSchema } from './runner.ts';

function said<const S extends v.GenericSchema>(schema: S, text: string) {
  return v.pipe(schema, v.description(text));
}

const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const text = v.string();
const flag = v.boolean();
const figure = v.number();

/** As sizeSchema, except that means over seeds need not be integers. */
const meanSizeSchema = v.strictObject({
  fileBytes: figure,
  fileBytesWithoutEmbedding: figure,
  zstdBytes: figure,
  zstdBytesWithoutEmbedding: figure,
  parameters: figure,
  parametersWithoutEmbedding: figure,
  nonZeroParameters: figure,
  nonZeroParametersWithoutEmbedding: figure,
}) satisfies v.GenericSchema<Size>;

/** As costSchema, for means over seeds. */
const meanCostSchema = v.strictObject({
  wallSeconds: figure,
  cpuSeconds: figure,
  deviceSeconds: v.nullable(figure),
  peakMemoryBytes: figure,
  tokensSeen: figure,
  gradientSteps: figure,
  energyJoules: v.nullable(figure),
}) satisfies v.GenericSchema<Cost>;

export const entrySlug = said(
  text,
  'Names the entry in addresses and file names: letters, digits, "-", "_", ".", "~" only; unique within the store.',
);

/** Two entries on the same items, first minus second, over all seeds of both. */
export const pairedSchema = v.strictObject({
  difference: said(
    estimateSchema,
    'First minus second per decision, paired by item: nats of −ln p (perplexity) or share of right answers (accuracies).',
  ),
  shown: said(
    estimateSchema,
    'The difference as people say it: percent by which the first’s perplexity is higher, or percentage points of accuracy.',
  ),
  pValue: said(figure, 'Two-sided, over items and seeds.'),
  significant: said(flag, 'p at most 0.05.'),
  better: said(v.nullable(v.picklist(['first', 'second'])), 'Which is better; null where the test cannot tell.'),
  about: said(
    v.picklist(['the methods', 'these artifacts']),
    'What it speaks of: the artifacts alone where a side has a single seed of a method that may draw.',
  ),
});
export type Paired = v.InferOutput<typeof pairedSchema>;

export const BADGES = [
  'control',
  'simulated',
  'noisy',
  'stale',
  'one-seed',
  'narrow-interval',
  'in-sample',
  'failed',
  'unsupported',
  'timeout',
  'out-of-memory',
  'invalid',
  'annotated',
  'withdrawn',
  'unranked',
  'unfinished',
  'untimed',
  'speed-unranked',
  'device-finding',
] as const;
export type BadgeId = (typeof BADGES)[number];

export const badgeSchema = v.strictObject({
  id: v.picklist(BADGES),
  reason: said(text, 'Why this entry has it, for the reader; may hold text of methods.'),
});
export type Badge = v.InferOutput<typeof badgeSchema>;

const pieceSchema = v.strictObject({
  key: text,
  run: text,
  status: v.picklist(STATUSES),
  reason: v.nullable(text),
});

export const entrySeedSchema = v.strictObject({
  seed: count,
  key: said(text, 'Key of the trial; /api/v2/results/<key>.json has all that is known of it.'),
  run: text,
  startedAt: text,
  status: v.picklist(STATUSES),
  reason: said(v.nullable(text), 'Why it failed; null when it completed.'),
  stale: said(flag, 'Of another revision of the method or model than the registry’s, or of one no longer registered.'),
  artifact: said(v.nullable(text), 'SHA-256 of the ONNX file; null when it failed.'),
  quality: v.nullable(estimateSchema),
  evaluation: said(v.nullable(pieceSchema), 'Null when not done yet.'),
  measurement: said(v.nullable(pieceSchema), 'On the board’s runner; null when not done yet.'),
  annotations: said(v.array(text), 'Reasons of corrections that annotate its rows.'),
});
export type EntrySeed = v.InferOutput<typeof entrySeedSchema>;

/** The rank of an entry within its weight class, with its uncertainty. */
export const rankSchema = v.strictObject({
  best: said(count, '1 + the entries of the weight class that are significantly better.'),
  worst: said(
    count,
    'The number of entries less those that are significantly worse. All pairs of the class are corrected together by Holm’s method, at 5 %.',
  ),
  of: said(count, 'Entries of the weight class.'),
});
export type Rank = v.InferOutput<typeof rankSchema>;

export const sliceSchema = v.strictObject({
  slice: text,
  items: count,
  estimate: estimateSchema,
  dense: figure,
  toDense: said(pairedSchema, 'Artifact minus dense on the items of this slice.'),
  qValue: said(figure, 'p adjusted for the number of slices of the entry (Benjamini & Hochberg).'),
});
export type EntrySlice = v.InferOutput<typeof sliceSchema>;

export const entryQualitySchema = v.strictObject({
  metric: v.picklist(METRICS),
  higherIsBetter: flag,
  estimate: said(
    estimateSchema,
    'Accuracies are shares, 0 to 1. Mean over seeds; of perplexity the exponential of the mean loss. Unpaired.',
  ),
  dense: figure,
  kept: said(
    v.nullable(figure),
    'Share of dense’s quality kept: dense perplexity over perplexity; for accuracies (accuracy − chance) over (dense − chance), at least 0. Null where dense does not beat chance.',
  ),
  toDense: said(v.nullable(pairedSchema), 'Artifact minus dense on the same items, all seeds together.'),
  items: count,
  decisions: said(count, 'Predicted tokens, or items for accuracies.'),
  seedDeviation: said(v.nullable(figure), 'Sample standard deviation between seeds; null for fewer than two.'),
  slices: said(v.array(sliceSchema), 'By group of items; empty where the task has none.'),
  worstSlice: said(
    v.nullable(text),
    'The slice that lost most against dense, by point estimate; null without slices or where none lost.',
  ),
});
export type EntryQuality = v.InferOutput<typeof entryQualitySchema>;

export const entryLatencySchema = v.strictObject({
  shape: text,
  batch: count,
  sequence: count,
  threads: said(v.optional(count), 'Threads within an operator; absent in protocol 1, which used one.'),
  p50Ms: figure,
  p95Ms: figure,
  denseP50Ms: said(figure, 'Of dense, timed alternately in the same processes.'),
  speedUp: said(estimateSchema, 'Dense time over artifact time, paired by round: above 1 the artifact is faster.'),
  coefficientOfVariation: figure,
  noisy: said(flag, 'Too unsteady to be ranked by speed.'),
});
export type EntryLatency = v.InferOutput<typeof entryLatencySchema>;

export const breakEvenSchema = v.strictObject({
  shape: text,
  batch: count,
  sequence: count,
  requests: said(v.nullable(estimateSchema), 'Calls of this shape after which the extra compute is paid back.'),
  tokens: said(v.nullable(estimateSchema), 'The same in tokens: requests × batch × sequence.'),
  reason: said(v.nullable(text), 'Why it is never paid back or cannot be said; null otherwise.'),
});
export type BreakEven = v.InferOutput<typeof breakEvenSchema>;

export const computeSchema = v.strictObject({
  seconds: said(figure, 'Seconds of the accelerator where one was used, else of the processor.'),
  unit: v.picklist(['processor', 'accelerator']),
  runs: said(count, 'Compressions the seconds are the mean of.'),
  deviation: said(v.nullable(figure), 'Sample standard deviation between them; null for fewer than two.'),
});
export type Compute = v.InferOutput<typeof computeSchema>;

export const entrySchema = v.strictObject({
  slug: entrySlug,
  id: said(text, 'method/variant, for people; text of methods.'),
  method: text,
  variant: text,
  family: v.picklist(FAMILIES),
  access: v.picklist(ACCESS_CLASSES),
  costClass: v.picklist(COST_CLASSES),
  control: said(flag, 'A baseline others must beat, not a proposal; never the best of its class.'),
  params: v.record(v.string(), v.unknown()),
  badges: v.array(badgeSchema),
  notes: said(v.array(text), 'Remarks of the method.'),
  seeds: v.array(entrySeedSchema),
  statuses: said(v.record(v.string(), count), 'How many seeds ended how.'),
  size: said(
    v.nullable(meanSizeSchema),
    'Mean over seeds: the ONNX file, the file compressed by zstd (as shipped), parameters and those that are not zero; each also without the token embedding.',
  ),
  ratio: said(
    v.nullable(figure),
    'Dense bytes over these, both compressed with zstd; decides the weight class. Null without dense.',
  ),
  fileRatio: said(v.nullable(figure), 'The same of the ONNX files as they are.'),
  weightClass: said(v.nullable(count), 'Largest class whose factor the ratio reaches; null below the smallest.'),
  quality: said(v.nullable(entryQualitySchema), 'Null when no seed has one.'),
  distance: said(
    v.nullable(distanceSchema),
    'From dense on the same items, per decision: mean −ln p minus dense’s and KL(dense ‖ artifact) in nats; shares with dense’s most probable outcome, and right under dense but wrong here, and the other way.',
  ),
  latency: said(v.array(entryLatencySchema), 'On the board’s runner, by shape; mean over seeds.'),
  residentMemoryBytes: v.nullable(figure),
  denseResidentMemoryBytes: v.nullable(figure),
  cost: said(
    v.nullable(meanCostSchema),
    'What compressing took, mean over seeds: processor seconds of all threads, largest resident set of the process, tokens handed over or trained on. Null fields were not measured.',
  ),
  compute: said(v.nullable(computeSchema), 'The compute of that cost.'),
  efficiency: said(
    v.nullable(figure),
    'Quality kept × size reduction ÷ compute seconds; never the default rank. Null for controls, simulated entries, and where a part is missing.',
  ),
  paysBack: said(
    v.array(breakEvenSchema),
    'After how many calls compressing has paid back its own compute against dense.',
  ),
  rank: said(
    v.nullable(rankSchema),
    'Within its weight class, both cost classes together; null for dense and without a comparable quality.',
  ),
  place: said(
    v.nullable(count),
    'Position by quality over all sizes, from 1: for sorting only, since neighbours need not differ. Null as above.',
  ),
});
export type DerivedEntry = v.InferOutput<typeof entrySchema>;

export const VERDICTS = [
  'high-cost better',
  'low-cost better',
  'undecided',
  'depends on size',
  'larger is better',
  'only low-cost',
  'only high-cost',
  'empty',
] as const;

const ratioSchema = v.strictObject({
  value: figure,
  interval: said(
    v.nullable(v.strictObject({ low: figure, high: figure })),
    '95 %, from the spread of the costs; null where one was measured once.',
  ),
});

export const computeRatioSchema = v.strictObject({
  cheapestLowCost: said(text, 'Slug of the cheapest entry among the best low-cost one and those tied with it.'),
  cheapestHighCost: said(text, 'The same of the high-cost entries.'),
  least: said(ratioSchema, 'Compute of the cheapest high-cost entry over that of the cheapest low-cost one.'),
  most: said(ratioSchema, 'Compute of the best high-cost entry over that of the cheapest low-cost one.'),
});
export type ComputeRatio = v.InferOutput<typeof computeRatioSchema>;

/** High-cost against low-cost in one weight class, at equal size. */
export const headlineSchema = v.strictObject({
  weightClass: count,
  lowCost: said(
    v.nullable(text),
    'Slug of the low-cost entry compared, neither control nor simulated: the best of the class, or the best that is no larger than the class’s best high-cost one. Null when there is none.',
  ),
  highCost: said(v.nullable(text), 'The same the other way round.'),
  lowCostTied: said(v.array(text), 'Slugs of low-cost entries that no test separates from that one, as small.'),
  highCostTied: said(v.array(text), 'The same of the high-cost entries.'),
  comparison: said(v.nullable(pairedSchema), 'High-cost (first) minus low-cost (second). Null unless both are there.'),
  computeRatio: said(v.nullable(computeRatioSchema), 'Null where it cannot be said.'),
  noComputeRatio: said(v.nullable(text), 'Why it cannot be said; null otherwise.'),
  breakEven: said(
    v.array(breakEvenSchema),
    'After how many calls the high-cost entry’s extra compute is paid back by its faster artifact, by shape.',
  ),
  verdict: said(
    v.picklist(VERDICTS),
    'Who wins has no more bytes (within 5 %) than who loses, and all verdicts of a board are corrected together (Holm). "depends on size": each wins at one of the two sizes. "larger is better": the better one is larger, so there is no verdict.',
  ),
});
export type Headline = v.InferOutput<typeof headlineSchema>;

export const FRONT_AXES = ['size', 'latency', 'compression-cost'] as const;

export const frontSchema = v.strictObject({
  costClass: v.picklist(COST_CLASSES),
  axis: v.picklist(FRONT_AXES),
  shape: said(v.nullable(text), 'Of latency; null on the other axes.'),
  unit: said(
    v.picklist(['zstd bytes', 'speed-up', 'compute seconds', 'wall seconds']),
    'Of the axis. Wall seconds where some entries used an accelerator and others did not.',
  ),
  entries: said(
    v.array(text),
    'Slugs, best quality first: no entry of the cost class is as good on both and better on one. Controls, simulated entries and, for latency, noisy ones take no part.',
  ),
});
export type Front = v.InferOutput<typeof frontSchema>;

/** The distance between the curves of both cost classes, quality against size. */
export const betweenCurvesSchema = v.strictObject({
  smallestBytes: said(figure, 'The sizes both curves reach: from.'),
  largestBytes: said(figure, 'To.'),
  doublings: said(figure, 'How often the size doubles between them.'),
  difference: said(pairedSchema, 'High-cost (first) minus low-cost (second), the mean over these sizes.'),
  area: said(figure, 'That difference times the doublings.'),
});
export type BetweenCurves = v.InferOutput<typeof betweenCurvesSchema>;

export const boardRunnerSchema = v.strictObject({
  fingerprint: text,
  provider: v.picklist(PROVIDERS),
  machine: machineSchema,
  device: said(v.nullable(deviceSchema), 'The accelerator; null on the CPU.'),
});
export type DerivedRunner = v.InferOutput<typeof boardRunnerSchema>;

const boardFields = {
  id: said(text, 'Names the board in addresses and file names.'),
  contest: said(text, 'Model × task × protocol, shared by the boards of all runners; names the comparisons.'),
  model: text,
  task: text,
  protocol: count,
  runner: said(v.nullable(boardRunnerSchema), 'Whose latency and memory is shown; null when nothing was measured.'),
  metric: v.nullable(v.picklist(METRICS)),
  higherIsBetter: v.nullable(flag),
  entryCount: count,
  rankedCount: said(count, 'Entries with a quality.'),
  failureCount: said(count, 'Trials, evaluations and measurements of the entries that did not complete.'),
  lowCostCount: said(count, 'Ranked entries that only look, controls left out.'),
  highCostCount: said(count, 'Ranked entries that train, controls left out.'),
  timedCount: said(count, 'Entries timed on this runner.'),
  noisyShare: said(
    v.nullable(figure),
    'Share of the timings, entry by shape, that are noisy; null where nothing was timed.',
  ),
  inSample: said(flag, 'The model was trained on this data: good for comparing with dense, not for judging the model.'),
  newestAt: said(text, 'When the newest trial of the board started.'),
};

export const boardSummarySchema = v.strictObject(boardFields);
export type BoardSummary = v.InferOutput<typeof boardSummarySchema>;

export const boardSchema = v.strictObject({
  ...boardFields,
  chance: said(v.nullable(figure), 'What guessing gets; null where there is no such figure.'),
  weightClasses: v.array(count),
  shapes: v.array(v.strictObject({ shape: text, batch: count, sequence: count })),
  dense: said(v.nullable(text), 'Slug of the dense entry; null without one.'),
  notCompared: said(
    count,
    'Ranked entries left out of the paired comparisons, since the board has too many: the last by rank.',
  ),
  headline: said(v.array(headlineSchema), 'By weight class, smallest class first.'),
  betweenCurves: said(v.nullable(betweenCurvesSchema), 'Null where the curves have no sizes in common.'),
  fronts: v.array(frontSchema),
  entries: said(v.array(entrySchema), 'By method and variant.'),
});
export type DerivedBoard = v.InferOutput<typeof boardSchema>;

const column = v.array(v.nullable(figure));
/** Paired differences in columns, one entry per name in `others`; null where a single seed has no counterpart. */
const pairColumnsSchema = v.strictObject({
  value: column,
  low: column,
  high: column,
  pValue: column,
  artifactsOnly: said(v.array(flag), 'It speaks of two artifacts only: a side has a single seed.'),
});

export const comparisonsSchema = v.strictObject({
  contest: text,
  metric: v.picklist(METRICS),
  first: said(text, 'Slug of the entry all differences are taken from.'),
  others: said(
    v.array(text),
    'Slugs of the entries it is compared with: those after it in the board’s order. A pair stands in the file of the one that comes first.',
  ),
  quality: said(
    pairColumnsSchema,
    'First minus other per decision: nats of −ln p (perplexity: below 0 the first is better) or share of right answers (above 0 the first is better).',
  ),
  klDivergence: said(
    pairColumnsSchema,
    'First minus other in mean KL(dense ‖ artifact), nats per decision: below 0 the first is closer to dense.',
  ),
});
export type Comparisons = v.InferOutput<typeof comparisonsSchema>;

export const historyPointSchema = v.strictObject({
  run: text,
  startedAt: text,
  code: said(
    text,
    '"revision <n>" of the method, or "source <first 12 hex digits of a hash>" for rows from before methods had revisions.',
  ),
  dataset: said(v.nullable(text), 'First 12 hex digits of the hash over the test data; null without an evaluation.'),
  seeds: count,
  completed: said(count, 'Seeds whose trial completed.'),
  completedSeeds: said(v.array(count), 'Those seeds: what the means of size and cost are over.'),
  scoredSeeds: said(
    v.array(count),
    'Seeds with a quality: what its mean is over. Means of other seeds do not compare.',
  ),
  quality: v.nullable(estimateSchema),
  dense: v.nullable(figure),
  zstdBytes: v.nullable(figure),
  speedUps: v.array(v.strictObject({ shape: text, estimate: estimateSchema, noisy: flag })),
  wallSeconds: v.nullable(figure),
  computeSeconds: v.nullable(figure),
});
export type HistoryPoint = v.InferOutput<typeof historyPointSchema>;

export const changeSchema = v.strictObject({
  figure: said(text, '"quality", "size", "compression cost" or "speed-up <shape>".'),
  at: said(count, 'Index of the first point after the change.'),
  before: said(
    figure,
    'Level before it, of the seeds both points have: the point before for quality and size, the geometric mean of the stretch for others.',
  ),
  after: figure,
  pValue: said(v.nullable(figure), 'Null for size, which has no noise: any change is one.'),
  qValue: said(
    v.nullable(figure),
    'p adjusted for all tests of this figure on the board (Benjamini & Hochberg). Null for size, and for a further change within a series that was found to have changed.',
  ),
  foundAt: said(count, 'Index of the point whose run first showed it.'),
  better: said(flag, 'Whether it got better.'),
});
export type Change = v.InferOutput<typeof changeSchema>;

export const historySchema = v.strictObject({
  board: text,
  entry: entrySlug,
  id: text,
  points: said(v.array(historyPointSchema), 'One per run and code, oldest first.'),
  changes: said(
    v.array(changeSchema),
    'Found by tests, not by eye: of all changes reported for a figure of a board at most 5 % are false alarms on average.',
  ),
});
export type History = v.InferOutput<typeof historySchema>;

const correctionNoteSchema = v.strictObject({
  action: v.picklist(['withdraw', 'annotate']),
  reason: text,
  date: text,
});

const rowFields = {
  effective: said(
    flag,
    'Whether this row stands for its key: others were superseded, failed before, or were withdrawn.',
  ),
  run: text,
  status: v.picklist(STATUSES),
  reason: v.nullable(text),
  startedAt: text,
  machine: machineSchema,
  corrections: v.array(correctionNoteSchema),
};

/** Everything known about one trial and the measurements of its artifact. */
export const resultSchema = v.strictObject({
  key: text,
  entry: entrySlug,
  method: text,
  variant: text,
  family: v.picklist(FAMILIES),
  access: v.picklist(ACCESS_CLASSES),
  costClass: v.picklist(COST_CLASSES),
  control: flag,
  params: v.record(v.string(), v.unknown()),
  model: text,
  modelRevision: said(text, 'Hash over the model’s source.'),
  revision: said(
    v.nullable(count),
    'Revision of the method; raised whenever its artifacts change. Null in rows from before methods had revisions.',
  ),
  methodSource: said(
    v.nullable(text),
    'Hash over the method’s source file and what it imported, in rows from before methods had revisions; else null.',
  ),
  data: said(
    v.nullable(v.strictObject({ dataset: text, contentHash: text })),
    'Where calibration and training examples came from; null for data-free methods.',
  ),
  seed: count,
  protocol: count,
  command: said(
    v.nullable(text),
    'Run at the commit of its run, this makes and measures the artifact anew; null where an id cannot be typed safely.',
  ),
  trials: said(
    v.array(
      v.strictObject({
        ...rowFields,
        commit: said(v.nullable(text), 'Of the harness; ends in "+" when the tree had changes.'),
        notes: v.array(text),
        simulated: v.nullable(text),
        artifact: v.nullable(artifactSchema),
        cost: v.nullable(costSchema),
      }),
    ),
    'Every row under the key, the one that stands first.',
  ),
  evaluations: v.array(
    v.strictObject({
      ...rowFields,
      key: text,
      artifact: text,
      task: text,
      dataset: v.strictObject({ dataset: text, contentHash: text }),
      inSample: flag,
      sessionOptions: sessionOptionsSchema,
      wallSeconds: figure,
      quality: said(v.nullable(qualitySchema), 'With its slices; per-item outcomes are in the dumps.'),
      distance: v.nullable(distanceSchema),
    }),
  ),
  measurements: v.array(
    v.strictObject({
      ...rowFields,
      key: text,
      artifact: text,
      runner: v.strictObject({
        fingerprint: text,
        provider: v.picklist(PROVIDERS),
        device: said(v.nullable(deviceSchema), 'The accelerator; null on the CPU.'),
      }),
      threads: count,
      sessionOptions: sessionOptionsSchema,
      wallSeconds: figure,
      latency: said(v.array(shapeLatencySchema), 'Raw samples included, one per round.'),
      timing: said(v.nullable(timingSchema), 'How the latency was taken; null in protocol 1, and for failures.'),
      residentMemoryBytes: v.nullable(figure),
      denseResidentMemoryBytes: v.nullable(figure),
      placement: v.nullable(placementSchema),
      onDevice: said(v.nullable(deviceFiguresSchema), 'What a row of a device says beyond one of the CPU; null there.'),
    }),
  ),
});
export type Result = v.InferOutput<typeof resultSchema>;

/** A correction and the row it is about. */
export const ledgerEntrySchema = v.strictObject({
  ...correctionNoteSchema.entries,
  key: text,
  run: text,
  kind: said(v.nullable(v.picklist(['trial', 'evaluation', 'measurement'])), 'Null where the store holds no such row.'),
  trial: said(v.nullable(text), 'Key of the trial it belongs to.'),
  method: v.nullable(text),
  variant: v.nullable(text),
  model: v.nullable(text),
  task: v.nullable(text),
});
export type LedgerEntry = v.InferOutput<typeof ledgerEntrySchema>;

export const runRowSchema = v.strictObject({
  kind: v.picklist(['trial', 'evaluation', 'measurement']),
  key: text,
  trial: text,
  method: v.nullable(text),
  variant: v.nullable(text),
  model: v.nullable(text),
  seed: v.nullable(count),
  task: said(v.nullable(text), 'Of evaluations.'),
  runner: said(v.nullable(text), 'Of measurements.'),
  effective: flag,
  status: v.picklist(STATUSES),
  reason: v.nullable(text),
  startedAt: text,
  wallSeconds: said(v.nullable(figure), 'Of compressing, evaluating or measuring; null where none could be read.'),
});
export type RunRowSummary = v.InferOutput<typeof runRowSchema>;

/** Shown verbatim by the site beside the figures. */
export const FORMULAS = {
  efficiency:
    'cost-efficiency = quality kept × size reduction ÷ compute seconds. Quality kept: dense perplexity ÷ perplexity; ' +
    'for accuracies (accuracy − chance) ÷ (dense accuracy − chance), at least 0. Size reduction: zstd bytes of dense ÷ ' +
    'zstd bytes of the artifact. Compute seconds: accelerator seconds of the compression where one was used, else ' +
    'processor seconds.',
  breakEven:
    'break-even calls = extra compute seconds ÷ seconds saved per call. Seconds per call: dense’s median time at the ' +
    'shape ÷ the entry’s speed-up. Null where the speed-ups’ intervals overlap, a timing is noisy, or the costlier ' +
    'artifact is not the faster one.',
  rank:
    'rank = 1 + entries significantly better … n − entries significantly worse, of the n entries of the weight class; ' +
    'differences paired by test item, over items and seeds, corrected by Holm’s method at 5 %.',
  headline:
    'The best entry of each cost class at equal size, controls and simulated entries left out: in each weight class its ' +
    'best high-cost entry against the best low-cost one that is no larger (within 5 %), and the other way round. The ' +
    'difference is paired by test item, over items and seeds, with its 95 % interval.',
} as const;
