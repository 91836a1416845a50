import { describe, expect, it } from 'vitest';
import { pick, type Wishes } from '../../site/lib/pick.ts';
import { boardRowOf, boardViewOf } from '../support/board-row.ts';

const NO_WISH: Wishes = {
  maxBytes: null,
  sizeOf: 'shipped',
  maxLoss: null,
  minSpeed: null,
  shape: 0,
  maxCostSeconds: null,
  training: true,
};

const speed = (value: number, noisy = false) => [{ value, low: value, high: value, p50Ms: 1, noisy }];
const gap = (value: number) => ({ value, low: value - 1, high: value + 1 });

const rows = [
  boardRowOf('good/w8', {
    place: 1,
    zstdBytes: 400_000,
    gap: gap(1),
    computeSeconds: 10,
    speeds: speed(1),
    efficiency: 1,
  }),
  boardRowOf('small/w4', {
    place: 3,
    zstdBytes: 100_000,
    gap: gap(12),
    computeSeconds: 9,
    speeds: speed(1.01),
    efficiency: 2,
  }),
  boardRowOf('fast/q', {
    place: 2,
    zstdBytes: 300_000,
    gap: gap(4),
    computeSeconds: 200,
    speeds: speed(3),
    costClass: 'high-cost',
    efficiency: 0.1,
  }),
  boardRowOf('loud/q', {
    place: 4,
    zstdBytes: 290_000,
    gap: gap(5),
    computeSeconds: 8,
    speeds: speed(9, true),
    efficiency: 0.2,
  }),
  boardRowOf('dream/w1', { place: 5, simulated: true, zstdBytes: 10 }),
  boardRowOf('mask/s', { place: 6, control: true, zstdBytes: 10 }),
  boardRowOf('broken/x', { quality: null, status: 'failed' }),
];
const view = boardViewOf(rows);
const picked = (wishes: Partial<Wishes>) => pick(view, { ...NO_WISH, ...wishes });
const titles = (wishes: Partial<Wishes>) =>
  Object.fromEntries(picked(wishes).picks.map(({ row, titles: names }) => [row.id, names]));

describe('pick', () => {
  it('never picks controls, simulated artifacts, failures, or noisy speeds', () => {
    expect(picked({}).candidates).toBe(4);
    expect(titles({})).toEqual({
      'good/w8': ['Best quality'],
      'small/w4': ['Smallest', 'Best trade of all'],
      'fast/q': ['Fastest'],
      'loud/q': ['Cheapest to make'],
    });
  });

  it('keeps each limit', () => {
    expect(Object.keys(titles({ maxBytes: 300_000, maxLoss: 5 }))).toEqual(['fast/q', 'loud/q']);
    expect(Object.keys(titles({ minSpeed: 2 }))).toEqual(['fast/q']);
    expect(Object.keys(titles({ minSpeed: 2, training: false }))).toEqual([]);
    expect(Object.keys(titles({ maxCostSeconds: 8.5 }))).toEqual(['loud/q']);
  });

  it('says why the others are excluded, and which comes nearest where none fits', () => {
    const { fitting, excluded, nearest } = picked({ minSpeed: 2, training: false });
    expect(fitting).toBe(0);
    expect(excluded).toEqual([
      { wish: 'speed', count: 3 },
      { wish: 'training', count: 1 },
    ]);
    expect(nearest).toMatchObject({ row: { id: 'good/w8' }, missed: ['speed'] });
  });

  it('describes trade-offs', () => {
    const small = picked({}).picks.find(({ row }) => row.id === 'small/w4');
    expect(small?.tradeOff).toBe('75 % smaller, 10 % less compute to make');
    const fast = picked({}).picks.find(({ row }) => row.id === 'fast/q');
    expect(fast?.tradeOff).toBe('25 % smaller, 67 % less time per call, for 20 times the compute to make');
  });

  it('ignores differences of two percent in bytes or time', () => {
    const twins = [
      boardRowOf('better/a', { place: 1, zstdBytes: 101_000 }),
      boardRowOf('worse/b', { place: 2, zstdBytes: 100_000 }),
    ];
    const [only, ...rest] = pick(boardViewOf(twins), NO_WISH).picks;
    expect(only?.titles).toContain('Smallest');
    expect(rest).toEqual([]);
  });

  it('counts a loss in the direction of the metric', () => {
    const accuracy = [
      boardRowOf('up/a', { gap: gap(-8), quality: { value: 0.6, low: 0.5, high: 0.7 } }),
      boardRowOf('up/b', { gap: gap(2), quality: { value: 0.7, low: 0.6, high: 0.8 } }),
    ];
    const board = boardViewOf(accuracy, { metric: 'choice-accuracy', higherIsBetter: true });
    expect(pick(board, { ...NO_WISH, maxLoss: 5 }).picks.map(({ row }) => row.id)).toEqual(['up/b']);
  });
});
