/** A view as CSV (RFC 4180) and as JSON: the rows and columns shown, in their order, nothing rounded. */
import type { BoardRow } from './board-view.ts';
import type { CellValue, Column } from './columns.ts';

export type ExportedRow = Readonly<Record<string, CellValue>>;

export function exportRows(rows: readonly BoardRow[], columns: readonly Column[]): readonly ExportedRow[] {
  return rows.map((row) => Object.assign({}, ...columns.map(({ exported }) => exported(row))) as ExportedRow);
}

export function csvOf(records: readonly ExportedRow[]): string {
  const names = Object.keys(records[0] ?? {});
  const lines = [names, ...records.map((record) => names.map((name) => record[name] ?? null))];
  return lines.map((line) => line.map(csvCell).join(',')).join('\r\n') + '\r\n';
}

/** A spreadsheet reads text that begins like this as a formula; a leading apostrophe marks it as text. */
const FORMULA = /^[=+@\t\r-]/;

function csvCell(value: CellValue): string {
  const text = typeof value === 'string' && FORMULA.test(value) ? `'${value}` : value === null ? '' : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
