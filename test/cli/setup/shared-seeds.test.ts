import { describe, expect, it } from 'vitest';
import { type BoardEntry, leaderboard } from '../../../board/derive/leaderboard.ts';
import { scoredTrials, sharedSeeds } from '../../../cli/setup/shared-seeds.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { addEntry, fillBoard } from '../../support/board.ts';
import { temporaryStore } from '../../support/store.ts';

const PLACE = { model: 'tiny', task: 'stories-perplexity' };

describe('sharedSeeds', () => {
  it('pairs trials by seed, not by their position in the list, and skips those without a score', () => {
    const store = temporaryStore();
    fillBoard(store, PLACE);
    for (const seed of [1, 2]) addEntry(store, PLACE, { method: 'rounding', variant: 'w8', seed });
    for (const seed of [2, 3]) addEntry(store, PLACE, { method: 'training', variant: 'w4', seed });
    const { entries } = leaderboard(store, { ...PLACE, protocol: PROTOCOL.version });
    const trialsOf = (name: string) =>
      scoredTrials(entries.find(({ method, variant }) => `${method}/${variant}` === name) as BoardEntry);
    const [first, second] = [trialsOf('rounding/w8'), trialsOf('training/w4')];
    expect(first.map(({ seed }) => seed)).toEqual([0, 1, 2]);
    expect(second.map(({ seed }) => seed)).toEqual([0, 2, 3]);
    expect(sharedSeeds(first, second).map((pair) => pair.map(({ seed }) => seed))).toEqual([
      [0, 0],
      [2, 2],
    ]);
    expect(trialsOf('cutting/s90')).toEqual([]);
  });
});
