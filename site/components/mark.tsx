/** The marks of plots and tables: a shape and a colour for each kind of entry, so that either alone tells them apart. */
import { symbol, symbolCircle, symbolCross, symbolStar, symbolTriangle } from 'd3-shape';
import type { BoardRow } from '../lib/board-view.ts';

export type MarkKind = 'low-cost' | 'high-cost' | 'control' | 'dense';

export function markKind(row: Pick<BoardRow, 'slug' | 'control' | 'costClass'>, dense: string | null): MarkKind {
  if (row.slug === dense) return 'dense';
  return row.control ? 'control' : row.costClass;
}

export const MARK_TITLES: Readonly<Record<MarkKind, string>> = {
  'low-cost': 'low-cost: does not train',
  'high-cost': 'high-cost: trains',
  control: 'control',
  dense: 'dense, uncompressed',
};

const SHAPES = {
  'low-cost': symbolCircle,
  'high-cost': symbolTriangle,
  control: symbolCross,
  dense: symbolStar,
} as const;

/** Areas in square pixels; a triangle or star of the same area as a circle looks smaller. */
const AREAS = { 'low-cost': 58, 'high-cost': 62, control: 44, dense: 110 } as const;

/** Rounded, so that server and browser write the same path. */
function pathOf(kind: MarkKind): string {
  return (symbol(SHAPES[kind], AREAS[kind])() ?? '').replaceAll(/-?\d+\.\d+/g, (number) => Number(number).toFixed(2));
}

export const MARK_PATHS: Readonly<Record<MarkKind, string>> = {
  'low-cost': pathOf('low-cost'),
  'high-cost': pathOf('high-cost'),
  control: pathOf('control'),
  dense: pathOf('dense'),
};

/** A mark by itself, beside text that says what it is. */
export function Mark({ kind, simulated = false }: { readonly kind: MarkKind; readonly simulated?: boolean }) {
  return (
    <svg className="mark-icon" viewBox="-8 -8 16 16" width="16" height="16" aria-hidden="true">
      <path className={`mark ${kind}${simulated ? ' simulated' : ''}`} d={MARK_PATHS[kind]} />
    </svg>
  );
}
