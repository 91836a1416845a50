import { styleText } from 'node:util';
import { describe, expect, it } from 'vitest';
import { cut, renderColumns, renderHanging, width, wrapParts } from '../../../cli/setup/columns.ts';

describe('renderColumns', () => {
  it('aligns styled text by its visible width', () => {
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

  it('leaves no trailing blanks', () => {
    expect(renderColumns([['a', 'b'], ['long', '']], ['left', 'left'])).toEqual(['a     b', 'long']); // prettier-ignore
  });
});

describe('renderHanging', () => {
  const rows = [
    ['id', 'one two three four five six seven'],
    ['longer', 'short'],
  ];

  it('wraps between words, with a hanging indent', () => {
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
  it('wrap between parts, never within', () => {
    expect(wrapParts(['aaa', 'bbb', 'ccccccccccc', 'd'], { separator: ' · ', columns: 9 })).toEqual([
      'aaa · bbb',
      'ccccccccccc',
      'd',
    ]);
    expect(wrapParts([], { separator: ' ', columns: 9 })).toEqual([]);
  });

  it('truncate only what is too long', () => {
    expect([cut('abcdef', 6), cut('abcdef', 5), cut('×××', 2)]).toEqual(['abcdef', 'abcd…', '×…']);
  });
});
