'use client';
/** The leaderboard as a table: one block per weight class in the order of rank, a single block when sorted otherwise. */
import { memo, useMemo, type ComponentProps } from 'react';
import type { BoardRow, BoardView } from '../lib/board-view.ts';
import { columnsOf, defaultColumns, type Column } from '../lib/columns.ts';
import { csvOf, exportRows } from '../lib/download.ts';
import { plural } from '../lib/format.ts';
import { WORST_IN_CELL, qualityScale } from '../lib/quality-scale.ts';
import { sortChange, type TableState } from '../lib/table-state.ts';
import { useReady, type Address } from '../lib/use-address.ts';
import type { CellContext } from './board-cell.tsx';
import { RowCells } from './row-cells.tsx';
import { weightClassTitle } from '../../contracts/words/board.ts';

export function BoardTable(props: {
  readonly view: BoardView;
  readonly rows: readonly BoardRow[];
  readonly state: TableState;
  readonly address: Address;
  readonly pageSize: number;
  /** Number of rows on the board; more than those fetched. */
  readonly total: number;
}) {
  const { view, rows, state, pageSize, total } = props;
  const [, change] = props.address;
  const ready = useReady();
  const weights = useSame(state.weights);
  const chosen = useSame(state.columns);
  const shown = useMemo(() => shownColumns(columnsOf(view, weights), chosen), [view, weights, chosen]);
  // The scale covers all rows of the board, so that filtering does not move the whiskers.
  const scale = useMemo(() => qualityScale(view, view.rows, WORST_IN_CELL), [view]);
  const context = useMemo((): CellContext => ({ view, scale, weights }), [view, scale, weights]);
  const pages = Math.max(1, Math.ceil(total / pageSize));
  const page = Math.min(state.page, pages);
  const visible = rows.slice((page - 1) * pageSize, page * pageSize);
  const groups = state.sort ? [{ title: null, rows: visible }] : groupByClass(visible, view);
  const sort = (column: Column) => {
    const sorted = state.sort?.column === column.id ? state.sort.order : null;
    const other = column.bestFirst === 'ascending' ? 'descending' : 'ascending';
    change(
      sortChange(
        sorted === null
          ? { column: column.id, order: column.bestFirst }
          : sorted === column.bestFirst
            ? { column: column.id, order: other }
            : null,
      ),
    );
  };
  return (
    <>
      <div className="table-scroll board-table" role="group" aria-label="Leaderboard" tabIndex={0}>
        <table className="board">
          <caption className="hidden">
            {plural(total, 'variant')}, {state.sort ? `by ${state.sort.column}` : 'by weight class and quality'}
          </caption>
          <thead>
            <tr>
              {shown.map((column) => (
                <th
                  key={column.id}
                  scope="col"
                  className={column.numeric ? 'numeric' : undefined}
                  aria-sort={state.sort?.column === column.id ? state.sort.order : undefined}
                >
                  <button type="button" disabled={!ready} title={column.hint} onClick={() => sort(column)}>
                    {column.title}
                    <span className="sort-mark" aria-hidden="true">
                      {state.sort?.column === column.id ? (state.sort.order === 'ascending' ? '▲' : '▼') : ''}
                    </span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          {groups.map((group) => (
            <tbody key={group.title ?? 'all'}>
              {group.title && (
                <tr className="group">
                  <th scope="rowgroup" colSpan={shown.length}>
                    <span>{group.title}</span>
                  </th>
                </tr>
              )}
              {group.rows.map((row) => (
                <TableRow key={row.slug} row={row} columns={shown} context={context} />
              ))}
            </tbody>
          ))}
        </table>
        {visible.length === 0 && (
          <div className="empty">
            <h3>Nothing fits</h3>
            <p>No variant of this board passes all filters. Take one off, or clear them all.</p>
          </div>
        )}
      </div>
      <div className="table-foot">
        <p className="small quiet" role="status">
          {rangeText({ page, pageSize, total, all: view.total })}
        </p>
        {pages > 1 && (
          <nav className="pager" aria-label="Pages of the table">
            <button type="button" disabled={!ready || page === 1} onClick={() => change({ page: pageText(page - 1) })}>
              Previous
            </button>
            <span className="number">
              {page} / {pages}
            </span>
            <button
              type="button"
              disabled={!ready || page === pages}
              onClick={() => change({ page: pageText(page + 1) })}
            >
              Next
            </button>
          </nav>
        )}
        <div className="downloads">
          <button
            type="button"
            disabled={!ready}
            onClick={() => download({ view, rows, columns: shown, format: 'csv' })}
          >
            CSV of this view
          </button>
          <button
            type="button"
            disabled={!ready}
            onClick={() => download({ view, rows, columns: shown, format: 'json' })}
          >
            JSON
          </button>
        </div>
      </div>
    </>
  );
}

/** Rows that stay visible after filtering are not rendered again. */
const TableRow = memo(function TableRow(props: ComponentProps<typeof RowCells>) {
  return (
    <tr>
      <RowCells {...props} />
    </tr>
  );
});

/** Keeps the previous object while the address yields an equal value. */
function useSame<T>(value: T): T {
  const text = JSON.stringify(value);
  return useMemo(() => value, [text]);
}

export function shownColumns(columns: readonly Column[], chosen: TableState['columns']): readonly Column[] {
  const ids = chosen ?? defaultColumns(columns);
  const shown = columns.filter(({ id }) => id === 'method' || ids.includes(id));
  return shown.length > 1 ? shown : columns.filter(({ id }) => defaultColumns(columns).includes(id));
}

function pageText(page: number): string | null {
  return page === 1 ? null : String(page);
}

function rangeText(of: {
  readonly page: number;
  readonly pageSize: number;
  readonly total: number;
  readonly all: number;
}): string {
  const { page, pageSize, total, all } = of;
  if (total === 0) return `None of ${plural(all, 'variant')}`;
  const first = (page - 1) * pageSize + 1;
  const last = Math.min(page * pageSize, total);
  const range =
    first === 1 && last === total ? plural(total, 'variant') : `${first}–${last} of ${plural(total, 'variant')}`;
  return total === all ? range : `${range}; ${all - total} filtered out`;
}

function groupByClass(rows: readonly BoardRow[], { weightClasses }: BoardView) {
  const groups = Map.groupBy(rows, (row) =>
    row.quality ? weightClassTitle(row.weightClass, weightClasses) : 'Not scored',
  );
  return [...groups].map(([title, members]) => ({ title, rows: members }));
}

function download(of: {
  readonly view: BoardView;
  readonly rows: readonly BoardRow[];
  readonly columns: readonly Column[];
  readonly format: 'csv' | 'json';
}): void {
  const { view, rows, columns, format } = of;
  const records = exportRows(rows, columns);
  const text = format === 'csv' ? csvOf(records) : `${JSON.stringify(records, null, 1)}\n`;
  const address = URL.createObjectURL(new Blob([text], { type: format === 'csv' ? 'text/csv' : 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = `shrinkrank-${view.id}.${format}`;
  link.click();
  // The address is updated before the next event-loop turn.
  setTimeout(() => URL.revokeObjectURL(address), 0);
}
