/** The leaderboard of one model, task and protocol: one entry per variant, its seeds averaged. Pure. */
import { type Access, type CostClass, type Family, costClassOf } from '../../contracts/taxonomy.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Cost, Distance, Estimate, Quality, Size, Status } from '../../contracts/result.ts';
import {
  type BoardRows,
  type BoardRunner,
  type BoardTrial,
  DENSE_METHOD,
  type LatencySummary,
  type LeaderboardRequest,
  type Store,
  type VariantRows,
  readBoard,
} from '../../drizzle/queries.ts';
import {
  mean,
  meanCost,
  meanDistance,
  meanLatency,
  meanOf,
  meanQuality,
  meanSize,
  sampleDeviation,
} from './seed-means.ts';

/**
 * One variant. Figures are means over the seeds that have them, null when none has; a perplexity is the exponential of the mean
 * loss. An interval's ends are the means of the seeds' ends: all seeds are scored on the same items, so their sampling errors do not cancel.
 */
export interface BoardEntry {
  readonly method: string;
  readonly variant: string;
  readonly family: Family;
  readonly access: Access;
  readonly costClass: CostClass;
  readonly control: boolean;
  readonly params: Readonly<Record<string, unknown>>;
  /** Whether its artifact may depend on the seed. */
  readonly random: boolean;
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

export function averageSeeds({ runner, runners, variants }: BoardRows): Leaderboard {
  const denseSizes = variants
    .filter(({ method }) => method === DENSE_METHOD)
    .flatMap(({ trials }) => trials.flatMap(({ size }) => (size ? [size] : [])));
  const dense = meanOf(denseSizes, meanSize);
  return { runner, runners, dense, entries: variants.map((variant) => boardEntry(variant, dense)) };
}

/** Reads a board's rows and averages their seeds. */
export function leaderboard(store: Store, request: LeaderboardRequest): Leaderboard {
  return averageSeeds(readBoard(store, request));
}

function boardEntry({ trials, ...variant }: VariantRows, dense: Size | null): BoardEntry {
  const completed = trials.filter(({ status }) => status === 'completed');
  const size = meanOf(withoutNulls(completed.map((entry) => entry.size)), meanSize);
  const ratio = dense && size && dense.zstdBytes / size.zstdBytes;
  const measured = withoutNulls(completed.map(({ measurement }) => measurement)).filter(
    ({ status }) => status === 'completed',
  );
  const statuses: Partial<Record<Status, number>> = {};
  for (const { status } of trials) statuses[status] = (statuses[status] ?? 0) + 1;
  return {
    ...variant,
    costClass: costClassOf(variant.access),
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
    distance: meanOf(withoutNulls(completed.map(({ evaluation }) => evaluation?.distance ?? null)), meanDistance),
    latency: meanLatency(measured.map(({ latency }) => latency)),
    residentMemoryBytes: meanOf(withoutNulls(measured.map((entry) => entry.residentMemoryBytes)), mean),
    cost: meanOf(withoutNulls(completed.map(({ cost }) => cost)), meanCost),
  };
}

function entryQuality(completed: readonly BoardTrial[]): BoardEntry['quality'] {
  const scored = completed.flatMap(({ seed, evaluation }) =>
    evaluation?.quality ? [{ seed, quality: evaluation.quality }] : [],
  );
  const [first] = scored;
  if (!first) return null;
  const { metric, higherIsBetter } = first.quality;
  return {
    metric,
    higherIsBetter,
    estimate: meanQuality(
      metric,
      scored.map(({ quality }) => quality.estimate),
    ),
    dense: mean(scored.map(({ quality }) => quality.dense)),
    bySeed: scored.map(({ seed, quality }) => ({ seed, estimate: quality.estimate })),
    seedDeviation: sampleDeviation(scored.map(({ quality }) => quality.estimate.value)),
  };
}

function withoutNulls<T>(values: readonly (T | null)[]): readonly T[] {
  return values.filter((value) => value !== null);
}
