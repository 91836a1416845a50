/**
 * The leaderboard of one model, task and protocol: one entry per variant, several seeds taken together. For each
 * variant and seed the row of the present code stands (by the catalog's hashes), else the newest, marked stale.
 */
import { costClassOf, type Access, type CostClass, type Family } from '../contracts/taxonomy.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Cost, Distance, Estimate, Quality, Size, Status } from '../contracts/result.ts';
import {
  annotationsByRow,
  evaluationsOf,
  measurementsOf,
  standingTrials,
  trialColumnsOf,
  type BoardEvaluation,
  type BoardMeasurement,
  type BoardRunner,
  type BoardTrial,
  type LeaderboardRequest,
  type TrialColumns,
} from './board-rows.ts';
import type { Store } from './client.ts';
import { artifactOf, costOf, type LatencySummary } from './row-columns.ts';
import { trials as trialTable } from './schema.ts';
import {
  meanCost,
  meanDistance,
  meanEstimate,
  mean,
  meanLatency,
  meanOf,
  meanSize,
  sampleDeviation,
} from './seed-means.ts';

/**
 * One variant. Figures are means over the seeds that have them, null when none has. An interval's ends are the means of
 * the seeds' ends: all seeds are scored on the same items, so their sampling errors do not cancel.
 */
export interface BoardEntry {
  readonly method: string;
  readonly variant: string;
  readonly family: Family;
  readonly access: Access;
  readonly costClass: CostClass;
  readonly control: boolean;
  readonly params: Readonly<Record<string, unknown>>;
  /** By seed, ascending. */
  readonly trials: readonly BoardTrial[];
  /** How many seeds ended how. */
  readonly statuses: Readonly<Partial<Record<Status, number>>>;
  readonly stale: boolean;
  readonly notes: readonly string[];
  readonly simulated: string | null;
  readonly size: Size | null;
  /** Dense bytes divided by these, compressed with zstd; decides the weight class. Null without a dense trial. */
  readonly ratio: number | null;
  /** The same of the ONNX files as they are. */
  readonly fileRatio: number | null;
  /** Largest of PROTOCOL.weightClasses that the ratio reaches; null below the smallest. */
  readonly weightClass: number | null;
  readonly quality: (Pick<Quality, 'metric' | 'higherIsBetter' | 'estimate' | 'dense'> & SeedSpread) | null;
  readonly inSample: boolean;
  readonly distance: Distance | null;
  readonly latency: readonly LatencySummary[];
  readonly residentMemoryBytes: number | null;
  readonly cost: Cost | null;
}

export interface SeedSpread {
  /** Quality by seed, in the order of `trials`, of those that have one. */
  readonly bySeed: readonly { readonly seed: number; readonly estimate: Estimate }[];
  /** Sample standard deviation between seeds; null for fewer than two. */
  readonly seedDeviation: number | null;
}

export interface Leaderboard {
  /** The runner whose latency is shown; null when nothing was measured. */
  readonly runner: BoardRunner | null;
  readonly runners: readonly BoardRunner[];
  /** Sizes of the dense model; null without a completed dense trial. */
  readonly dense: Size | null;
  /** By method and variant. */
  readonly entries: readonly BoardEntry[];
}

/** The control every ratio refers to. */
export const DENSE_METHOD = 'dense';

export function leaderboard(store: Store, request: LeaderboardRequest): Leaderboard {
  const { database } = store;
  const ids = standingTrials(database, request);
  const evaluated = evaluationsOf(database, ids, request);
  const { runner, runners, measured } = measurementsOf(database, ids, request);
  const annotated = annotationsByRow(database, trialTable, ids);
  const groups = new Map<string, { readonly columns: TrialColumns; readonly trials: BoardTrial[] }>();
  for (const columns of trialColumnsOf(database, ids)) {
    const name = JSON.stringify([columns.trial.method, columns.trial.variant]);
    const group = groups.get(name) ?? { columns, trials: [] };
    groups.set(name, group);
    const { id } = columns.trial;
    group.trials.push(
      boardTrial(columns, evaluated.get(id) ?? null, measured.get(id) ?? null, annotated.get(columns.trial.key) ?? []),
    );
  }
  const denseSizes = [...groups.values()]
    .filter(({ columns }) => columns.trial.method === DENSE_METHOD)
    .flatMap((group) => group.trials.flatMap(({ size }) => (size ? [size] : [])));
  const dense = meanOf(denseSizes, meanSize);
  const entries = [...groups.values()].map(({ columns, trials }) => boardEntry(columns, trials, dense));
  return { runner, runners, dense, entries };
}

function boardTrial(
  { trial, artifact: artifactColumns, stale }: TrialColumns,
  evaluation: BoardEvaluation | null,
  measurement: BoardMeasurement | null,
  annotations: readonly string[],
): BoardTrial {
  const artifact = artifactColumns && artifactOf(artifactColumns);
  return {
    key: trial.key,
    run: trial.run,
    seed: trial.seed,
    status: trial.status,
    reason: trial.reason,
    startedAt: trial.startedAt,
    stale: stale === 1,
    notes: JSON.parse(trial.notes) as string[],
    simulated: trial.simulated,
    artifact: artifact?.sha256 ?? null,
    size: artifact?.size ?? null,
    cost: costOf(trial),
    evaluation,
    measurement,
    annotations,
  };
}

function boardEntry({ trial }: TrialColumns, trials: readonly BoardTrial[], dense: Size | null): BoardEntry {
  const completed = trials.filter(({ status }) => status === 'completed');
  const size = meanOf(present(completed.map((entry) => entry.size)), meanSize);
  const ratio = dense && size && dense.zstdBytes / size.zstdBytes;
  const measured = present(completed.map(({ measurement }) => measurement)).filter(
    ({ status }) => status === 'completed',
  );
  const statuses: Partial<Record<Status, number>> = {};
  for (const { status } of trials) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    method: trial.method,
    variant: trial.variant,
    family: trial.family,
    access: trial.access,
    costClass: costClassOf(trial.access),
    control: trial.control,
    params: JSON.parse(trial.params) as Record<string, unknown>,
    trials,
    statuses,
    stale: trials.some((entry) => entry.stale),
    notes: [...new Set(trials.flatMap(({ notes }) => notes))],
    simulated: trials.find(({ simulated }) => simulated !== null)?.simulated ?? null,
    size,
    ratio,
    fileRatio: dense && size && dense.fileBytes / size.fileBytes,
    weightClass: PROTOCOL.weightClasses.findLast((least) => ratio !== null && ratio >= least) ?? null,
    quality: entryQuality(completed),
    inSample: completed.some(({ evaluation }) => evaluation?.inSample),
    distance: meanOf(present(completed.map(({ evaluation }) => evaluation?.distance ?? null)), meanDistance),
    latency: meanLatency(measured.map(({ latency }) => latency)),
    residentMemoryBytes: meanOf(present(measured.map((entry) => entry.residentMemoryBytes)), mean),
    cost: meanOf(present(completed.map(({ cost }) => cost)), meanCost),
  };
}

function entryQuality(completed: readonly BoardTrial[]): BoardEntry['quality'] {
  const scored = completed.flatMap(({ seed, evaluation }) =>
    evaluation?.quality ? [{ seed, quality: evaluation.quality }] : [],
  );
  const [first] = scored;
  if (first === undefined) return null;
  const { metric, higherIsBetter } = first.quality;
  return {
    metric,
    higherIsBetter,
    estimate: meanEstimate(scored.map(({ quality }) => quality.estimate)),
    dense: mean(scored.map(({ quality }) => quality.dense)),
    bySeed: scored.map(({ seed, quality }) => ({ seed, estimate: quality.estimate })),
    seedDeviation: sampleDeviation(scored.map(({ quality }) => quality.estimate.value)),
  };
}

function present<T>(values: readonly (T | null)[]): readonly T[] {
  return values.filter((value) => value !== null);
}
