import { styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  cut,
  formatBytes,
  formatFigureEstimate,
  formatRatio,
  formatSeconds,
  renderColumns,
  renderHanging,
  width,
  wrapParts,
} from '../../../contracts/words/format.ts';

describe('numbers', () => {
  it.each([
    [3.71249, 3.69, 3.7351, '3.712 [3.690, 3.735]'],
    [38.579, 36.65, 40.949, '38.58 [36.65, 40.95]'],
    [142.4, 99.6, 1500, '142 [100, 1500]'],
    [9999, 9000, 11_000, '9999 [9000, 11000]'],
    [10_079, 9108, 11_126, '1.0e4 [9.1e3, 1.1e4]'],
    [6.24e9, 5.64e9, 6.96e9, '6.2e9 [5.6e9, 7.0e9]'],
  ])('writes %d [%d, %d] as %s', (value, low, high, text) => {
    expect(formatFigureEstimate({ value, low, high })).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1 kB'],
    [271_400, '271 kB'],
    [1_060_000, '1.06 MB'],
    [25_770_000_000, '25.77 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [0.0124, '12 ms'],
    [1, '1.0 s'],
    [119.94, '119.9 s'],
    [125, '2.1 min'],
    [7200, '2.0 h'],
  ])('writes %d seconds as %s', (seconds, text) => expect(formatSeconds(seconds)).toBe(text));

  it('writes ratios in three digits', () => expect([4.616, 12.34].map(formatRatio)).toEqual(['4.62×', '12.3×']));
});

describe('renderColumns', () => {
  it('aligns by what is seen of styled text', () => {
    const bold = styleText('bold', 'ab', { validateStream: false });
    const lines = renderColumns(
      [
        [bold, '1'],
        ['abcd', '100'],
      ],
      ['left', 'right'],
    );
    expect(lines).toEqual([`${bold}      1`, 'abcd  100']);
    expect(lines.map(width)).toEqual([9, 9]);
  });

  it('leaves no blanks at the end', () => {
    expect(renderColumns([['a', 'b'], ['long', '']], ['left', 'left'])).toEqual(['a     b', 'long']); // prettier-ignore
  });
});

describe('renderHanging', () => {
  const rows = [
    ['id', 'one two three four five six seven'],
    ['longer', 'short'],
  ];

  it('goes on below itself, between words', () => {
    const lines = renderHanging(rows, { alignments: ['left', 'left'], columns: 30 });
    expect(lines).toEqual(['id      one two three four', '        five six seven', 'longer  short']);
  });

  it('loses nothing at any width', () => {
    for (let columns = 1; columns < 60; columns++) {
      const words = renderHanging(rows, { alignments: ['left', 'left'], columns })
        .join(' ')
        .split(/\s+/);
      expect(words).toEqual(rows.flat().join(' ').split(' '));
    }
  });
});

describe('wrapParts and cut', () => {
  it('break between parts, never within', () => {
    expect(wrapParts(['aaa', 'bbb', 'ccccccccccc', 'd'], { separator: ' · ', columns: 9 })).toEqual([
      'aaa · bbb',
      'ccccccccccc',
      'd',
    ]);
    expect(wrapParts([], { separator: ' ', columns: 9 })).toEqual([]);
  });

  it('cut only what is too long', () => {
    expect([cut('abcdef', 6), cut('abcdef', 5), cut('×××', 2)]).toEqual(['abcdef', 'abcd…', '×…']);
  });
});
