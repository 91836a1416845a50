import { describe, expect, it } from 'vitest';
import definition, { joinArticles } from '../../datasets/wikitext-2.ts';
import { readParquetRows, textCell } from '../../datasets/shared/parquet-rows.ts';
import { InputError } from '../../contracts/errors.ts';
import { cachedHub, noHubCache } from '../support/hub-cache.ts';

describe('joinArticles', () => {
  it('starts an article at a title between empty lines, not at sections nor at formulae', () => {
    const lines = [
      '',
      ' = Du Fu = \n',
      '',
      ' A poet . \n',
      '',
      ' = = Life = = \n',
      '',
      ' The capacitance is C \n',
      ' = 1 farad and L = \n',
      ' 1 henry . \n',
      '',
      ' = C = \n',
      '',
      ' A letter . \n',
    ];
    expect(joinArticles(lines, 'test')).toEqual([
      {
        id: 'test-000',
        text: '= Du Fu = \n A poet . \n = = Life = = \n The capacitance is C \n = 1 farad and L = \n 1 henry .',
      },
      { id: 'test-001', text: '= C = \n A letter .' },
    ]);
  });
});

describe('readParquetRows', () => {
  it('refuses a file that is not Parquet', async () => {
    const source = {
      bytes: Buffer.from('<html>not found</html>'),
      label: 'a/b: c.parquet',
      columns: ['text'],
      expectedRows: 1,
    };
    await expect(readParquetRows(source)).rejects.toThrow(InputError);
    await expect(readParquetRows(source)).rejects.toThrow(/a\/b: c.parquet: not a Parquet file/);
  });

  it.skipIf(noHubCache)('refuses another number of rows and a missing column', async () => {
    if (definition.source.kind !== 'hub') throw new Error('wikitext-2 comes from the hub');
    const bytes = await cachedHub().file({
      kind: 'dataset',
      repo: definition.source.repo,
      revision: definition.source.revision,
      path: 'wikitext-2-raw-v1/test-00000-of-00001.parquet',
    });
    const source = { bytes, label: 'wikitext', columns: ['text'], expectedRows: 4_357 };
    await expect(readParquetRows(source)).rejects.toThrow('wikitext: expected 4357 rows, got 4358');
    await expect(readParquetRows({ ...source, columns: ['words'] })).rejects.toThrow(/words/);
    const cut = { ...source, bytes: bytes.subarray(0, -100) };
    await expect(readParquetRows(cut)).rejects.toThrow(InputError);
  });
});

describe('textCell', () => {
  it('refuses anything but text', () => {
    expect(textCell({ text: '' }, 'text', 'x')).toBe('');
    expect(() => textCell({ text: 3n }, 'text', 'x')).toThrow('x: column text holds bigint, expected text');
  });
});

describe.skipIf(noHubCache)(`wikitext-2${noHubCache ? ` (${noHubCache})` : ''}`, () => {
  it('has the 60, 60 and 600 articles its authors count, the test split in raw form', async () => {
    const splits = await definition.load(cachedHub());
    expect(splits.test).toHaveLength(60);
    expect(splits.validation).toHaveLength(60);
    expect(splits.calibration).toHaveLength(128);
    expect(splits.calibration.length + splits.training.length).toBe(600);
    expect(splits.test.filter(({ text }) => text.includes('<unk>'))).toEqual([]);
    expect(splits.test[0]?.text).toMatch(/^= Robert Boulter = \n/);
  });
});
