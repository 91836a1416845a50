import { describe, expect, it } from 'vitest';
import { present } from '../../contracts/present.ts';
import type { BoardRow } from '../../site/lib/board-view.ts';
import { EVEN_WEIGHTS, columnsOf } from '../../site/lib/columns.ts';
import { MAX_COMPARED, bestOf, comparedOf, typedVariant } from '../../site/lib/compared.ts';
import { boardRowOf, boardViewOf } from '../support/board-row.ts';

const rows = [
  boardRowOf('rtn/w4g32'),
  boardRowOf('rtn/w4g32-e4'),
  boardRowOf('awq/w4'),
  boardRowOf('awq/w2', { quality: null, status: 'timeout' }),
];

describe('typedVariant', () => {
  it('tells a whole name from one that other names continue', () => {
    expect(typedVariant(rows, ' rtn/w4g32-e4')).toEqual({ kind: 'variant', row: rows[1], continued: false });
    expect(typedVariant(rows, 'rtn/w4g32')).toEqual({ kind: 'variant', row: rows[0], continued: true });
    expect(typedVariant(rows, 'rtn/w4g32-')).toEqual({ kind: 'unfinished' });
    expect(typedVariant(rows, '')).toEqual({ kind: 'unfinished' });
  });

  it('tells what is not on the board from what is on it without a quality', () => {
    expect(typedVariant(rows, 'gptq/w4')).toEqual({ kind: 'unknown' });
    expect(typedVariant(rows, 'awq/w2')).toEqual({ kind: 'not scored', row: rows[3] });
  });
});

describe('comparedOf', () => {
  const view = boardViewOf(rows);

  it('takes the address’s variants in its order, and names those the board does not have', () => {
    const { rows: found, unknown } = comparedOf(view, 'awq.w4,gptq.w4,rtn.w4g32,awq.w4,');
    expect(found.map(({ id }) => id)).toEqual(['awq/w4', 'rtn/w4g32']);
    expect(unknown).toEqual(['gptq.w4']);
    expect(comparedOf(view, ',')).toEqual({ rows: [], unknown: [] });
  });

  it('starts with the first two scored ones where no size has both cost classes', () => {
    expect(comparedOf(view, null).rows).toEqual(rows.slice(0, 2));
  });

  it('takes at most six', () => {
    const many = Array.from({ length: MAX_COMPARED + 2 }, (_, i) => boardRowOf(`a/v${i}`));
    const of = many.map(({ slug }) => slug).join(',');
    expect(comparedOf(boardViewOf(many), of).rows).toEqual(many.slice(0, MAX_COMPARED));
  });
});

describe('bestOf', () => {
  const timed = (id: string, value: number, p50Ms: number) =>
    boardRowOf(id, { speeds: [{ value, low: value, high: value, p50Ms, noisy: false }] });
  const pair = [timed('a/fast', 2, 30), timed('a/slow', 1.5, 10)];
  const best = (id: string, of: readonly BoardRow[] = pair) =>
    bestOf(
      of,
      present(
        columnsOf(boardViewOf(pair), EVEN_WEIGHTS).find((each) => each.id === id),
        id,
      ),
    )?.id;

  it('marks the leader of what compares, and none of what only compares as a ratio', () => {
    expect(best('speed-1x1')).toBe('a/fast');
    expect(best('time-1x1')).toBeUndefined();
    expect(best('smaller', [boardRowOf('a/b', { ratio: 4 }), boardRowOf('a/c', { ratio: 6 })])).toBe('a/c');
  });

  it('marks none where several lead, or one stands alone', () => {
    expect(best('smaller', [boardRowOf('a/b'), boardRowOf('a/c')])).toBeUndefined();
    expect(best('smaller', [boardRowOf('a/b')])).toBeUndefined();
  });
});
