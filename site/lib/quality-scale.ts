/** The scale of qualities: logarithmic for perplexities, with the worst cut off; 0 to 1 for shares. */
import { scaleLinear, scaleLog } from 'd3-scale';
import type { BoardRow, BoardView } from './board-view.ts';

export interface QualityScale {
  /** Worst first; the domain of the plot. */
  readonly domain: readonly [number, number];
  /** 0 at the worst end, 1 at the best. */
  readonly toShare: (value: number) => number;
  readonly ticks: readonly number[];
  /** Worse than the end of the domain. */
  readonly isBeyond: (value: number) => boolean;
}

/** A perplexity this many times that of dense is unusable; larger ones are drawn on the edge. */
const WORST_TIMES_DENSE = 12;
/** A table cell has room only for a narrower range. */
export const WORST_IN_CELL = 2;
const MAX_TICKS = 7;

export function qualityScale(
  view: Pick<BoardView, 'metric' | 'denseQuality' | 'chance' | 'higherIsBetter'>,
  rows: readonly BoardRow[],
  worstTimesDense = WORST_TIMES_DENSE,
): QualityScale {
  const values = rows.flatMap(({ quality }) => (quality ? [quality.value] : []));
  if (view.denseQuality !== null) values.push(view.denseQuality);
  if (view.metric === 'perplexity' || view.higherIsBetter === false)
    return lossScale(values, view.denseQuality, worstTimesDense);
  return shareScale(values, view.chance);
}

function lossScale(values: readonly number[], dense: number | null, worstTimesDense: number): QualityScale {
  const best = Math.min(...values, Infinity);
  if (!Number.isFinite(best)) return lossScale([1, 10], null, worstTimesDense);
  const limit = (dense ?? best) * worstTimesDense;
  const worst = Math.max(best * 1.2, Math.min(limit, Math.max(...values)));
  const domain = [worst * 1.06, best / 1.06] as const;
  const scale = scaleLog([...domain], [0, 1]);
  return {
    domain,
    toShare: (value) => scale(value),
    ticks: thin(scale.ticks(MAX_TICKS).filter((tick) => tick <= domain[0] && tick >= domain[1])),
    isBeyond: (value) => value > domain[0],
  };
}

function shareScale(values: readonly number[], chance: number | null): QualityScale {
  const low = Math.min(...values, chance ?? 1, 1);
  const high = Math.max(...values, chance ?? 0, 0);
  const room = Math.max(0.02, (high - low) * 0.08);
  const domain = [Math.max(low < 0 ? -1 : 0, low - room), Math.min(1, high + room)] as const;
  const scale = scaleLinear([...domain], [0, 1]);
  return { domain, toShare: (value) => scale(value), ticks: scale.ticks(6), isBeyond: (value) => value < domain[0] };
}

/** If a logarithmic scale has many ticks, only those that begin with 1, 2 or 5 are kept. */
export function thin(ticks: readonly number[]): readonly number[] {
  if (ticks.length <= MAX_TICKS) return ticks;
  const round = ticks.filter((tick) => /^[125]/.test(tick.toExponential()));
  return round.length <= MAX_TICKS ? round : round.filter((tick) => tick.toExponential().startsWith('1'));
}
