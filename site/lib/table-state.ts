/**
 * What a table shows, stored in the address so that a view can be linked: each choice is a query parameter. A missing or
 * invalid parameter means the default.
 */
import { byRank, type BoardRow } from './board-view.ts';
import { EVEN_WEIGHTS, scoreOf, type Column, type Weights } from './columns.ts';

export interface TableState {
  readonly search: string;
  readonly costClass: string | null;
  readonly family: string | null;
  /** "16", "8" …; "none" below the smallest class. */
  readonly weightClass: string | null;
  readonly reality: 'measured' | 'simulated' | null;
  /** Only what may have this rank in its weight class, or a better one. */
  readonly rank: number | null;
  readonly status: 'completed' | 'failed' | null;
  /** Null for the order of rank. */
  readonly sort: { readonly column: string; readonly order: 'ascending' | 'descending' } | null;
  /** Null for the usual ones. */
  readonly columns: readonly string[] | null;
  readonly weights: Weights;
  /** From 1. */
  readonly page: number;
}

/** `usual` gives the columns and the order when the address names none. */
export function readTableState(
  address: URLSearchParams,
  usual: { readonly columns?: string; readonly sort?: string } = {},
): TableState {
  const sort = address.get('sort') ?? usual.sort;
  const rank = Number(address.get('rank'));
  const page = Number(address.get('page'));
  return {
    search: address.get('q') ?? '',
    costClass: address.get('cost') || null,
    family: address.get('family') || null,
    weightClass: address.get('class') || null,
    reality: oneOf(address.get('real'), ['measured', 'simulated']),
    rank: Number.isInteger(rank) && rank >= 1 ? rank : null,
    status: oneOf(address.get('status'), ['completed', 'failed']),
    sort:
      sort && sort !== USUAL_ORDER
        ? { column: sort.replace(/^-/, ''), order: sort.startsWith('-') ? 'descending' : 'ascending' }
        : null,
    columns: (address.get('columns') ?? usual.columns)?.split(',').filter(Boolean) ?? null,
    weights: readWeights(address.get('weights')),
    page: Number.isInteger(page) && page >= 1 ? page : 1,
  };
}

/** Value for the usual order on pages whose default order is another. */
const USUAL_ORDER = 'usual';

/** The query parameters of a state; null removes a parameter. */
export type AddressChange = Readonly<Record<string, string | null>>;

export function sortChange(sort: TableState['sort']): AddressChange {
  return { sort: sort ? `${sort.order === 'descending' ? '-' : ''}${sort.column}` : USUAL_ORDER, page: null };
}

export function weightsChange(weights: Weights): AddressChange {
  const text = [weights.kept, weights.smaller, weights.faster, weights.compute].join(',');
  return { weights: text === writeEven() ? null : text };
}

function writeEven(): string {
  return [EVEN_WEIGHTS.kept, EVEN_WEIGHTS.smaller, EVEN_WEIGHTS.faster, EVEN_WEIGHTS.compute].join(',');
}

/** Larger exponents overflow and change nothing else. */
export const MAX_WEIGHT = 10;

function readWeights(text: string | null): Weights {
  const parts = (text ?? '').split(',').map(Number);
  const sane = parts.length === 4 && parts.every((part) => Number.isFinite(part) && part >= 0 && part <= MAX_WEIGHT);
  const [kept = 0, smaller = 0, faster = 0, compute = 0] = parts;
  return text && sane ? { kept, smaller, faster, compute } : EVEN_WEIGHTS;
}

function oneOf<const T extends string>(value: string | null, allowed: readonly T[]): T | null {
  return allowed.find((each) => each === value) ?? null;
}

/** Rows of the view, in its order. */
export function rowsOfView(
  rows: readonly BoardRow[],
  state: TableState,
  columns: readonly Column[],
): readonly BoardRow[] {
  const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter(
    (row) =>
      (state.costClass === null || row.costClass === state.costClass) &&
      (state.family === null || row.family === state.family) &&
      (state.weightClass === null || String(row.weightClass ?? 'none') === state.weightClass) &&
      (state.reality === null || row.simulated === (state.reality === 'simulated')) &&
      (state.rank === null || (row.rank !== null && row.rank.best <= state.rank)) &&
      (state.status === null || (row.status === 'completed') === (state.status === 'completed')) &&
      words.every((word) => row.id.toLowerCase().includes(word) || row.family.includes(word)),
  );
  const column = columns.find(({ id }) => id === state.sort?.column);
  if (!state.sort || !column) return found.sort(byRank);
  const direction = state.sort.order === 'ascending' ? 1 : -1;
  const value = column.id === 'score' ? (row: BoardRow) => scoreOf(row, state.weights) : column.sortValue;
  return found
    .map((row) => ({ row, value: value(row) }))
    .sort((a, b) => compareValues(a.value, b.value, direction) || byRank(a.row, b.row))
    .map(({ row }) => row);
}

/** Missing values come last in both directions. */
function compareValues(a: number | string | null, b: number | string | null, direction: number): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  if (typeof a === 'number' && typeof b === 'number') return (a - b) * direction;
  return (String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0) * direction;
}
