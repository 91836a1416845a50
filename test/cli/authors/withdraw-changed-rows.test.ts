import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withdrawChangedRows } from '../../../cli/authors/withdraw-changed-rows.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { openStore } from '../../../drizzle/queries.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { fillBoard } from '../../support/board.ts';
import { temporaryFolder } from '../../support/store.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const contest = { model: 'tiny', task: 'stories-perplexity' };
const date = new Date('2026-01-02');

describe('withdrawChangedRows', () => {
  it('withdraws the rows of the method between two checks with different code, and no others', () => {
    const home = temporaryFolder();
    const file = join(home, 'rounding.ts');
    const store = openStore(join(home, 'store.sqlite'));
    fillBoard(store, contest);
    store.close();
    const check = () => withdrawChangedRows({ home, registration: { method: { ...rtn, id: 'rounding' }, file }, date });
    const methods = () => {
      const opened = openStore(join(home, 'store.sqlite'));
      const { entries } = leaderboard(opened, { ...contest, protocol: PROTOCOL.version });
      opened.close();
      return new Set(entries.map(({ method }) => method));
    };

    writeFileSync(file, 'export default 1;\n');
    expect(check()).toBe(0);
    expect(check()).toBe(0);
    expect(methods()).toContain('rounding');

    writeFileSync(file, 'export default 2;\n');
    // Two variants, each with a trial, an evaluation and a measurement.
    expect(check()).toBe(6);
    expect(methods()).not.toContain('rounding');
    expect(methods()).toContain('training');
    expect(check()).toBe(0);
  });

  it('does nothing in a home without a store', () => {
    const home = temporaryFolder();
    const file = join(home, 'rounding.ts');
    for (const text of ['export default 1;\n', 'export default 2;\n']) {
      writeFileSync(file, text);
      expect(withdrawChangedRows({ home, registration: { method: rtn, file }, date })).toBe(0);
    }
  });
});
