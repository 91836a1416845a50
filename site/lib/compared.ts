/** Which variants the comparison shows, and which one a typed name means. */
import type { BoardRow, BoardView } from './board-view.ts';
import type { Column } from './columns.ts';
import { visibleText } from './visible-text.ts';

export const MAX_COMPARED = 6;

export interface Compared {
  readonly rows: readonly BoardRow[];
  /** Slugs of the address that the board does not have. */
  readonly unknown: readonly string[];
}

/** The variants named by `of`; without it the best of each cost class in the first weight class that has both. */
export function comparedOf(view: Pick<BoardView, 'rows' | 'headline'>, of: string | null): Compared {
  if (of === null) return { rows: usualRows(view), unknown: [] };
  const slugs = [...new Set(of.split(','))].filter(Boolean);
  const found = slugs.map((slug) => ({ slug, row: view.rows.find((row) => row.slug === slug) }));
  return {
    rows: found.flatMap(({ row }) => row ?? []).slice(0, MAX_COMPARED),
    unknown: found.filter(({ row }) => !row).map(({ slug }) => slug),
  };
}

function usualRows({ rows, headline }: Pick<BoardView, 'rows' | 'headline'>): readonly BoardRow[] {
  const line = headline.find(({ lowCost, highCost }) => lowCost && highCost);
  if (line?.lowCost && line.highCost) return [line.highCost, line.lowCost];
  return rows.filter(({ quality, control }) => quality && !control).slice(0, 2);
}

export type Typed =
  | { readonly kind: 'unfinished' }
  /** `continued`: other names begin with it, so that only Enter says it is meant. */
  | { readonly kind: 'variant'; readonly row: BoardRow; readonly continued: boolean }
  | { readonly kind: 'not scored'; readonly row: BoardRow }
  | { readonly kind: 'unknown' };

export function typedVariant(rows: readonly BoardRow[], text: string): Typed {
  const name = text.trim();
  if (name === '') return { kind: 'unfinished' };
  const starting = rows.filter(({ id }) => visibleText(id).startsWith(name));
  const row = starting.find(({ id }) => visibleText(id) === name);
  if (!row) return { kind: starting.length > 0 ? 'unfinished' : 'unknown' };
  return row.quality ? { kind: 'variant', row, continued: starting.length > 1 } : { kind: 'not scored', row };
}

/** The one that leads by the point estimate; null where none does, several do, or only ratios of the figure compare. */
export function bestOf(
  rows: readonly BoardRow[],
  { sortValue, bestFirst, numeric, onlyRatiosCompare }: Column,
): BoardRow | null {
  if (!numeric || onlyRatiosCompare) return null;
  const valued = rows.flatMap((row) => {
    const value = sortValue(row);
    return typeof value === 'number' ? [{ row, value: bestFirst === 'ascending' ? value : -value }] : [];
  });
  const least = Math.min(...valued.map(({ value }) => value));
  const leading = valued.filter(({ value }) => value === least);
  return valued.length > 1 && leading.length === 1 ? (leading[0]?.row ?? null) : null;
}
