import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { recordCatalog } from '../../../drizzle/catalog.ts';
import { recordRun } from '../../../drizzle/record.ts';
import { width } from '../../../cli/setup/columns.ts';
import { renderBoard } from '../../../cli/render/render-board.ts';
import { addEntry, fillBoard } from '../../support/board.ts';
import { catalogOf } from '../../support/catalog.ts';
import { runOf } from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';

const PLACE = { model: 'tiny', task: 'stories-perplexity' };

function boardOf(columns: number, fill: typeof fillBoard = fillBoard): string[] {
  const store = temporaryStore();
  fill(store, PLACE);
  return stripVTControlCharacters(renderBoard(store, { ...PLACE, columns })).split('\n');
}

function lineWith(lines: readonly string[], text: string): string {
  const found = lines.filter((line) => line.includes(text));
  expect(found, text).toHaveLength(1);
  return found[0] ?? '';
}

describe('renderBoard', () => {
  it('starts the board with model, task, runner and dense', () => {
    const text = boardOf(200).join('\n');
    expect(text).toContain('tiny · stories-perplexity · protocol 2 · cpu · Example CPU @ 2.00GHz, 2 cores · 1 thread');
    expect(text).toMatch(/dense: perplexity \d\.\d+ · .* 1\.00 MB as shipped \(zstd\)/);
    expect(text).toContain('in-sample');
  });

  it('has a block per weight class, the smallest first, and dense outside them', () => {
    const lines = boardOf(90);
    const blocks = lines.filter((line) => line.includes('× smaller'));
    expect(blocks).toEqual(['16× smaller and more', '4× to 8× smaller', '2× to 4× smaller', 'less than 2× smaller']);
    expect(lines.filter((line) => line.includes('dense/fp32'))).toEqual([]);
    const order = ['dreaming/w1', 'rounding/w4', 'rounding/w8', 'cutting/s50'].map((name) =>
      lines.findIndex((line) => line.includes(` ${name}`)),
    );
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  it('ranks low-cost and high-cost of a class together', () => {
    const lines = boardOf(90);
    expect(lineWith(lines, 'training/w4')).toMatch(/^ +1 {2}training\/w4/);
    expect(lineWith(lines, ' rounding/w4')).toMatch(/^ +2 {2}rounding\/w4/);
  });

  it('marks controls, simulated and stale entries and noisy timings, and explains each mark', () => {
    const lines = boardOf(200);
    const text = lines.join('\n');
    expect(text).toContain('guessing/s50†');
    expect(text).toContain('dreaming/w1*');
    expect(text).toContain('cutting/s50°');
    expect(lineWith(lines, ' rounding/w4')).toMatch(/~\d\.\d\d× +~\d\.\d\d×/);
    for (const mark of ['† control', '* simulated', '° stale', '~ noisy']) expect(text).toContain(mark);
  });

  it('explains no mark that does not occur', () => {
    const text = boardOf(120, (store, place) => {
      recordRun(store, runOf());
      recordCatalog(store, catalogOf());
      addEntry(store, place, { method: 'rounding', variant: 'w8' });
    }).join('\n');
    for (const mark of ['†', '*', '°', '~', 'failed']) expect(text).not.toContain(mark);
    expect(text).toContain('nothing yet under HIGH-COST');
  });

  it('shows high-cost beside low-cost where there is room, otherwise below', () => {
    const wide = boardOf(200);
    expect(lineWith(wide, 'training/w4')).toContain('rounding/w4');
    expect(lineWith(wide, '16× smaller')).not.toContain('│');
    const narrow = boardOf(90);
    expect(lineWith(narrow, 'training/w4')).not.toContain('rounding/w4');
    expect(narrow.join('\n')).not.toContain('│');
  });

  it.each([60, 80, 100, 120, 160, 200])('is no wider than %d columns', (columns) => {
    const lines = boardOf(columns);
    expect(lines.filter((line) => width(line) > columns)).toEqual([]);
    expect(lines.filter((line) => line !== line.trimEnd())).toEqual([]);
  });

  it('says which columns it omits', () => {
    expect(boardOf(60).join('\n')).toContain('not shown, for want of room: smaller, 1 token, 8×128, cost');
    expect(boardOf(200).join('\n')).not.toContain('not shown');
  });

  it('lists failures at the end, grouped by reason, each reason on one line', () => {
    const lines = boardOf(80);
    const start = lines.findIndex((line) => line.startsWith('failed (3)'));
    expect(lines.slice(start + 1, start + 5)).toEqual([
      '  cutting/s90, cutting/s95',
      '    timeout: not finished after 4 s; stopped',
      '  cutting/s99',
      expect.stringMatching(/^ {4}failed: Error: long long .*…$/),
    ]);
    expect(lines.join('\n')).not.toContain('at stack');
  });

  it('says so when there are no rows yet', () => {
    const text = stripVTControlCharacters(renderBoard(temporaryStore(), { ...PLACE, columns: 80 }));
    expect(text).toContain('dense not measured yet');
    expect(text).toContain('no speed measured');
  });
});
