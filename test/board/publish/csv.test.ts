import { describe, expect, it } from 'vitest';
import { type Cell, csvLine } from '../../../board/publish/csv.ts';

/** RFC 4180, read by itself: fields apart by commas, quotes doubled inside quotes. */
function parseLine(line: string): string[] {
  const cells: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/gy;
  for (let match = field.exec(line); match; match = field.exec(line)) {
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2] ?? '');
    if (match[3] === '\r\n') break;
  }
  return cells;
}

describe('csvLine', () => {
  it('round-trips, numbers to the last digit', () => {
    const cells: Cell[] = ['plain', 'a, "b" c', 0.1 + 0.2, -1.5e-7, true, null, 'ü; x', ''];
    expect(parseLine(csvLine(cells))).toEqual(cells.map((cell) => (cell === null ? '' : String(cell))));
  });

  it('contains no formula that a spreadsheet would run', () => {
    for (const text of [
      '=1+1',
      '+cmd',
      '-2+3',
      '@SUM(A1)',
      ' =1',
      '\t=1',
      '\n=1',
      '\r=1',
      '＝1',
      '|calc',
      '%x',
      '\u200b=1',
    ]) {
      const [cell = ''] = parseLine(csvLine([text]));
      expect(cell).toMatch(/^('|\\)/);
    }
    expect(parseLine(csvLine([-3, 'w4-t100k']))).toEqual(['-3', 'w4-t100k']);
  });

  it('stays on one line, whatever a cell contains', () => {
    const line = csvLine(['a\nb', 'c\r\nd', 'e\u2028f', 'g\0h', 'w4\u202egnp']);
    expect(line.match(/\r\n/g)).toHaveLength(1);
    expect(line.slice(0, -2)).not.toMatch(/[^\P{C}\p{Co}]|[\u2028\u2029]/u);
    expect(parseLine(line)).toEqual([
      String.raw`a\nb`,
      String.raw`c\r\nd`,
      String.raw`e\u2028f`,
      String.raw`g\u0000h`,
      String.raw`w4\u202egnp`,
    ]);
  });
});
