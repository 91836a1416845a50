import { describe, expect, it } from 'vitest';
import { markdownTable } from '../../../cli/render/markdown-table.ts';

describe('markdownTable', () => {
  it('has a separator row that right-aligns numeric columns', () => {
    expect(markdownTable(['task', 'items'], [['facts', 750]], { alignments: ['left', 'right'] })).toBe(
      '| task | items |\n| --- | --: |\n| facts | 750 |',
    );
  });

  it('pads columns to equal widths on request', () => {
    expect(
      markdownTable(
        ['task', 'n'],
        [
          ['a', 750],
          ['b|c', 1],
        ],
        { padded: true },
      ),
    ).toBe('| task | n   |\n| ---- | --- |\n| a    | 750 |\n| b\\|c | 1   |');
  });

  it('keeps a cell intact, whatever it contains', () => {
    expect(markdownTable(['a'], [['x | y\nz']])).toBe('| a |\n| --- |\n| x \\| y z |');
  });
});
