/**
 * The store's tables. Rows of results are only added: a key may have several (a failure and its retry, or the same
 * trial from two machines), distinguished by the digest of their content, and `effective` marks the one that stands for
 * the key: completed before failed, for measurements the one with the steadiest timing, then the newest; never a
 * withdrawn one. Evaluations and measurements have one per key and artifact, since a repeated trial may give another
 * artifact. `effective` is the only column of a result that is ever updated; it depends on the set of rows only, not on
 * their order of arrival.
 * Hashes are stored as 32 bytes; columns of JSON hold canonical JSON (contracts/canonical-json.ts).
 */
import { sql } from 'drizzle-orm';
import {
  blob,
  customType,
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
} from 'drizzle-orm/sqlite-core';
import { ACCESS_CLASSES, FAMILIES } from '../contracts/taxonomy.ts';
import { METRICS, STATUSES } from '../contracts/result.ts';
import { PROVIDERS } from '../contracts/runner.ts';

/** A SHA-256, hex digits in TypeScript and 32 bytes in the file. */
const sha256 = customType<{ data: string; driverData: Buffer }>({
  dataType: () => 'blob',
  toDriver: (hex) => Buffer.from(hex, 'hex'),
  fromDriver: (bytes) => bytes.toString('hex'),
});

export const machines = sqliteTable('machines', {
  /** SHA-256 over the machine's canonical JSON, first 16 hex digits. */
  fingerprint: text().primaryKey(),
  cpuModel: text('cpu_model').notNull(),
  /** JSON; null in rows of protocol 1. */
  processor: text(),
  cores: real().notNull(),
  memoryBytes: real('memory_bytes').notNull(),
  instructionSets: text('instruction_sets').notNull(),
  operatingSystem: text('operating_system').notNull(),
  architecture: text().notNull(),
  node: text().notNull(),
  onnxRuntime: text('onnx_runtime').notNull(),
});

export const runs = sqliteTable('runs', {
  id: text().primaryKey(),
  suite: text().notNull(),
  protocol: integer().notNull(),
  commit: text(),
  machine: text()
    .notNull()
    .references(() => machines.fingerprint),
  startedAt: text('started_at').notNull(),
  finishedAt: text('finished_at'),
  wallSeconds: real('wall_seconds'),
  overheadSeconds: real('overhead_seconds'),
});

/** One entry per artifact with its figures: another zstd library may compress the same file to another size. */
export const artifacts = sqliteTable(
  'artifacts',
  {
    id: integer().primaryKey(),
    sha256: sha256('sha256').notNull(),
    digest: sha256().notNull(),
    fileBytes: integer('file_bytes').notNull(),
    fileBytesWithoutEmbedding: integer('file_bytes_without_embedding').notNull(),
    zstdBytes: integer('zstd_bytes').notNull(),
    zstdBytesWithoutEmbedding: integer('zstd_bytes_without_embedding').notNull(),
    parameters: integer().notNull(),
    parametersWithoutEmbedding: integer('parameters_without_embedding').notNull(),
    nonZeroParameters: integer('non_zero_parameters').notNull(),
    nonZeroParametersWithoutEmbedding: integer('non_zero_parameters_without_embedding').notNull(),
    operators: text().notNull(),
  },
  (table) => [uniqueIndex('artifacts_sha256_digest').on(table.sha256, table.digest)],
);

export const trials = sqliteTable(
  'trials',
  {
    id: integer().primaryKey(),
    key: sha256().notNull(),
    digest: sha256().notNull(),
    effective: integer({ mode: 'boolean' }).notNull().default(false),
    run: text()
      .notNull()
      .references(() => runs.id),
    method: text().notNull(),
    /** Revision of the method; null in rows from before revisions, which have a hash of its source instead. */
    revision: integer(),
    methodSource: sha256('method_source'),
    variant: text().notNull(),
    params: text().notNull(),
    model: text().notNull(),
    modelRevision: sha256('model_revision').notNull(),
    dataset: text(),
    datasetContentHash: sha256('dataset_content_hash'),
    seed: integer().notNull(),
    protocol: integer().notNull(),
    /** JSON; null where no device trained. */
    trainedOn: text('trained_on'),
    family: text({ enum: FAMILIES }).notNull(),
    access: text({ enum: ACCESS_CLASSES }).notNull(),
    control: integer({ mode: 'boolean' }).notNull(),
    notes: text().notNull(),
    simulated: text(),
    machine: text()
      .notNull()
      .references(() => machines.fingerprint),
    startedAt: text('started_at').notNull(),
    status: text({ enum: STATUSES }).notNull(),
    artifact: integer().references(() => artifacts.id),
    reason: text(),
    /** Null, like the other cost columns, where no cost could be measured. */
    wallSeconds: real('wall_seconds'),
    cpuSeconds: real('cpu_seconds'),
    deviceSeconds: real('device_seconds'),
    peakMemoryBytes: integer('peak_memory_bytes'),
    tokensSeen: integer('tokens_seen'),
    gradientSteps: integer('gradient_steps'),
    energyJoules: real('energy_joules'),
  },
  (table) => [
    uniqueIndex('trials_key_digest').on(table.key, table.digest),
    uniqueIndex('trials_effective_key')
      .on(table.key)
      .where(sql`effective = 1`),
    index('trials_done')
      .on(table.protocol, table.key)
      .where(sql`effective = 1`),
    index('trials_board')
      .on(
        table.model,
        table.protocol,
        table.method,
        table.variant,
        table.seed,
        table.startedAt,
        table.revision,
        table.modelRevision,
        table.trainedOn,
      )
      .where(sql`effective = 1`),
    index('trials_history').on(table.method, table.variant, table.model, table.startedAt),
    index('trials_failed')
      .on(table.protocol, table.startedAt)
      .where(sql`effective = 1 and status <> 'completed'`),
    index('trials_run').on(table.run, table.status),
  ],
);

export const evaluations = sqliteTable(
  'evaluations',
  {
    id: integer().primaryKey(),
    key: sha256().notNull(),
    digest: sha256().notNull(),
    effective: integer({ mode: 'boolean' }).notNull().default(false),
    run: text()
      .notNull()
      .references(() => runs.id),
    /** Key of the trial and hash of its artifact; not a foreign key, since the trial may be in another run's file. */
    trial: sha256().notNull(),
    artifact: sha256().notNull(),
    task: text().notNull(),
    dataset: text().notNull(),
    datasetContentHash: sha256('dataset_content_hash').notNull(),
    protocol: integer().notNull(),
    inSample: integer('in_sample', { mode: 'boolean' }).notNull(),
    sessionOptions: text('session_options').notNull(),
    machine: text()
      .notNull()
      .references(() => machines.fingerprint),
    startedAt: text('started_at').notNull(),
    wallSeconds: real('wall_seconds').notNull(),
    status: text({ enum: STATUSES }).notNull(),
    reason: text(),
    metric: text({ enum: METRICS }),
    higherIsBetter: integer('higher_is_better', { mode: 'boolean' }),
    value: real(),
    low: real(),
    high: real(),
    dense: real(),
    itemCount: integer('item_count'),
    tokenCount: integer('token_count'),
    /** Quality by slice; null where the task has no slices. */
    slices: text(),
    deltaLogPerplexityValue: real('delta_log_perplexity_value'),
    deltaLogPerplexityLow: real('delta_log_perplexity_low'),
    deltaLogPerplexityHigh: real('delta_log_perplexity_high'),
    klDivergenceValue: real('kl_divergence_value'),
    klDivergenceLow: real('kl_divergence_low'),
    klDivergenceHigh: real('kl_divergence_high'),
    sameTopValue: real('same_top_value'),
    sameTopLow: real('same_top_low'),
    sameTopHigh: real('same_top_high'),
    correctToIncorrectValue: real('correct_to_incorrect_value'),
    correctToIncorrectLow: real('correct_to_incorrect_low'),
    correctToIncorrectHigh: real('correct_to_incorrect_high'),
    incorrectToCorrectValue: real('incorrect_to_correct_value'),
    incorrectToCorrectLow: real('incorrect_to_correct_low'),
    incorrectToCorrectHigh: real('incorrect_to_correct_high'),
  },
  (table) => [
    uniqueIndex('evaluations_key_digest').on(table.key, table.digest),
    uniqueIndex('evaluations_effective_key')
      .on(table.key, table.artifact)
      .where(sql`effective = 1`),
    index('evaluations_trial').on(table.trial, table.artifact, table.task),
    index('evaluations_failed')
      .on(table.protocol, table.startedAt)
      .where(sql`effective = 1 and status <> 'completed'`),
    index('evaluations_run').on(table.run, table.status),
  ],
);

/**
 * Per-item outcomes of an evaluation, packed (column-blob.ts); in a separate table, so that the board's queries do not
 * read them.
 */
export const evaluationItems = sqliteTable('evaluation_items', {
  evaluation: integer()
    .primaryKey()
    .references(() => evaluations.id),
  columns: blob({ mode: 'buffer' }).notNull(),
});

export const measurements = sqliteTable(
  'measurements',
  {
    id: integer().primaryKey(),
    key: sha256().notNull(),
    digest: sha256().notNull(),
    effective: integer({ mode: 'boolean' }).notNull().default(false),
    run: text()
      .notNull()
      .references(() => runs.id),
    trial: sha256().notNull(),
    artifact: sha256().notNull(),
    provider: text({ enum: PROVIDERS }).notNull(),
    machine: text()
      .notNull()
      .references(() => machines.fingerprint),
    /** Fingerprint of provider, machine and device together. */
    runnerFingerprint: text('runner_fingerprint').notNull(),
    /** The accelerator; null on the CPU. */
    device: text(),
    protocol: integer().notNull(),
    threads: integer().notNull(),
    sessionOptions: text('session_options').notNull(),
    startedAt: text('started_at').notNull(),
    wallSeconds: real('wall_seconds').notNull(),
    status: text({ enum: STATUSES }).notNull(),
    reason: text(),
    residentMemoryBytes: integer('resident_memory_bytes'),
    denseResidentMemoryBytes: integer('dense_resident_memory_bytes'),
    placement: text(),
    /** How the latency was measured, JSON; null in protocol 1. */
    timing: text(),
    /** Additional fields of a measurement on a device. */
    onDevice: text('on_device'),
  },
  (table) => [
    uniqueIndex('measurements_key_digest').on(table.key, table.digest),
    uniqueIndex('measurements_effective_key')
      .on(table.key, table.artifact)
      .where(sql`effective = 1`),
    index('measurements_trial').on(table.trial, table.artifact, table.runnerFingerprint),
    index('measurements_failed')
      .on(table.protocol, table.startedAt)
      .where(sql`effective = 1 and status <> 'completed'`),
    index('measurements_run').on(table.run, table.status),
  ],
);

export const latencyShapes = sqliteTable(
  'latency_shapes',
  {
    measurement: integer()
      .notNull()
      .references(() => measurements.id),
    ordinal: integer().notNull(),
    shape: text().notNull(),
    batch: integer().notNull(),
    sequence: integer().notNull(),
    /** Null in protocol 1, where the row's number applies. */
    threads: integer(),
    p50Ms: real('p50_ms').notNull(),
    p95Ms: real('p95_ms').notNull(),
    denseP50Ms: real('dense_p50_ms').notNull(),
    speedUpValue: real('speed_up_value').notNull(),
    speedUpLow: real('speed_up_low').notNull(),
    speedUpHigh: real('speed_up_high').notNull(),
    coefficientOfVariation: real('coefficient_of_variation').notNull(),
    noisy: integer({ mode: 'boolean' }).notNull(),
    /** Raw samples of artifact and dense and their processes, packed (column-blob.ts). */
    samples: blob({ mode: 'buffer' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.measurement, table.ordinal] })],
);

/** Corrections of published rows; see correction.ts. */
export const corrections = sqliteTable(
  'corrections',
  {
    key: sha256().notNull(),
    run: text().notNull(),
    action: text({ enum: ['withdraw', 'annotate'] }).notNull(),
    reason: text().notNull(),
    date: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.key, table.run, table.action, table.date, table.reason] })],
);

/**
 * The catalog: what the board says about methods, models, datasets and tasks, so that reading it does not need their
 * code.
 * `registered` distinguishes present entries from those that only old rows refer to.
 */
export const catalogMethods = sqliteTable('catalog_methods', {
  id: text().primaryKey(),
  registered: integer({ mode: 'boolean' }).notNull(),
  family: text({ enum: FAMILIES }).notNull(),
  access: text({ enum: ACCESS_CLASSES }).notNull(),
  // The revision that every method had when revisions were introduced.
  revision: integer().notNull().default(1),
  description: text().notNull(),
  paper: text().notNull(),
  // SPDX's word for an unknown licence, for entries recorded before this column existed.
  licence: text().notNull().default('NOASSERTION'),
  control: integer({ mode: 'boolean' }).notNull(),
  variants: text().notNull(),
  sourceFile: text('source_file').notNull(),
});

export const catalogModels = sqliteTable('catalog_models', {
  id: text().primaryKey(),
  registered: integer({ mode: 'boolean' }).notNull(),
  title: text().notNull(),
  architecture: text().notNull(),
  licence: text().notNull(),
  citation: text().notNull(),
  trainedOn: text('trained_on').notNull(),
  revision: sha256().notNull(),
});

export const catalogDatasets = sqliteTable('catalog_datasets', {
  id: text().primaryKey(),
  registered: integer({ mode: 'boolean' }).notNull(),
  title: text().notNull(),
  version: text().notNull(),
  licence: text().notNull(),
  citation: text().notNull(),
  contentHash: sha256('content_hash').notNull(),
});

export const catalogTasks = sqliteTable('catalog_tasks', {
  id: text().primaryKey(),
  registered: integer({ mode: 'boolean' }).notNull(),
  title: text().notNull(),
  dataset: text().notNull(),
  metric: text().notNull(),
  higherIsBetter: integer('higher_is_better', { mode: 'boolean' }).notNull(),
  /** The score of guessing; null where there is none. */
  chance: real(),
  slices: text(),
  classes: text(),
  description: text().notNull(),
});

/**
 * What board/derive computed from the rows above (contracts/derived.ts), as JSON: the site shows boards from these
 * tables only. Everything can be recomputed.
 */
export const rollupBoards = sqliteTable('rollup_boards', {
  id: text().primaryKey(),
  /** Boards are shown in this order; the first is the default. */
  ordinal: integer().notNull(),
  contest: text().notNull(),
  /** SHA-256 over all inputs of the board. */
  inputs: sha256().notNull(),
  summary: text().notNull(),
  /** The board without its entries. */
  board: text().notNull(),
});

export const rollupEntries = sqliteTable(
  'rollup_entries',
  {
    board: text()
      .notNull()
      .references(() => rollupBoards.id),
    ordinal: integer().notNull(),
    slug: text().notNull(),
    method: text().notNull(),
    entry: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.board, table.ordinal] }),
    index('rollup_entries_method').on(table.method, table.board, table.ordinal),
  ],
);

/** Comparisons of one entry of a contest with those after it; JSON compressed with zstd. */
export const rollupComparisons = sqliteTable(
  'rollup_comparisons',
  {
    contest: text().notNull(),
    ordinal: integer().notNull(),
    slug: text().notNull(),
    comparisons: blob({ mode: 'buffer' }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.contest, table.ordinal] }),
    uniqueIndex('rollup_comparisons_slug').on(table.contest, table.slug),
  ],
);

export const rollupHistories = sqliteTable(
  'rollup_histories',
  {
    board: text()
      .notNull()
      .references(() => rollupBoards.id),
    slug: text().notNull(),
    history: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.board, table.slug] })],
);

/** One row: the state of the store when the rollups were last updated, to check quickly that nothing has changed. */
export const rollupState = sqliteTable('rollup_state', {
  id: integer().primaryKey(),
  watermark: text().notNull(),
});
