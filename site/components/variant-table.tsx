/** Some rows of a board as a plain table, without controls. */
import type { BoardRow, BoardView } from '../lib/board-view.ts';
import { EVEN_WEIGHTS, columnsOf } from '../lib/columns.ts';
import { WORST_IN_CELL, qualityScale } from '../lib/quality-scale.ts';
import type { CellContext } from './board-cell.tsx';
import { RowCells } from './row-cells.tsx';
import { TableScroll } from './table-scroll.tsx';
import { TableHead } from './table-head.tsx';

export function VariantTable(props: {
  readonly view: BoardView;
  readonly rows: readonly BoardRow[];
  readonly columns: readonly string[];
  readonly label: string;
}) {
  const { view, rows, label } = props;
  const columns = columnsOf(view, EVEN_WEIGHTS).filter(({ id }) => props.columns.includes(id));
  const context: CellContext = { view, scale: qualityScale(view, view.rows, WORST_IN_CELL), weights: EVEN_WEIGHTS };
  return (
    <TableScroll label={label}>
      <table className="board plain">
        <TableHead cells={columns.map(({ id, title, numeric }) => ({ key: id, title, numeric: numeric ?? false }))} />
        <tbody>
          {rows.map((row) => (
            <tr key={row.slug}>
              <RowCells row={row} columns={columns} context={context} />
            </tr>
          ))}
        </tbody>
      </table>
    </TableScroll>
  );
}

/** Method, quality, size, all speeds, cost. */
export function usualColumns(view: BoardView): readonly string[] {
  return [
    'method',
    'rank',
    'quality',
    'gap',
    'smaller',
    'shipped',
    ...view.shapes.map(({ shape }) => `speed-${shape}`),
    'cost',
  ];
}
