import { describe, expect, it } from 'vitest';
import { EVEN_WEIGHTS, columnsOf } from '../../site/lib/columns.ts';
import { csvOf, exportRows } from '../../site/lib/download.ts';
import { boardRowOf, boardViewOf } from '../support/board-row.ts';

describe('csvOf', () => {
  it('quotes by RFC 4180 and rounds nothing', () => {
    const text = csvOf([{ name: 'a "b", c\nd', value: 0.1 + 0.2, missing: null }]);
    expect(text).toBe('name,value,missing\r\n"a ""b"", c\nd",0.30000000000000004,\r\n');
  });

  it('prevents a spreadsheet from reading a name as a formula', () => {
    expect(csvOf([{ name: '=HYPERLINK("x")', value: -1 }])).toBe('name,value\r\n"\'=HYPERLINK(""x"")",-1\r\n');
  });
});

describe('exportRows', () => {
  it('has the fields of the visible columns, in their order', () => {
    const rows = [boardRowOf('a/w4')];
    const columns = columnsOf(boardViewOf(rows), EVEN_WEIGHTS).filter(({ id }) => ['smaller', 'quality'].includes(id));
    expect(exportRows(rows, columns)).toEqual([
      { perplexity: 4, perplexity_low: 3.9, perplexity_high: 4.1, times_smaller: 5 },
    ]);
  });
});
