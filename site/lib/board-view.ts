/**
 * A board as tables and plots need it: flat rows without the details of a result's page. The server makes it from a
 * derived board and writes it beside the pages as boards/<id>.json, which the browser fetches once.
 */
import type { Metric } from '../../contracts/dataset.ts';
import { runnerName } from '../../contracts/words/board.ts';
import type {
  Badge,
  BetweenCurves,
  BoardSummary,
  BreakEven,
  CostClass,
  DerivedBoard,
  DerivedEntry,
  Estimate,
  Family,
  Front,
  Headline,
  Rank,
  Status,
} from '../../drizzle/queries.ts';
import { formatShape } from './format.ts';

export interface RowSpeed extends Estimate {
  readonly p50Ms: number;
  readonly noisy: boolean;
}

/** One variant. Figures are means over its seeds; null if unknown. */
export interface BoardRow {
  readonly slug: string;
  /** method/variant */
  readonly id: string;
  readonly method: string;
  readonly methodSlug: string;
  readonly variant: string;
  readonly family: Family;
  readonly access: DerivedEntry['access'];
  readonly costClass: CostClass;
  readonly control: boolean;
  readonly simulated: boolean;
  /** Reason of the first failed seed, if no seed completed. */
  readonly status: Status | 'unfinished';
  readonly reason: string | null;
  readonly badges: readonly Badge[];
  readonly weightClass: number | null;
  readonly ratio: number | null;
  readonly fileRatio: number | null;
  readonly zstdBytes: number | null;
  readonly fileBytes: number | null;
  readonly parameters: number | null;
  readonly nonZeroParameters: number | null;
  /** Within the weight class. */
  readonly rank: Rank | null;
  readonly place: number | null;
  readonly quality: Estimate | null;
  readonly kept: number | null;
  /** Difference to dense in percent of perplexity or points of accuracy. */
  readonly gap: Estimate | null;
  readonly gapSignificant: boolean;
  readonly klDivergence: number | null;
  readonly sameTop: number | null;
  readonly correctToIncorrect: number | null;
  readonly incorrectToCorrect: number | null;
  readonly worstSlice: string | null;
  readonly worstSliceGap: number | null;
  /** In the order of the board's shapes. */
  readonly speeds: readonly (RowSpeed | null)[];
  readonly memoryBytes: number | null;
  readonly wallSeconds: number | null;
  readonly computeSeconds: number | null;
  readonly computeUnit: 'processor' | 'accelerator' | null;
  readonly peakMemoryBytes: number | null;
  readonly tokensSeen: number | null;
  readonly gradientSteps: number | null;
  readonly energyJoules: number | null;
  readonly efficiency: number | null;
  readonly seeds: number;
  readonly seedDeviation: number | null;
  /** Of the first completed seed's trial, else of the first. */
  readonly key: string | null;
  readonly run: string | null;
  readonly startedAt: string | null;
}

export interface HeadlineView extends Pick<Headline, 'weightClass' | 'verdict' | 'computeRatio' | 'noComputeRatio'> {
  readonly lowCost: BoardRow | null;
  readonly highCost: BoardRow | null;
  readonly lowCostTied: number;
  readonly highCostTied: number;
  /** High-cost minus low-cost, in percent of perplexity or points of accuracy. */
  readonly gap: Estimate | null;
  /** The gap speaks of two artifacts: a side has a single seed. */
  readonly artifactsOnly: boolean;
  readonly breakEven: readonly BreakEven[];
}

export interface BoardView {
  readonly id: string;
  readonly contest: string;
  readonly model: string;
  readonly task: string;
  readonly protocol: number;
  readonly runner: string | null;
  readonly runnerName: string;
  readonly metric: Metric | null;
  readonly higherIsBetter: boolean | null;
  readonly chance: number | null;
  readonly inSample: boolean;
  readonly newestAt: string;
  /** Of the timings; null where there are none. */
  readonly noisyShare: number | null;
  readonly weightClasses: readonly number[];
  readonly shapes: readonly { readonly shape: string; readonly name: string }[];
  /** Slug of dense. */
  readonly dense: string | null;
  readonly denseQuality: number | null;
  readonly denseBytes: number | null;
  readonly headline: readonly HeadlineView[];
  readonly betweenCurves: BetweenCurves | null;
  readonly fronts: readonly Front[];
  /** In the order of rank: largest weight class first, failures last. */
  readonly rows: readonly BoardRow[];
  /** Number of entries on the board; more than `rows` if the page starts with a part of them. */
  readonly total: number;
}

/** What a board is chosen by. */
export interface BoardChoice {
  readonly id: string;
  readonly model: string;
  readonly task: string;
  readonly runner: string | null;
  readonly runnerName: string;
}

export function boardChoice({ id, model, task, runner }: BoardSummary): BoardChoice {
  return { id, model, task, runner: runner?.fingerprint ?? null, runnerName: runnerName(runner) };
}

export function boardView(board: DerivedBoard, slugOf: (...parts: readonly string[]) => string): BoardView {
  const rows = board.entries.map((entry) => boardRow(entry, board, slugOf)).sort(byRank);
  const bySlug = new Map(rows.map((row) => [row.slug, row]));
  const at = (slug: string | null) => (slug === null ? null : (bySlug.get(slug) ?? null));
  const dense = at(board.dense);
  return {
    id: board.id,
    contest: board.contest,
    model: board.model,
    task: board.task,
    protocol: board.protocol,
    runner: board.runner?.fingerprint ?? null,
    runnerName: runnerName(board.runner),
    metric: board.metric,
    higherIsBetter: board.higherIsBetter,
    chance: board.chance,
    inSample: board.inSample,
    newestAt: board.newestAt,
    noisyShare: board.noisyShare,
    weightClasses: board.weightClasses,
    shapes: board.shapes.map((shape) => ({ shape: shape.shape, name: formatShape(shape) })),
    dense: board.dense,
    denseQuality: dense?.quality?.value ?? null,
    denseBytes: dense?.zstdBytes ?? null,
    headline: board.headline.map((line) => ({
      weightClass: line.weightClass,
      verdict: line.verdict,
      computeRatio: line.computeRatio,
      noComputeRatio: line.noComputeRatio,
      lowCost: at(line.lowCost),
      highCost: at(line.highCost),
      lowCostTied: line.lowCostTied.length,
      highCostTied: line.highCostTied.length,
      gap: line.comparison?.shown ?? null,
      artifactsOnly: line.comparison?.about === 'these artifacts',
      breakEven: line.breakEven,
    })),
    betweenCurves: board.betweenCurves,
    fronts: board.fronts,
    rows,
    total: rows.length,
  };
}

function boardRow(entry: DerivedEntry, board: DerivedBoard, slugOf: (...parts: readonly string[]) => string): BoardRow {
  const { quality, distance, size, cost, seeds } = entry;
  const seed = seeds.find(({ status }) => status === 'completed') ?? seeds[0];
  const broken = seeds
    .flatMap((trial) => [trial, ...(trial.evaluation ? [trial.evaluation] : [])])
    .find(({ status }) => status !== 'completed');
  const worst = quality?.slices.find(({ slice }) => slice === quality.worstSlice);
  return {
    slug: entry.slug,
    id: entry.id,
    method: entry.method,
    methodSlug: slugOf(entry.method),
    variant: entry.variant,
    family: entry.family,
    access: entry.access,
    costClass: entry.costClass,
    control: entry.control,
    simulated: entry.badges.some(({ id }) => id === 'simulated'),
    status: quality ? 'completed' : (broken?.status ?? 'unfinished'),
    reason: quality ? null : (broken?.reason ?? null),
    // In-sample is a property of the board and is shown once above the table.
    badges: entry.badges.filter(({ id }) => id !== 'in-sample'),
    weightClass: entry.weightClass,
    ratio: entry.ratio,
    fileRatio: entry.fileRatio,
    zstdBytes: size?.zstdBytes ?? null,
    fileBytes: size?.fileBytes ?? null,
    parameters: size?.parameters ?? null,
    nonZeroParameters: size?.nonZeroParameters ?? null,
    rank: entry.rank,
    place: entry.place,
    quality: quality?.estimate ?? null,
    kept: quality?.kept ?? null,
    gap: quality?.toDense?.shown ?? null,
    gapSignificant: quality?.toDense?.significant ?? false,
    klDivergence: distance?.klDivergence.value ?? null,
    sameTop: distance?.sameTop.value ?? null,
    correctToIncorrect: distance?.correctToIncorrect.value ?? null,
    incorrectToCorrect: distance?.incorrectToCorrect.value ?? null,
    worstSlice: quality?.worstSlice ?? null,
    worstSliceGap: worst?.toDense.shown.value ?? null,
    speeds: board.shapes.map(({ shape }) => {
      const found = entry.latency.find((latency) => latency.shape === shape);
      return found ? { ...found.speedUp, p50Ms: found.p50Ms, noisy: found.noisy } : null;
    }),
    memoryBytes: entry.residentMemoryBytes,
    wallSeconds: cost?.wallSeconds ?? null,
    computeSeconds: entry.compute?.seconds ?? null,
    computeUnit: entry.compute?.unit ?? null,
    peakMemoryBytes: cost?.peakMemoryBytes ?? null,
    tokensSeen: cost?.tokensSeen ?? null,
    gradientSteps: cost?.gradientSteps ?? null,
    energyJoules: cost?.energyJoules ?? null,
    efficiency: entry.efficiency,
    seeds: seeds.length,
    seedDeviation: quality?.seedDeviation ?? null,
    key: seed?.key ?? null,
    run: seed?.run ?? null,
    startedAt: seed?.startedAt ?? null,
  };
}

/** Largest weight class first, by quality within it; what has no quality comes last. */
export function byRank(a: BoardRow, b: BoardRow): number {
  return (
    Number(a.quality === null) - Number(b.quality === null) ||
    (b.weightClass ?? 0) - (a.weightClass ?? 0) ||
    (a.place ?? Infinity) - (b.place ?? Infinity) ||
    (a.id < b.id ? -1 : 1)
  );
}

/** A board with more rows than this is sent with the page as its first rows and its fronts; the browser fetches the rest. */
const ROWS_IN_PAGE = 400;
const FIRST_ROWS = 100;

/** The part of a board that is sent with the page: all rows, or the first rows of a huge board. */
export function startOf(view: BoardView): BoardView {
  if (view.rows.length <= ROWS_IN_PAGE) return view;
  const drawn = new Set(view.fronts.flatMap(({ entries }) => entries));
  return {
    ...view,
    rows: view.rows.filter((row, i) => i < FIRST_ROWS || drawn.has(row.slug) || row.slug === view.dense),
  };
}
