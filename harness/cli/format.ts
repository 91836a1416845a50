/** Numbers and columns as the terminal shows them. */
import { stripVTControlCharacters } from 'node:util';
import type { Estimate } from '../contracts/result.ts';

/** 3.712 [3.690, 3.735] */
export function formatEstimate({ value, low, high }: Estimate, digits: number): string {
  return `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** A figure that may be of any size, short: 3.71, 142, 2.1e5. */
export function formatFigure(value: number): string {
  if (value < 100) return value.toFixed(2);
  return value < 10_000 ? value.toFixed(0) : value.toExponential(1).replace('e+', 'e');
}

/** 3.71 [3.69, 3.74], 1.9e6 [1.8e6, 2.1e6] */
export function formatFigureEstimate({ value, low, high }: Estimate): string {
  return `${formatFigure(value)} [${formatFigure(low)}, ${formatFigure(high)}]`;
}

/** 4.62× */
export function formatRatio(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(1)}×`;
}

/** 12 ms, 3.4 s, 2.1 min, 1.5 h */
export function formatSeconds(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** 812 B, 271 kB, 1.06 MB: decimal, as files are sold. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(0)} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(2)} MB`;
  return `${(bytes / 1e9).toFixed(2)} GB`;
}

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

/** Columns a text takes, for text of single-width characters. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
