/** A table in Markdown. */
import { type Alignment, width } from '../setup/columns.ts';

type Cells = readonly (string | number)[];

/**
 * A cell may hold any text; line breaks become blanks.
 * @param options.alignments by column; 'left' where none is given.
 * @param options.padded with columns of equal width, for tables that are read in a terminal too.
 */
export function markdownTable(
  titles: readonly string[],
  rows: readonly Cells[],
  options: { readonly alignments?: readonly Alignment[]; readonly padded?: boolean } = {},
): string {
  const { alignments = [], padded = false } = options;
  const escaped = [titles, ...rows].map((cells) =>
    cells.map((cell) => String(cell).replaceAll('|', '\\|').replaceAll('\n', ' ')),
  );
  const widths = titles.map((_, at) =>
    padded ? Math.max(...escaped.map((cells) => width(cells[at] ?? ''))) : '---'.length,
  );
  const rule = widths.map((wide, at) =>
    alignments[at] === 'right' ? `${'-'.repeat(Math.max(2, wide - 1))}:` : '-'.repeat(Math.max(3, wide)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, at) => (padded ? cell + ' '.repeat(Math.max(0, (widths[at] ?? 0) - width(cell))) : cell)).join(' | ')} |`;
  const [head = [], ...body] = escaped;
  return [line(head), line(rule), ...body.map(line)].join('\n');
}
