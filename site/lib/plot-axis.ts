/** What quality is plotted against. */
import { scaleLog } from 'd3-scale';
import type { Front } from '../../drizzle/queries.ts';
import type { BoardRow, BoardView } from './board-view.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { formatRatio, formatSeconds } from './format.ts';
import { thin } from './quality-scale.ts';

export interface PlotAxis {
  /** Stands in addresses. */
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly value: (row: BoardRow) => number | null;
  readonly format: (value: number) => string;
  readonly front: (front: Front) => boolean;
  /** Whether larger values, which lie to the right, are better. */
  readonly better: 'right' | 'left';
}

export function plotAxes({ shapes, fronts }: Pick<BoardView, 'shapes' | 'fronts'>): readonly PlotAxis[] {
  // Seconds of a processor and of an accelerator do not share an axis: then the clock's.
  const byWall = fronts.some(({ unit }) => unit === 'wall seconds');
  const { leastSeconds } = PROTOCOL.cost;
  return [
    {
      id: 'size',
      name: 'Size',
      title: 'times smaller than dense, as shipped',
      value: ({ ratio }) => ratio,
      format: shortRatio,
      front: ({ axis }) => axis === 'size',
      better: 'right',
    },
    ...shapes.map(({ shape, name }, i): PlotAxis => ({
      id: `speed-${shape}`,
      name: `Speed, ${name}`,
      title: `times as fast as dense, ${name}`,
      value: ({ speeds }) => speeds[i]?.value ?? null,
      format: shortRatio,
      front: (front) => front.axis === 'latency' && front.shape === shape,
      better: 'right',
    })),
    {
      id: 'cost',
      name: 'Compression cost',
      title: `${byWall ? 'wall' : 'compute'} seconds of compressing, at least ${leastSeconds}`,
      value: ({ wallSeconds, computeSeconds }) => {
        const seconds = byWall ? wallSeconds : computeSeconds;
        return seconds === null ? null : Math.max(seconds, leastSeconds);
      },
      format: shortSeconds,
      front: ({ axis }) => axis === 'compression-cost',
      better: 'left',
    },
  ];
}

function shortRatio(ratio: number): string {
  return Number.isInteger(ratio) ? `${ratio}×` : formatRatio(ratio).replace(/\.?0+×$/, '×');
}

function shortSeconds(seconds: number): string {
  return formatSeconds(seconds).replace(/\.0(?=\s)/, '');
}

export interface XScale {
  /** Percent of the plot's width. */
  readonly toPercent: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Ticks for ratios are powers of two; for seconds, powers of ten. */
const RATIO_TICKS = [0.1, 0.2, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64, 128];

export function xScale(axis: PlotAxis, rows: readonly BoardRow[]): XScale {
  const values = rows.flatMap((row) => {
    const value = axis.value(row);
    return value !== null && value > 0 ? [value] : [];
  });
  const low = Math.min(...values, Infinity);
  const high = Math.max(...values, 0);
  const [from, to] = Number.isFinite(low) ? [low, Math.max(high, low * 1.5)] : [1, 10];
  const room = (to / from) ** 0.04;
  const scale = scaleLog([from / room, to * room], [0, 100]);
  const inside = (tick: number) => tick >= from / room && tick <= to * room;
  const ticks = axis.id === 'cost' ? thin(scale.ticks(7)) : RATIO_TICKS.filter(inside);
  return { toPercent: (value) => scale(value), ticks: ticks.length > 9 ? ticks.filter((_, i) => i % 2 === 0) : ticks };
}
