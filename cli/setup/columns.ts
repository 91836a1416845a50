/** Text in columns, as the terminal shows it. */
import { stripVTControlCharacters } from 'node:util';

/** Columns of standard output; where it is no terminal, enough for all columns of a board. */
export function outputColumns(): number {
  return process.stdout.columns ?? 120;
}

/** Text is not wrapped narrower than this: a word per line is no easier to read than the terminal's own wrapping. */
const NARROWEST_COLUMN = 20;

export type Alignment = 'left' | 'right';

/** Lines of cells in columns two blanks apart; trailing blanks cut. Styled text counts by what is seen of it. */
export function renderColumns(rows: readonly (readonly string[])[], alignments: readonly Alignment[]): string[] {
  const widths = alignments.map((_, column) => Math.max(...rows.map((row) => width(row[column] ?? ''))));
  return rows.map((row) =>
    alignments
      .map((alignment, column) => {
        const cell = row[column] ?? '';
        const padding = ' '.repeat((widths[column] ?? 0) - width(cell));
        return alignment === 'left' ? cell + padding : padding + cell;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** As renderColumns, but the last column, which may be long text, goes on below itself where `columns` end. */
export function renderHanging(
  rows: readonly (readonly string[])[],
  { alignments, columns }: { readonly alignments: readonly Alignment[]; readonly columns: number },
): string[] {
  const lines = renderColumns(rows, alignments);
  const indent = Math.max(...renderColumns(rows, alignments.slice(0, -1)).map(width)) + 2;
  return lines.flatMap((line, i) => {
    if (width(line) <= columns) return [line];
    const text = rows[i]?.at(-1) ?? '';
    const head = renderColumns(rows, alignments.slice(0, -1))[i] ?? '';
    const room = Math.max(NARROWEST_COLUMN, columns - indent);
    return wrapParts(text.split(' '), { separator: ' ', columns: room }).map((part, row) =>
      row === 0 ? head + ' '.repeat(indent - width(head)) + part : ' '.repeat(indent) + part,
    );
  });
}

/** Parts joined by `separator` into as few lines as fit; a part is never broken. */
export function wrapParts(parts: readonly string[], options: { separator: string; columns: number }): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const joined = `${last}${options.separator}${part}`;
    if (last !== undefined && width(joined) <= options.columns) lines[lines.length - 1] = joined;
    else lines.push(part);
  }
  return lines;
}

/** The text, cut with an ellipsis where it is longer than that; plain text only. */
export function cut(text: string, columns: number): string {
  const characters = [...text];
  return characters.length <= columns ? text : `${characters.slice(0, Math.max(0, columns - 1)).join('')}…`;
}

/** Columns a text takes, for text of single-width characters. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
