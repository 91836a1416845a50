import { describe, expect, it } from 'vitest';
import { EVEN_WEIGHTS, columnsOf, defaultColumns, scoreOf } from '../../site/lib/columns.ts';
import { readTableState, rowsOfView } from '../../site/lib/table-state.ts';
import { boardRowOf, boardViewOf } from '../support/board-row.ts';

const rows = [
  boardRowOf('a/w4', { weightClass: 4, rank: { best: 2, worst: 3, of: 3 }, place: 3, ratio: 5 }),
  boardRowOf('b/w4', {
    weightClass: 4,
    rank: { best: 1, worst: 1, of: 3 },
    place: 2,
    ratio: 4,
    costClass: 'high-cost',
  }),
  boardRowOf('c/w8', { weightClass: 2, rank: { best: 1, worst: 1, of: 1 }, place: 1, ratio: 2, family: 'pruning' }),
  boardRowOf('d/x', { quality: null, status: 'timeout', weightClass: null, rank: null, ratio: null, place: null }),
  boardRowOf('e/w1', { weightClass: 16, simulated: true, ratio: 20, place: 4 }),
];
const columns = columnsOf(boardViewOf(rows), EVEN_WEIGHTS);

function shown(address: string): string[] {
  return rowsOfView(rows, readTableState(new URLSearchParams(address)), columns).map(({ id }) => id);
}

describe('readTableState', () => {
  it('ignores invalid parameters', () => {
    const state = readTableState(new URLSearchParams('rank=0&page=-2&real=maybe&weights=1,2,x,4&status=odd'));
    expect(state).toMatchObject({ rank: null, page: 1, reality: null, weights: EVEN_WEIGHTS, status: null });
  });

  it('uses the page’s defaults where the address says nothing, and the usual order where it says so', () => {
    const usual = { columns: 'method,score', sort: '-score' };
    expect(readTableState(new URLSearchParams(), usual)).toMatchObject({
      columns: ['method', 'score'],
      sort: { column: 'score', order: 'descending' },
    });
    expect(readTableState(new URLSearchParams('sort=usual'), usual).sort).toBeNull();
  });
});

describe('rowsOfView', () => {
  it('orders by weight class and rank, entries without quality last', () => {
    expect(shown('')).toEqual(['e/w1', 'b/w4', 'a/w4', 'c/w8', 'd/x']);
  });

  it('filters by each choice, and by all together', () => {
    expect(shown('cost=high-cost')).toEqual(['b/w4']);
    expect(shown('class=4')).toEqual(['b/w4', 'a/w4']);
    expect(shown('class=none')).toEqual(['d/x']);
    expect(shown('family=pruning')).toEqual(['c/w8']);
    expect(shown('real=simulated')).toEqual(['e/w1']);
    expect(shown('real=measured&class=16')).toEqual([]);
    expect(shown('rank=1')).toEqual(['e/w1', 'b/w4', 'c/w8']);
    expect(shown('status=failed')).toEqual(['d/x']);
    expect(shown('q=W4 quant')).toEqual(['b/w4', 'a/w4']);
  });

  it('sorts in both directions, missing figures last', () => {
    expect(shown('sort=smaller')).toEqual(['c/w8', 'b/w4', 'a/w4', 'e/w1', 'd/x']);
    expect(shown('sort=-smaller')).toEqual(['e/w1', 'a/w4', 'b/w4', 'c/w8', 'd/x']);
    expect(shown('sort=-method')).toEqual(['e/w1', 'd/x', 'c/w8', 'b/w4', 'a/w4']);
  });

  it('treats an unknown column as the order of rank', () => {
    expect(shown('sort=nothing')).toEqual(shown(''));
  });
});

describe('scoreOf', () => {
  it('equals the cost-efficiency at equal weights', () => {
    const row = boardRowOf('a/w4');
    expect(scoreOf(row, EVEN_WEIGHTS)).toBeCloseTo(row.efficiency ?? 0, 12);
  });

  it('leaves out factors of weight 0, and is null where another factor is missing', () => {
    const row = boardRowOf('a/w4', { computeSeconds: null, kept: 0.5, ratio: 4 });
    expect(scoreOf(row, EVEN_WEIGHTS)).toBeNull();
    expect(scoreOf(row, { kept: 1, smaller: 2, faster: 0, compute: 0 })).toBe(8);
    expect(scoreOf(boardRowOf('a/w4', { control: true }), EVEN_WEIGHTS)).toBeNull();
    expect(scoreOf(boardRowOf('a/w4', { simulated: true }), EVEN_WEIGHTS)).toBeNull();
  });

  it('uses no speed from a noisy timing', () => {
    const row = boardRowOf('a/w4', { speeds: [{ value: 2, low: 1, high: 3, p50Ms: 1, noisy: true }] });
    expect(scoreOf(row, { kept: 0, smaller: 0, faster: 1, compute: 0 })).toBeNull();
  });
});

describe('columnsOf', () => {
  it('has a speed and a time for each shape, names for the metric, and unique ids', () => {
    const accuracy = columnsOf(boardViewOf(rows, { metric: 'choice-accuracy', higherIsBetter: true }), EVEN_WEIGHTS);
    expect(accuracy.find(({ id }) => id === 'quality')).toMatchObject({ title: 'Accuracy', bestFirst: 'descending' });
    expect(columns.map(({ id }) => id)).toEqual(expect.arrayContaining(['speed-1x1', 'time-1x1']));
    expect(new Set(columns.map(({ id }) => id)).size).toBe(columns.length);
    expect(defaultColumns(columns)).not.toContain('score');
    expect(defaultColumns(columns)).not.toContain('efficiency');
  });
});
