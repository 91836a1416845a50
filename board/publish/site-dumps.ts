/**
 * The dumps of the data page: every row as JSON Lines (what `shrinkrank import` reads), a flat CSV, the store as SQLite,
 * the corrections, and a manifest with the hash of each.
 */
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import Database from 'better-sqlite3';
import { exportRows, lineOf } from '../../drizzle/export.ts';
import {
  type BoardSummary,
  type BoardTrial,
  type Store,
  correctionLedger,
  derivedBoards,
  runSummaries,
} from '../../drizzle/queries.ts';
import { type BoardEntry, leaderboard } from '../derive/leaderboard.ts';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import type { DumpManifest } from '../../contracts/site-api.ts';
import { visibleJson } from '../../contracts/visible-json.ts';
import { type Cell, csvLine } from './csv.ts';

const FOLDER = 'data';

export interface DumpRequest {
  readonly store: Store;
  /** The exported site. */
  readonly folder: string;
  /** Of the code; null outside a repository. */
  readonly commit: string | null;
  /** Of the site, for the citation; null where the project names none. */
  readonly homepage: string | null;
}

export async function writeDumps({ store, folder, commit, homepage }: DumpRequest): Promise<DumpManifest> {
  const root = join(folder, FOLDER); // where the data page lies, too
  mkdirSync(root, { recursive: true });
  const rows = await writeRows(store, join(root, 'results.jsonl.gz'));
  const csvRows = await writeCsv(store, join(root, 'results.csv'));
  const corrections = writeCorrections(store, join(root, 'corrections.jsonl'));
  writeStore(store, join(root, 'shrinkrank.sqlite'));
  const [newest] = runSummaries(store, 1);
  const date = newest?.startedAt ?? null;
  const version = `${(date ?? 'empty').slice(0, 10)}-${rows.contentSha256.slice(0, 8)}`;
  const describe = async (
    name: string,
    about: Pick<DumpManifest['files'][number], 'mediaType' | 'rows' | 'about'>,
  ) => ({
    name,
    sizeBytes: statSync(join(root, name)).size,
    sha256: await sha256Of(join(root, name)),
    ...about,
  });
  const manifest: DumpManifest = {
    version,
    date,
    commit,
    protocol: newest?.protocol ?? null,
    rows: rows.counts,
    contentSha256: rows.contentSha256,
    files: [
      await describe('results.jsonl.gz', {
        mediaType: 'application/gzip',
        rows: rows.counts.total,
        about:
          'Every row, superseded and withdrawn ones included, as JSON Lines, per-item outcomes and raw samples in full, nothing rounded. Unpacked and put into a folder, `npm run shrinkrank -- import <folder>` reads it.',
      }),
      await describe('corrections.jsonl', {
        mediaType: 'application/x-ndjson',
        rows: corrections,
        about: 'What was found wrong with rows; import it from the same folder as the rows.',
      }),
      await describe('results.csv', {
        mediaType: 'text/csv',
        rows: csvRows,
        about:
          'One line per seed of a variant on a board, for spreadsheets and data frames: what stands, without superseded rows, items and samples. Text that a spreadsheet would take for a formula has an apostrophe before it; what cannot be seen stands as \\uXXXX.',
      }),
      await describe('shrinkrank.sqlite', {
        mediaType: 'application/vnd.sqlite3',
        rows: rows.counts.total,
        about:
          'The store itself: all rows, catalog and corrections in tables (drizzle/schema.ts of the repository); items and samples are packed blobs (drizzle/column-blob.ts). Derived figures are left out: they are in the API.',
      }),
    ],
    cite: {
      text: `ShrinkRank: compression methods for language models, measured. Data of version ${version}.`,
      bibtex: [
        '@misc{shrinkrank,',
        '  title = {ShrinkRank: compression methods for language models, measured},',
        `  year = {${(date ?? '').slice(0, 4)}},`,
        ...(homepage === null ? [] : [`  url = {${homepage}},`]),
        `  note = {Data of version ${version}}`,
        '}',
      ].join('\n'),
    },
  };
  writeFileSync(join(root, 'manifest.json'), `${visibleJson(manifest)}\n`);
  return manifest;
}

interface WrittenRows {
  readonly counts: DumpManifest['rows'];
  /** Of the unpacked lines. */
  readonly contentSha256: string;
}

async function writeRows(store: Store, path: string): Promise<WrittenRows> {
  const counts = { total: 0, runs: 0, trials: 0, evaluations: 0, measurements: 0 };
  const hash = createHash('sha256');
  function* lines(): Generator<Buffer> {
    for (const row of exportRows(store)) {
      counts.total += 1;
      counts[`${row.kind}s`] += 1;
      const line = Buffer.from(lineOf(row));
      hash.update(line);
      yield line;
    }
  }
  await pipeline(Readable.from(lines()), createGzip({ level: 6 }), createWriteStream(path));
  return { counts, contentSha256: hash.digest('hex') };
}

function writeCorrections(store: Store, path: string): number {
  const lines = correctionLedger(store)
    .toReversed()
    .map(({ key, run, action, reason, date }) => canonicalJson({ kind: 'correction', key, run, action, reason, date }));
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  return lines.length;
}

/** A copy without the rollups, compact; made beside its place so that a broken-off build leaves no half of it. */
function writeStore(store: Store, path: string): void {
  const draft = `${path}.draft`;
  rmSync(draft, { force: true });
  store.database.$client.prepare('vacuum into ?').run(draft);
  const copy = new Database(draft);
  try {
    copy.pragma('journal_mode = DELETE');
    for (const table of ['histories', 'entries', 'comparisons', 'boards', 'state']) {
      copy.exec(`delete from rollup_${table}`);
    }
    copy.exec('vacuum');
  } finally {
    copy.close();
  }
  renameSync(draft, path);
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

interface CsvRow {
  readonly board: BoardSummary;
  readonly entry: BoardEntry;
  readonly trial: BoardTrial;
}

const ESTIMATES = ['value', 'low', 'high'] as const;
const DISTANCES = [
  'deltaLogPerplexity',
  'klDivergence',
  'sameTop',
  'correctToIncorrect',
  'incorrectToCorrect',
] as const;

/** Columns of the CSV but for those of latency, which depend on the shapes there are. */
const COLUMNS: readonly (readonly [name: string, cell: (row: CsvRow) => Cell | undefined])[] = [
  ['board', ({ board }) => board.id],
  ['model', ({ board }) => board.model],
  ['task', ({ board }) => board.task],
  ['protocol', ({ board }) => board.protocol],
  ['runner', ({ board }) => board.runner?.fingerprint],
  ['provider', ({ board }) => board.runner?.provider],
  ['cpu', ({ board }) => board.runner?.machine.cpuModel],
  ['method', ({ entry }) => entry.method],
  ['variant', ({ entry }) => entry.variant],
  ['family', ({ entry }) => entry.family],
  ['access', ({ entry }) => entry.access],
  ['cost_class', ({ entry }) => entry.costClass],
  ['control', ({ entry }) => entry.control],
  ['params', ({ entry }) => canonicalJson(entry.params)],
  ['seed', ({ trial }) => trial.seed],
  ['status', ({ trial }) => trial.status],
  ['reason', ({ trial }) => trial.reason],
  ['stale', ({ trial }) => trial.stale],
  ['simulated', ({ trial }) => trial.simulated],
  ['annotations', ({ trial }) => (trial.annotations.length > 0 ? trial.annotations.join('; ') : null)],
  ['run', ({ trial }) => trial.run],
  ['started_at', ({ trial }) => trial.startedAt],
  ['trial_key', ({ trial }) => trial.key],
  ['artifact_sha256', ({ trial }) => trial.artifact],
  ['file_bytes', ({ trial }) => trial.size?.fileBytes],
  ['zstd_bytes', ({ trial }) => trial.size?.zstdBytes],
  ['zstd_bytes_without_embedding', ({ trial }) => trial.size?.zstdBytesWithoutEmbedding],
  ['parameters', ({ trial }) => trial.size?.parameters],
  ['non_zero_parameters', ({ trial }) => trial.size?.nonZeroParameters],
  ['variant_times_smaller', ({ entry }) => entry.ratio],
  ['variant_weight_class', ({ entry }) => entry.weightClass],
  ['evaluation_status', ({ trial }) => trial.evaluation?.status],
  ['in_sample', ({ trial }) => trial.evaluation?.inSample],
  ['metric', ({ trial }) => trial.evaluation?.quality?.metric],
  ...ESTIMATES.map(
    (end) => [`quality_${end}`, ({ trial }: CsvRow) => trial.evaluation?.quality?.estimate[end]] as const,
  ),
  ['dense_quality', ({ trial }) => trial.evaluation?.quality?.dense],
  ['items', ({ trial }) => trial.evaluation?.quality?.items],
  ...DISTANCES.flatMap((name) =>
    ESTIMATES.map(
      (end) => [`${snake(name)}_${end}`, ({ trial }: CsvRow) => trial.evaluation?.distance?.[name][end]] as const,
    ),
  ),
  ['measurement_status', ({ trial }) => trial.measurement?.status],
  ['resident_memory_bytes', ({ trial }) => trial.measurement?.residentMemoryBytes],
  ['dense_resident_memory_bytes', ({ trial }) => trial.measurement?.denseResidentMemoryBytes],
  ['cost_wall_seconds', ({ trial }) => trial.cost?.wallSeconds],
  ['cost_cpu_seconds', ({ trial }) => trial.cost?.cpuSeconds],
  ['cost_device_seconds', ({ trial }) => trial.cost?.deviceSeconds],
  ['cost_peak_memory_bytes', ({ trial }) => trial.cost?.peakMemoryBytes],
  ['cost_tokens_seen', ({ trial }) => trial.cost?.tokensSeen],
  ['cost_gradient_steps', ({ trial }) => trial.cost?.gradientSteps],
  ['cost_energy_joules', ({ trial }) => trial.cost?.energyJoules],
];

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

async function writeCsv(store: Store, path: string): Promise<number> {
  const boards = derivedBoards(store);
  const shapes = shapesOf(store);
  const columns = [...COLUMNS, ...shapes.flatMap(latencyColumns)];
  let count = 0;
  function* lines(): Generator<string> {
    yield csvLine(columns.map(([name]) => name));
    for (const board of boards) {
      const { model, task, protocol, runner } = board;
      const { entries } = leaderboard(store, { model, task, protocol, ...(runner && { runner: runner.fingerprint }) });
      for (const entry of entries) {
        for (const trial of entry.trials) {
          count += 1;
          yield csvLine(columns.map(([, cell]) => cell({ board, entry, trial }) ?? null));
        }
      }
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path));
  return count;
}

function shapesOf({ database }: Store): readonly string[] {
  return database.$client
    .prepare<[], string>('select shape from latency_shapes group by shape order by min(ordinal), shape')
    .pluck()
    .all() as unknown as string[];
}

function latencyColumns(shape: string): (readonly [string, (row: CsvRow) => Cell | undefined])[] {
  const of = ({ trial }: CsvRow) => trial.measurement?.latency.find((latency) => latency.shape === shape);
  return [
    [`p50_ms_${shape}`, (row) => of(row)?.p50Ms],
    [`p95_ms_${shape}`, (row) => of(row)?.p95Ms],
    [`dense_p50_ms_${shape}`, (row) => of(row)?.denseP50Ms],
    ...ESTIMATES.map((end) => [`speed_up_${end}_${shape}`, (row: CsvRow) => of(row)?.speedUp[end]] as const),
    [`noisy_${shape}`, (row) => of(row)?.noisy],
  ];
}
