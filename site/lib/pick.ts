/**
 * "Pick for me": requirements, the variants that meet them, and what each variant is best at. Controls, simulated
 * artifacts and failures are never picked; a noisy timing meets no requirement on speed.
 */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { BoardRow, BoardView } from './board-view.ts';
import { formatBytes, formatPlainGap, formatQuality, formatRatio, formatCost } from './format.ts';
import { lossOf, metricWords } from './metric.ts';

export const SIZE_LIMITS = ['shipped', 'file', 'memory'] as const;
export type SizeLimit = (typeof SIZE_LIMITS)[number];

export interface Wishes {
  readonly maxBytes: number | null;
  readonly sizeOf: SizeLimit;
  /** Percent of perplexity or points of accuracy below dense. */
  readonly maxLoss: number | null;
  /** Times as fast as dense at the chosen shape. */
  readonly minSpeed: number | null;
  readonly shape: number;
  /** Wall seconds of the compression. */
  readonly maxCostSeconds: number | null;
  readonly training: boolean;
}

export type WishId = 'size' | 'loss' | 'speed' | 'cost' | 'training';

export interface Pick {
  readonly row: BoardRow;
  /** "Best quality", "Smallest" … of those that fit. */
  readonly titles: readonly string[];
  readonly why: string;
  /** Against the first pick; empty for it. */
  readonly tradeOff: string;
}

export interface Picked {
  readonly picks: readonly Pick[];
  readonly candidates: number;
  readonly fitting: number;
  /** How many candidates each requirement excludes by itself, largest count first. */
  readonly excluded: readonly { readonly wish: WishId; readonly count: number }[];
  /** When nothing fits: the variant that misses the fewest requirements, and which ones. */
  readonly nearest: { readonly row: BoardRow; readonly missed: readonly WishId[] } | null;
}

export function bytesOf(row: BoardRow, sizeOf: SizeLimit): number | null {
  return { shipped: row.zstdBytes, file: row.fileBytes, memory: row.memoryBytes }[sizeOf];
}

function speedOf(row: BoardRow, shape: number): number | null {
  const speed = row.speeds[shape];
  return speed && !speed.noisy ? speed.value : null;
}

export function rowLoss(row: BoardRow, view: BoardView): number | null {
  return row.gap && lossOf(row.gap.value, view.higherIsBetter);
}

function missedWishes(row: BoardRow, view: BoardView, wishes: Wishes): readonly WishId[] {
  const { maxBytes, maxLoss, minSpeed, maxCostSeconds, training, sizeOf, shape } = wishes;
  const tests: readonly (readonly [WishId, boolean])[] = [
    ['size', maxBytes === null || (bytesOf(row, sizeOf) ?? Infinity) <= maxBytes],
    ['loss', maxLoss === null || (rowLoss(row, view) ?? Infinity) <= maxLoss],
    ['speed', minSpeed === null || (speedOf(row, shape) ?? 0) >= minSpeed],
    ['cost', maxCostSeconds === null || (row.computeSeconds ?? Infinity) <= maxCostSeconds],
    ['training', training || row.costClass === 'low-cost'],
  ];
  return tests.filter(([, fulfilled]) => !fulfilled).map(([wish]) => wish);
}

const WISHES: readonly WishId[] = ['size', 'loss', 'speed', 'cost', 'training'];

export function pick(view: BoardView, wishes: Wishes): Picked {
  const candidates = view.rows.filter(
    (row) => row.quality && !row.control && !row.simulated && row.slug !== view.dense,
  );
  const judged = candidates.map((row) => ({ row, missed: missedWishes(row, view, wishes) }));
  const fitting = judged.filter(({ missed }) => missed.length === 0).map(({ row }) => row);
  const nearest = judged.toSorted(
    (a, b) => a.missed.length - b.missed.length || (a.row.place ?? Infinity) - (b.row.place ?? Infinity),
  )[0];
  return {
    picks: shortList(fitting, view, wishes),
    candidates: candidates.length,
    fitting: fitting.length,
    excluded: WISHES.map((wish) => ({
      wish,
      count: judged.filter(({ missed }) => missed.includes(wish)).length,
    }))
      .filter(({ count }) => count > 0)
      .sort((a, b) => b.count - a.count),
    nearest: fitting.length > 0 ? null : (nearest ?? null),
  };
}

/** A gain in bytes or time below this share does not outweigh a loss of quality. */
const NO_DIFFERENCE = 0.02;

interface Virtue {
  readonly title: string;
  /** Smaller is better; null is left out. */
  readonly value: (row: BoardRow) => number | null;
}

/** The best fitting variant by each criterion; one that is best at several appears once. */
function shortList(fitting: readonly BoardRow[], view: BoardView, wishes: Wishes): readonly Pick[] {
  const virtues: readonly Virtue[] = [
    { title: 'Best quality', value: ({ place }) => place },
    { title: 'Smallest', value: (row) => bytesOf(row, wishes.sizeOf) },
    { title: 'Fastest', value: (row) => negated(speedOf(row, wishes.shape)) },
    { title: 'Cheapest to make', value: ({ computeSeconds }) => computeSeconds },
    { title: 'Best trade of all', value: ({ efficiency }) => negated(efficiency) },
  ];
  const titles = new Map<BoardRow, string[]>();
  for (const { title, value } of virtues) {
    const best = leastBy(fitting, value);
    if (best) titles.set(best, [...(titles.get(best) ?? []), title]);
  }
  const first = [...titles.keys()][0];
  return [...titles].map(([row, names]) => ({
    row,
    titles: names,
    why: whyOf(row, view, wishes),
    tradeOff: row === first || !first ? '' : tradeOff({ row, first, view, wishes }),
  }));
}

function negated(value: number | null): number | null {
  return value === null ? null : -value;
}

/** Among variants that hardly differ from the best, the one with the best quality. */
function leastBy(rows: readonly BoardRow[], value: Virtue['value']): BoardRow | undefined {
  const valued = rows.flatMap((row) => {
    const own = value(row);
    return own === null ? [] : [{ row, own }];
  });
  const least = Math.min(...valued.map(({ own }) => own));
  return valued
    .filter(({ own }) => own <= least + Math.abs(least) * NO_DIFFERENCE)
    .toSorted((a, b) => (a.row.place ?? Infinity) - (b.row.place ?? Infinity))[0]?.row;
}

function whyOf(row: BoardRow, view: BoardView, wishes: Wishes): string {
  const words = metricWords(view.metric);
  const loss = rowLoss(row, view);
  const bytes = bytesOf(row, wishes.sizeOf);
  const speed = speedOf(row, wishes.shape);
  const shape = view.shapes[wishes.shape];
  return [
    row.quality && `${words.title} ${formatQuality(view.metric, row.quality.value)}`,
    loss !== null &&
      (row.gapSignificant
        ? `${formatPlainGap(view.metric, loss)} ${loss > 0 ? 'worse' : 'better'} than dense`
        : 'no difference to dense that a test can tell'),
    bytes !== null && `${formatBytes(bytes)} ${SIZE_WORDS[wishes.sizeOf]}`,
    speed !== null && shape && `${formatRatio(speed)} dense’s speed at ${shape.name}`,
    row.computeSeconds !== null && `made in ${formatCost(row.computeSeconds)} of compute`,
  ]
    .filter(Boolean)
    .join(', ');
}

export const SIZE_WORDS: Readonly<Record<SizeLimit, string>> = {
  shipped: 'as shipped',
  file: 'on disk',
  memory: 'of memory',
};

/** "Against rtn/w8: 38 % smaller and 2.1 times as fast, for 5.3 % higher perplexity." */
function tradeOff(of: {
  readonly row: BoardRow;
  readonly first: BoardRow;
  readonly view: BoardView;
  readonly wishes: Wishes;
}): string {
  const { row, first, view, wishes } = of;
  const gains: string[] = [];
  const losses: string[] = [];
  const weigh = (ratio: number | null, better: string, worse: string) => {
    if (ratio === null || !Number.isFinite(ratio) || Math.abs(ratio - 1) < NO_DIFFERENCE) return;
    (ratio < 1 ? gains : losses).push(
      `${percentOrTimes(ratio)} ${ratio >= 2 ? `the ${worse.replace('more ', '')}` : ratio < 1 ? better : worse}`,
    );
  };
  weigh(ratioOf(bytesOf(row, wishes.sizeOf), bytesOf(first, wishes.sizeOf)), 'smaller', 'more bytes');
  weigh(ratioOf(speedOf(first, wishes.shape), speedOf(row, wishes.shape)), 'less time per call', 'more time per call');
  weigh(ratioOf(countedCost(row), countedCost(first)), 'less compute to make', 'more compute to make');
  const quality = qualityWords(row, first, view);
  if (quality) losses.push(quality);
  const text = [gains.join(', '), losses.length > 0 && `${gains.length > 0 ? 'for ' : ''}${losses.join(', ')}`];
  return text.filter(Boolean).join(', ') || 'No difference worth a word.';
}

function qualityWords(row: BoardRow, first: BoardRow, view: BoardView): string {
  if (!row.quality || !first.quality) return '';
  const words = metricWords(view.metric);
  const value =
    view.metric === 'perplexity'
      ? (row.quality.value / first.quality.value - 1) * 100
      : (row.quality.value - first.quality.value) * 100;
  if (Math.abs(value) < 0.005) return '';
  return `${formatPlainGap(view.metric, value)} ${value > 0 ? 'higher' : 'lower'} ${words.title}`;
}

/** Null where it is too small to be told from none. */
function countedCost({ computeSeconds }: BoardRow): number | null {
  return (computeSeconds ?? 0) < PROTOCOL.cost.leastSeconds ? null : computeSeconds;
}

function ratioOf(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : a / b;
}

/** 0.62 → "38 %"; above a factor of two, "3.4 times". */
function percentOrTimes(ratio: number): string {
  if (ratio >= 2) return `${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en')} times`;
  return `${Math.round(Math.abs(1 - ratio) * 100)} %`;
}
