/**
 * One board with everything the site shows of it, from the store's leaderboard. What depends on quality alone is computed
 * once per contest (model × task × protocol) and shared by the boards of its runners.
 */
import { DENSE_METHOD, entryName, slugOf } from '../../drizzle/queries.ts';
import type { BoardEntry, Leaderboard } from './leaderboard.ts';
import { mean, meanOf, meanQuality } from './seed-means.ts';
import { type Metric, isAgreement } from '../../contracts/dataset.ts';
import type {
  BoardSummary,
  BreakEven,
  DerivedBoard,
  DerivedEntry,
  EntryQuality,
  EntrySeed,
  Rank,
} from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { SliceQuality } from '../../contracts/result.ts';
import { betweenCurves } from './between-curves.ts';
import { badgesOf } from './badges.ts';
import { breakEven, denseSide } from './break-even.ts';
import { isOnAllCores } from '../../contracts/latency-shape.ts';
import { costEfficiency, entryCompute, qualityKept } from './cost-efficiency.ts';
import { frontsOf } from './fronts.ts';
import { headlines } from './headline.ts';
import { pairedOf } from './paired.ts';
import type { BoardRanking } from './rank-board.ts';
import { sliceDifferences, worstSlice } from './slice-differences.ts';
import { present } from '../../contracts/present.ts';
import { intervalIsNarrow } from '../../numerics/statistics/interval-coverage.ts';
import { outcomeValues } from '../../numerics/statistics/item-statistics.ts';
import type { EntryItems } from '../../numerics/statistics/pair-entries.ts';

export interface ContestFacts {
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
  /** What guessing gets; null where there is no such figure. */
  readonly chance: number | null;
  /** Reasons of withdrawn rows, by method and variant as entryName() joins them. */
  readonly withdrawn: ReadonlyMap<string, readonly string[]>;
}

/** What is the same on every runner's board. */
export interface Contest {
  readonly facts: ContestFacts;
  readonly ranking: BoardRanking;
  readonly metric: Metric | null;
  /** By entryName(). */
  readonly qualities: ReadonlyMap<string, EntryQuality>;
  readonly ranks: ReadonlyMap<string, Rank>;
  /** By quality over all sizes, from 1. */
  readonly places: ReadonlyMap<string, number>;
  /** Place in the pairing. */
  readonly indices: ReadonlyMap<string, number>;
  /** Why an entry with a quality has no rank. */
  readonly unranked: ReadonlyMap<string, string>;
}

export function contestId({ model, task, protocol }: Pick<ContestFacts, 'model' | 'task' | 'protocol'>): string {
  return slugOf(model, task, `p${protocol}`);
}

export function contestOf(entries: readonly BoardEntry[], ranking: BoardRanking, facts: ContestFacts): Contest {
  const { compared, outcomes } = ranking;
  const metric = compared[0]?.quality?.metric ?? entries.find(({ quality }) => quality)?.quality?.metric ?? null;
  const indices = new Map(compared.map((entry, index) => [entryName(entry), index]));
  const dense = compared.findIndex(({ method }) => method === DENSE_METHOD);
  const slicesOf = metric === null || dense < 0 ? () => [] : sliceDifferences({ entries: outcomes, dense, metric });
  const toDense = new Map([...ranking.toDense].map(([entry, paired]) => [entryName(entry), paired]));
  const qualities = new Map<string, EntryQuality>();
  for (const entry of entries) {
    const { quality } = entry;
    if (!quality) continue;
    const index = indices.get(entryName(entry));
    const slices = index === undefined ? [] : slicesOf(index, meanSlices(entry, quality.metric));
    const [first] = entry.trials.flatMap(({ evaluation }) => (evaluation?.quality ? [evaluation.quality] : []));
    qualities.set(entryName(entry), {
      metric: quality.metric,
      higherIsBetter: quality.higherIsBetter,
      estimate: quality.estimate,
      dense: quality.dense,
      kept: qualityKept(quality, facts.chance ?? 0),
      toDense: toDense.get(entryName(entry)) ?? null,
      items: first?.items ?? 0,
      decisions: first?.tokens ?? 0,
      seedDeviation: quality.seedDeviation,
      slices,
      worstSlice: worstSlice(slices, quality.metric),
    });
  }
  return {
    facts,
    ranking,
    metric,
    qualities,
    ranks: new Map([...ranking.ranks].map(([entry, rank]) => [entryName(entry), rank])),
    places: new Map(ranking.order.map((entry, index) => [entryName(entry), index + 1])),
    indices,
    unranked: new Map([...ranking.unranked].map(([entry, reason]) => [entryName(entry), reason])),
  };
}

/** By slice, means over the seeds that have it. */
function meanSlices({ trials }: BoardEntry, metric: Metric): SliceQuality[] {
  const bySlice = Map.groupBy(
    trials.flatMap(({ evaluation }) => evaluation?.quality?.slices ?? []),
    ({ slice }) => slice,
  );
  return [...bySlice].map(([slice, seeds]) => ({
    slice,
    items: seeds[0]?.items ?? 0,
    estimate: meanQuality(
      metric,
      seeds.map(({ estimate }) => estimate),
    ),
    dense: mean(seeds.map(({ dense }) => dense)),
  }));
}

export function deriveBoard(board: Leaderboard, contest: Contest): DerivedBoard {
  const { runner } = board;
  const { facts, ranking, indices } = contest;
  const { metric } = contest;
  const entries = board.entries.map((entry) => deriveEntry(entry, contest, runner?.provider ?? null));
  const shapes = shapesOf(entries);
  const place = (entry: DerivedEntry) => indices.get(entryName(entry)) ?? 0;
  const compare = (first: DerivedEntry, second: DerivedEntry) => {
    const found = present(ranking.pairing, 'the pairing of ranked entries').compare(place(first), place(second));
    return found && pairedOf(found, present(metric, 'the metric of ranked entries'));
  };
  const fronts = frontsOf(
    entries,
    shapes.map(({ shape }) => shape),
  );
  const summary = summarize(board, contest, entries);
  return {
    ...summary,
    chance: facts.chance,
    weightClasses: [...PROTOCOL.weightClasses],
    shapes,
    dense: entries.find(({ method }) => method === DENSE_METHOD)?.slug ?? null,
    notCompared: 0,
    headline: headlines(entries, { compare, shapes, provider: runner?.provider ?? null }),
    betweenCurves: betweenCurves(entries, { fronts, pairing: ranking.pairing, metric, indexOf: place }),
    fronts,
    entries,
  };
}

function summarize(board: Leaderboard, { facts, metric }: Contest, entries: readonly DerivedEntry[]): BoardSummary {
  const { runner } = board;
  const { model, task, protocol } = facts;
  const ranked = entries.filter(({ quality }) => quality !== null);
  const proposals = ranked.filter(({ control }) => !control);
  const pieces = entries.flatMap(({ seeds }) => seeds.flatMap((seed) => [seed, seed.evaluation, seed.measurement]));
  return {
    id: slugOf(model, task, `p${protocol}`, runner ? `${runner.provider}-${runner.fingerprint}` : 'untimed'),
    contest: contestId(facts),
    model,
    task,
    protocol,
    runner: runner && {
      fingerprint: runner.fingerprint,
      provider: runner.provider,
      machine: runner.machine,
      device: runner.device,
    },
    metric,
    higherIsBetter: metric === null ? null : metric !== 'perplexity',
    entryCount: entries.length,
    rankedCount: ranked.length,
    failureCount: pieces.filter((piece) => piece && piece.status !== 'completed').length,
    lowCostCount: proposals.filter(({ costClass }) => costClass === 'low-cost').length,
    highCostCount: proposals.filter(({ costClass }) => costClass === 'high-cost').length,
    timedCount: entries.filter(({ latency }) => latency.length > 0).length,
    noisyShare: meanOf(
      entries.flatMap(({ latency }) => latency.map(({ noisy }) => (noisy ? 1 : 0))),
      mean,
    ),
    inSample: board.entries.some(({ inSample }) => inSample),
    newestAt: entries.flatMap(({ seeds }) => seeds).reduce((newest, { startedAt }) => max(newest, startedAt), ''),
  };
}

function max(a: string, b: string): string {
  return a > b ? a : b;
}

/** In the order of the first entry that has them. */
function shapesOf(entries: readonly DerivedEntry[]): DerivedBoard['shapes'] {
  const shapes = new Map<string, DerivedBoard['shapes'][number]>();
  for (const { shape, batch, sequence } of entries.flatMap(({ latency }) => latency)) {
    if (!shapes.has(shape)) shapes.set(shape, { shape, batch, sequence });
  }
  return [...shapes.values()];
}

function deriveEntry(entry: BoardEntry, contest: Contest, provider: Provider | null): DerivedEntry {
  const name = entryName(entry);
  const quality = contest.qualities.get(name) ?? null;
  const outcomes = contest.ranking.outcomes[contest.indices.get(name) ?? -1];
  const compute = entryCompute(entry);
  const real = !entry.control && entry.simulated === null;
  const denseMemory = entry.trials.flatMap(({ measurement }) =>
    typeof measurement?.denseResidentMemoryBytes === 'number' ? [measurement.denseResidentMemoryBytes] : [],
  );
  return {
    slug: slugOf(entry.method, entry.variant),
    id: `${entry.method}/${entry.variant}`,
    method: entry.method,
    variant: entry.variant,
    family: entry.family,
    access: entry.access,
    costClass: entry.costClass,
    control: entry.control,
    params: { ...entry.params },
    badges: badgesOf(entry, {
      seeds: outcomes?.seeds,
      narrow: outcomes !== undefined && contest.metric !== null && isNarrow(outcomes, contest.metric),
      unranked: contest.unranked.get(name),
      withdrawn: contest.facts.withdrawn.get(name) ?? [],
    }),
    notes: [...entry.notes],
    seeds: entry.trials.map(deriveSeed),
    statuses: { ...entry.statuses },
    size: entry.size,
    ratio: entry.ratio,
    fileRatio: entry.fileRatio,
    weightClass: entry.weightClass,
    quality,
    distance: entry.distance,
    latency: entry.latency.map((latency) => ({ ...latency })),
    residentMemoryBytes: entry.residentMemoryBytes,
    denseResidentMemoryBytes: denseMemory.length > 0 ? mean(denseMemory) : null,
    cost: entry.cost,
    compute,
    efficiency: real ? costEfficiency({ kept: quality?.kept ?? null, ratio: entry.ratio, compute }) : null,
    paysBack: provider === null || !real ? [] : paysBack(entry, provider),
    rank: contest.ranks.get(name) ?? null,
    place: contest.places.get(name) ?? null,
  };
}

/** Of a mean over items, whose seeds each have an interval of their own. */
function isNarrow({ bySeed }: EntryItems, metric: Metric): boolean {
  if (isAgreement(metric)) return false;
  return bySeed.some((items) => intervalIsNarrow({ values: outcomeValues(items, { metric }), weights: items.tokens }));
}

function paysBack(entry: BoardEntry, provider: Provider): BreakEven[] {
  const compute = entryCompute(entry);
  return entry.latency
    .filter(({ shape }) => !isOnAllCores(shape))
    .map((timing) =>
      breakEven(timing, {
        costly: { compute, timing },
        cheap: denseSide(timing, compute?.unit ?? 'processor'),
        provider,
      }),
    );
}

function deriveSeed(trial: BoardEntry['trials'][number]): EntrySeed {
  const { evaluation, measurement } = trial;
  const piece = <T extends { key: string; run: string; status: EntrySeed['status']; reason: string | null }>(
    row: T | null,
  ) => row && { key: row.key, run: row.run, status: row.status, reason: row.reason };
  return {
    seed: trial.seed,
    key: trial.key,
    run: trial.run,
    startedAt: trial.startedAt,
    status: trial.status,
    reason: trial.reason,
    stale: trial.stale,
    artifact: trial.artifact,
    quality: evaluation?.quality?.estimate ?? null,
    evaluation: piece(evaluation),
    measurement: piece(measurement),
    annotations: [
      ...new Set([...trial.annotations, ...(evaluation?.annotations ?? []), ...(measurement?.annotations ?? [])]),
    ],
  };
}
