/**
 * CSV (RFC 4180) for spreadsheets, from text of others: a text cell that a spreadsheet would run as a formula gets an
 * apostrophe before it, and what cannot be seen (controls, line breaks, direction marks) stands as \uXXXX or \n.
 * Numbers are written in full, empty cells mean null.
 */
import { visibleText } from '../../contracts/visible-json.ts';

export type Cell = string | number | boolean | null;

/** One line, its end included. */
export function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`;
}

/** How spreadsheets recognise a formula, blanks before it included; full-width signs count for some. */
const FORMULA = /^\s*[=+\-@\uff1d\uff0b\uff0d\uff20|%]/;

function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell !== 'string') return String(cell);
  const seen = visibleText(cell);
  const safe = FORMULA.test(seen) ? `'${seen}` : seen;
  return /[",;\s]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
