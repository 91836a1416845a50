import { expect, it } from 'vitest';
import { stretches } from '../../site/lib/stretches.ts';

it('joins neighbours that compare, and begins anew where two do not', () => {
  const same = (a: string, b: string) => a[0] === b[0];
  expect(stretches(['a1', 'a2', 'b1', 'a3', 'a4'], same)).toEqual([['a1', 'a2'], ['b1'], ['a3', 'a4']]);
  expect(stretches([], same)).toEqual([]);
});
