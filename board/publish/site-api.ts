/** Writes the static JSON API into an exported site: /api/v2, one file per document (contracts/site-api.ts). */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import {
  type DerivedBoard,
  type DerivedEntry,
  FORMULAS,
  type Front,
  type RunSummary,
  type Store,
  comparedEntries,
  comparisonsOf,
  correctionLedger,
  derivedBoard,
  derivedBoards,
  derivedHistories,
  readCatalog,
  resultDetails,
  runSummaries,
  slugOf,
  trialKeys,
} from '../../drizzle/queries.ts';
import { costClassOf } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { API_DOCUMENTS, API_VERSION, type ApiDocument } from '../../contracts/site-api.ts';
import { visibleJson } from '../../contracts/visible-json.ts';

export interface ApiSummary {
  readonly files: number;
  readonly sizeBytes: number;
}

type Document<D extends ApiDocument> = v.InferOutput<(typeof API_DOCUMENTS)[D]['schema']>;

/** Results with their raw samples that are held in memory at once. */
const RESULTS_AT_ONCE = 256;

/** @param folder the exported site; what its api/v2 held before is removed. */
export function writeApi(store: Store, folder: string, commit: string | null): ApiSummary {
  const root = join(folder, 'api', API_VERSION);
  rmSync(root, { recursive: true, force: true });
  const made = new Set<string>();
  const counts = { files: 0, sizeBytes: 0 };
  const writeFile = (path: string, value: unknown): void => {
    const file = join(root, path);
    if (!made.has(dirname(file))) mkdirSync(dirname(file), { recursive: true });
    made.add(dirname(file));
    const bytes = Buffer.from(`${visibleJson(value)}\n`);
    writeFileSync(file, bytes);
    counts.files += 1;
    counts.sizeBytes += bytes.length;
  };
  const write = <D extends ApiDocument>(document: D, names: readonly string[], value: Document<D>): void => {
    let next = 0;
    writeFile(
      API_DOCUMENTS[document].path.replaceAll(/<\w+>/g, () => names[next++] ?? ''),
      value,
    );
  };

  const boards = derivedBoards(store);
  write('index', [], indexOf(store, commit));
  writeCatalog(store, write);
  for (const { id } of boards) {
    const board = derivedBoard(store, id);
    write('board', [id], board);
    write('pareto', [id], paretoOf(board));
    for (const history of derivedHistories(store, id)) write('history', [id, history.entry], history);
  }
  for (const contest of new Set(boards.map((board) => board.contest))) {
    for (const slug of comparedEntries(store, contest)) {
      write('comparisons', [contest, slug], comparisonsOf(store, contest, slug));
    }
  }
  const keys = trialKeys(store);
  for (let start = 0; start < keys.length; start += RESULTS_AT_ONCE) {
    for (const result of resultDetails(store, keys.slice(start, start + RESULTS_AT_ONCE))) {
      write('result', [result.key], result);
    }
  }
  writeFile('schema.json', schemaDocument());
  return counts;
}

function indexOf(store: Store, commit: string | null): Document<'index'> {
  const [newest] = runSummaries(store, 1);
  return {
    api: API_VERSION,
    protocol: PROTOCOL.version,
    newestAt: newest?.startedAt ?? null,
    commit,
    formulas: { ...FORMULAS },
    documents: Object.fromEntries(Object.entries(API_DOCUMENTS).map(([name, { path }]) => [name, path])),
    dumps: '/data/manifest.json',
    boards: [...derivedBoards(store)],
  };
}

type Write = <D extends ApiDocument>(document: D, names: readonly string[], value: Document<D>) => void;

function writeCatalog(store: Store, write: Write): void {
  const catalog = readCatalog(store);
  write(
    'methods',
    [],
    catalog.methods.map(({ variants, ...method }) => ({
      ...method,
      slug: slugOf(method.id),
      costClass: costClassOf(method.access),
      variants: variants.map((variant) => ({ ...variant, slug: slugOf(method.id, variant.id) })),
    })),
  );
  write(
    'models',
    [],
    catalog.models.map((model) => ({ ...model, slug: slugOf(model.id) })),
  );
  write('tasks', [], {
    tasks: catalog.tasks.map(({ chance, slices, classes, ...task }) => ({
      ...task,
      slug: slugOf(task.id),
      chance: chance ?? null,
      slices: slices ?? [],
      classes: classes ?? [],
    })),
    datasets: [...catalog.datasets],
  });
  write('runs', [], runSummaries(store, Number.MAX_SAFE_INTEGER).map(withoutKind));
  write('corrections', [], [...correctionLedger(store)]);
}

function withoutKind(run: RunSummary): Document<'runs'>[number] {
  const { id, suite, protocol, commit, machine, startedAt, finishedAt, wallSeconds, overheadSeconds } = run;
  const counts = [run.trials, run.evaluations, run.measurements].map((statuses) => ({ ...statuses }));
  const [trials = {}, evaluations = {}, measurements = {}] = counts as Record<string, number>[];
  const about = { id, suite, protocol, commit, machine, startedAt, finishedAt, wallSeconds, overheadSeconds };
  return { ...about, trials, evaluations, measurements };
}

function paretoOf(board: DerivedBoard): Document<'pareto'> {
  const bySlug = new Map(board.entries.map((entry) => [entry.slug, entry]));
  return {
    board: board.id,
    metric: board.metric,
    higherIsBetter: board.higherIsBetter,
    dense: board.dense,
    fronts: board.fronts.map(({ entries, ...front }) => ({
      ...front,
      points: entries.flatMap((slug) => {
        const entry = bySlug.get(slug);
        const axis = entry && axisOf(entry, front);
        return entry?.quality && typeof axis === 'number'
          ? [{ entry: slug, id: entry.id, quality: entry.quality.estimate, axis }]
          : [];
      }),
    })),
  };
}

function axisOf(entry: DerivedEntry, { unit, shape }: Pick<Front, 'unit' | 'shape'>): number | undefined {
  switch (unit) {
    case 'zstd bytes':
      return entry.size?.zstdBytes;
    case 'speed-up':
      return entry.latency.find((latency) => latency.shape === shape)?.speedUp.value;
    case 'compute seconds':
      return entry.compute?.seconds;
    case 'wall seconds':
      return entry.cost?.wallSeconds;
  }
}

/** JSON Schema of every document, made from the schemas the files are written by. */
export function schemaDocument(): Record<ApiDocument, { path: string; title: string; schema: object }> {
  const documents = Object.entries(API_DOCUMENTS).map(([name, { path, title, schema }]) => [
    name,
    { path, title, schema: toJsonSchema(schema as v.GenericSchema, { errorMode: 'throw' }) },
  ]);
  return Object.fromEntries(documents) as ReturnType<typeof schemaDocument>;
}
