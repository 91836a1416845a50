import type { BoardRow } from '../lib/board-view.ts';
import type { Column } from '../lib/columns.ts';
import { BoardCell, type CellContext } from './board-cell.tsx';

/** The cells of a variant's row; the first one names the variant. */
export function RowCells(props: {
  readonly row: BoardRow;
  readonly columns: readonly Column[];
  readonly context: CellContext;
}) {
  const { row, columns, context } = props;
  return columns.map(({ id, numeric }, i) =>
    i === 0 ? (
      <th key={id} scope="row">
        <BoardCell column={id} row={row} context={context} />
      </th>
    ) : (
      <td key={id} className={`${numeric ? 'numeric ' : ''}column-${id}`}>
        <BoardCell column={id} row={row} context={context} />
      </td>
    ),
  );
}
