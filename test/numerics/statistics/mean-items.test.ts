import { describe, expect, it } from 'vitest';
import { meanItems } from '../../../numerics/statistics/mean-items.ts';
import { itemsOf } from '../../support/rows.ts';

describe('meanItems', () => {
  it('averages the outcomes of each item and keeps the items', () => {
    const [a, b] = [itemsOf('same', 5), itemsOf('same', 5)];
    const shifted = { ...b, negativeLogLikelihood: b.negativeLogLikelihood.map((loss) => loss + 6) };
    const mean = meanItems([a, a, shifted]);
    expect(mean.ids).toEqual(a.ids);
    expect(mean.tokens).toEqual(a.tokens);
    mean.negativeLogLikelihood.forEach((loss, i) => expect(loss).toBeCloseTo((a.negativeLogLikelihood[i] ?? 0) + 2, 9));
    mean.correct.forEach((correct, i) => expect(correct).toBeCloseTo(a.correct[i] ?? 0, 12));
  });

  it('is the seed itself where there is only one', () => {
    const only = itemsOf('only', 3);
    expect(meanItems([only])).toBe(only);
  });

  it('refuses seeds with other items, and an empty list', () => {
    const a = itemsOf('a', 4);
    expect(() => meanItems([a, { ...a, ids: a.ids.toReversed() }])).toThrow('different items');
    expect(() => meanItems([])).toThrow('at least one seed');
  });
});
