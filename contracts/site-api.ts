/**
 * The documents of the static JSON API, /api/v2: written by board/publish/site-api.ts, and described by schema.json,
 * which is generated from these schemas. A field may be added to a document within a version; removing or changing one
 * raises it.
 */
import * as v from 'valibot';
import {
  boardSchema,
  boardSummarySchema,
  comparisonsSchema,
  entrySlug,
  frontSchema,
  historySchema,
  ledgerEntrySchema,
  resultSchema,
} from './derived.ts';
import { COST_CLASSES } from './taxonomy.ts';
import { ACCESS_CLASSES, FAMILIES } from './taxonomy.ts';
import { estimateSchema } from './result.ts';
import { machineSchema } from './runner.ts';

export const API_VERSION = 'v2';

const text = v.string();
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

function said<const S extends v.GenericSchema>(schema: S, words: string) {
  return v.pipe(schema, v.description(words));
}

const slug = said(text, 'Names it in addresses and file names.');
const registered = said(v.boolean(), 'False for what only older rows still name.');

export const indexSchema = v.strictObject({
  api: v.literal(API_VERSION),
  protocol: said(count, 'Version of the measuring rules in force.'),
  newestAt: said(v.nullable(text), 'When the newest run of the data started; null without any.'),
  commit: said(v.nullable(text), 'Of the code that wrote these files.'),
  formulas: said(v.record(v.string(), v.string()), 'How derived figures are defined, in words.'),
  documents: said(v.record(v.string(), v.string()), 'Pattern of the path of each kind of document, within /api/v2.'),
  dumps: said(text, 'Path of the manifest of the dumps.'),
  boards: said(v.array(boardSummarySchema), 'The first is the one shown unasked.'),
});

export const methodsSchema = v.array(
  v.strictObject({
    id: text,
    slug,
    registered,
    family: v.picklist(FAMILIES),
    access: v.picklist(ACCESS_CLASSES),
    revision: said(count, 'Raised whenever the method’s artifacts change; rows of another revision are stale.'),
    costClass: v.picklist(COST_CLASSES),
    control: v.boolean(),
    description: text,
    paper: v.strictObject({ title: text, authors: text, year: v.number(), url: text }),
    licence: said(text, 'SPDX identifier of the licence of the source file.'),
    variants: v.array(
      v.strictObject({
        id: text,
        slug,
        params: v.record(v.string(), v.unknown()),
        random: said(
          v.optional(v.boolean()),
          'Whether its artifact depends on the seed; absent where it is not known.',
        ),
      }),
    ),
    sourceFile: said(text, 'Path within the repository.'),
  }),
);

export const modelsSchema = v.array(
  v.strictObject({
    id: text,
    slug,
    registered,
    title: text,
    architecture: text,
    licence: text,
    citation: text,
    trainedOn: said(
      v.array(text),
      'Datasets it was trained on. A row says in-sample where test items of the task were among that data.',
    ),
    revision: said(text, 'Hash over its source.'),
  }),
);

export const tasksSchema = v.strictObject({
  tasks: v.array(
    v.strictObject({
      id: text,
      slug,
      registered,
      title: text,
      dataset: text,
      metric: text,
      higherIsBetter: v.boolean(),
      chance: said(v.nullable(v.number()), 'What guessing gets; null where there is no such figure.'),
      slices: said(v.array(text), 'Groups of items with figures of their own; empty where there are none.'),
      classes: said(v.array(text), 'Names of the classes; empty but for classification.'),
      description: text,
    }),
  ),
  datasets: v.array(
    v.strictObject({
      id: text,
      registered,
      title: text,
      version: text,
      licence: text,
      citation: text,
      contentHash: said(text, 'SHA-256 over the decoded rows.'),
    }),
  ),
});

const statusCounts = said(v.record(v.string(), count), 'Rows by status.');

export const runsSchema = v.array(
  v.strictObject({
    id: text,
    suite: text,
    protocol: count,
    commit: v.nullable(text),
    machine: machineSchema,
    startedAt: text,
    finishedAt: v.nullable(text),
    wallSeconds: v.nullable(v.number()),
    overheadSeconds: v.nullable(v.number()),
    trials: statusCounts,
    evaluations: statusCounts,
    measurements: statusCounts,
  }),
);

export const correctionsSchema = v.array(ledgerEntrySchema);

export const paretoSchema = v.strictObject({
  board: text,
  metric: v.nullable(text),
  higherIsBetter: v.nullable(v.boolean()),
  dense: said(v.nullable(text), 'Slug of the dense entry.'),
  fronts: v.array(
    v.strictObject({
      ...v.omit(frontSchema, ['entries']).entries,
      points: said(
        v.array(
          v.strictObject({
            entry: entrySlug,
            id: text,
            quality: estimateSchema,
            axis: said(v.number(), 'In the front’s unit.'),
          }),
        ),
        'Best quality first.',
      ),
    }),
  ),
});

/** /data/manifest.json, beside the API: the contents of the dumps. */
export const dumpManifestSchema = v.strictObject({
  version: said(
    text,
    'Day of the newest run and the first digits of the hash over all rows: other rows, other version.',
  ),
  date: said(v.nullable(text), 'When the newest run started; null without any.'),
  commit: said(v.nullable(text), 'Of the code that wrote the dumps.'),
  protocol: said(v.nullable(count), 'Of the newest run.'),
  rows: v.strictObject({ total: count, runs: count, trials: count, evaluations: count, measurements: count }),
  contentSha256: said(text, 'SHA-256 over the unpacked lines of results.jsonl.gz.'),
  files: v.array(
    v.strictObject({ name: text, sizeBytes: count, sha256: text, mediaType: text, rows: count, about: text }),
  ),
  cite: v.strictObject({ text, bibtex: text }),
});
export type DumpManifest = v.InferOutput<typeof dumpManifestSchema>;

/** Every kind of document: its path within /api/v2, what it is, and its schema. */
export const API_DOCUMENTS = {
  index: {
    path: 'index.json',
    title: 'Where to begin: all boards with what they count, formulas, patterns of the other paths.',
    schema: indexSchema,
  },
  methods: {
    path: 'methods.json',
    title: 'Methods with family, access class, paper and variants.',
    schema: methodsSchema,
  },
  models: { path: 'models.json', title: 'Dense models with licence and citation.', schema: modelsSchema },
  tasks: {
    path: 'tasks.json',
    title: 'Tasks with metric, chance and groups of items, and the datasets under them.',
    schema: tasksSchema,
  },
  runs: {
    path: 'runs.json',
    title: 'Executions of suites, newest first, with machine, versions and counts of rows.',
    schema: runsSchema,
  },
  corrections: {
    path: 'corrections.json',
    title: 'What was withdrawn or annotated among published rows, and why.',
    schema: correctionsSchema,
  },
  board: {
    path: 'boards/<board>.json',
    title:
      'One model, task, protocol and runner: the headline, the fronts, every entry with quality, size, speed, cost, ranks and badges.',
    schema: boardSchema,
  },
  pareto: {
    path: 'pareto/<board>.json',
    title: 'The Pareto fronts of a board alone, with coordinates.',
    schema: paretoSchema,
  },
  comparisons: {
    path: 'comparisons/<contest>/<entry>.json',
    title:
      'One entry against those after it, paired by test item. A pair stands in the file of the one that comes first.',
    schema: comparisonsSchema,
  },
  history: {
    path: 'history/<board>/<entry>.json',
    title: 'One entry over its runs, with the changes that a test found.',
    schema: historySchema,
  },
  result: {
    path: 'results/<key>.json',
    title:
      'All that is known of one artifact: sizes, cost, quality by group, raw timing samples, placement, the command that reproduces it.',
    schema: resultSchema,
  },
} as const;
export type ApiDocument = keyof typeof API_DOCUMENTS;
