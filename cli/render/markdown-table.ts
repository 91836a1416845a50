/** A table in Markdown. */
import type { Alignment } from '../setup/columns.ts';

/** @param alignments by column; those not named are left to the reader's program. A cell may hold any text on one line. */
export function markdownTable(
  titles: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  alignments: readonly Alignment[] = [],
): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`;
  const rule = titles.map((_, at) => (alignments[at] === 'right' ? '--:' : '---'));
  return [line(titles), line(rule), ...rows.map(line)].join('\n');
}
