import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { type EntryOutcomes, createEntryComparison, seedKindOf } from '../../../numerics/statistics/compare-entries.ts';
import golden from '../../golden/uncertainty.json' with { type: 'json' };

const { first, second, tokens, pValue, interval, ratio, ratioVariance } = golden.paired;
const ones = tokens.map(() => 1);
const single = (column: readonly number[], seeds: 'one seed' | 'same artifact' = 'same artifact'): EntryOutcomes => ({
  bySeed: [column],
  seeds,
});
const losses = { share: false, confidence: 0.95 } as const;

describe('createEntryComparison', () => {
  it('equals scipy’s paired t-test where nothing is drawn and items weigh equally', () => {
    const { compare } = createEntryComparison({ entries: [single(first), single(second)], weights: ones, ...losses });
    const found = compare(0, 1);
    expect(found.pValue).toBeCloseTo(pValue, 9);
    expect(found.difference.low).toBeCloseTo(interval[0] as number, 9);
    expect(found.difference.high).toBeCloseTo(interval[1] as number, 9);
    expect(found.about).toBe('the methods');
    expect(compare(1, 0).difference.value).toBe(-found.difference.value);
  });

  it('weights by tokens as a ratio of sums', () => {
    const { compare } = createEntryComparison({ entries: [single(first), single(second)], weights: tokens, ...losses });
    const { value, components } = compare(0, 1);
    expect(value).toBeCloseTo(ratio, 12);
    expect(components).toEqual([{ variance: expect.closeTo(ratioVariance, 12), degreesOfFreedom: 39 }]);
  });

  it('adds the variance between seeds, and treats a single seed as its artifact only', () => {
    const drawn: EntryOutcomes = {
      bySeed: [0, 0.3, 0.9].map((shift) => first.map((value) => value + shift)),
      seeds: 'drawn',
    };
    const entries = [drawn, single(second), single(second, 'one seed')];
    const { compare } = createEntryComparison({ entries, weights: ones, ...losses });
    const [items, seeds] = compare(0, 1).components;
    expect(seeds).toEqual({ variance: expect.closeTo(0.21 / 3, 12), degreesOfFreedom: 2 });
    expect(items?.variance).toBeCloseTo(compare(1, 0).components[0]?.variance ?? 0, 12);
    expect(compare(0, 1).about).toBe('the methods');
    expect(compare(0, 2).about).toBe('these artifacts');
    const [low, high] = [compare(0, 1).difference.low, compare(0, 1).difference.high];
    const half = Math.sqrt(2.0226909 ** 2 * (items?.variance ?? 0) + 4.3026527 ** 2 * 0.07);
    expect((high - low) / 2).toBeCloseTo(half, 6);
  });

  it('gives a difference of 0 between shares an interval of positive width', () => {
    const right = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 0 : 1));
    const weights = right.map(() => 1);
    const of = (share: boolean) =>
      createEntryComparison({ entries: [single(right), single(right)], weights, share, confidence: 0.95 }).compare(
        0,
        1,
      );
    expect(of(false).difference).toEqual({ value: 0, low: 0, high: 0 });
    expect(of(true).difference.high).toBeCloseTo(2.0009953 / 62, 6);
    expect(of(true).pValue).toBe(1);
  });

  it('finds a difference between equal shares in about 5 % of cases, also with few discordant items', () => {
    const random = createRandom('shares');
    for (const discordant of [0.03, 0.3]) {
      let found = 0;
      for (let trial = 0; trial < 2000; trial++) {
        const draw = () => Array.from({ length: 100 }, () => (random.next() < discordant / 2 ? 0 : 1));
        const entries = [single(draw()), single(draw())];
        const weights = new Float64Array(100).fill(1);
        if (createEntryComparison({ entries, weights, share: true, confidence: 0.95 }).compare(0, 1).pValue <= 0.05)
          found++;
      }
      expect(found / 2000).toBeLessThan(0.06);
    }
  });

  it('refuses columns of different lengths', () => {
    const make = (entry: EntryOutcomes) => createEntryComparison({ entries: [entry], weights: ones, ...losses });
    expect(() => make(single(first.slice(1)))).toThrow('expected 40 items, got 39');
    expect(() => make({ bySeed: [first], seeds: 'drawn' })).toThrow('at least two columns, one per seed, got 1');
    expect(() => make({ bySeed: [first, first], seeds: 'same artifact' })).toThrow('one column, got 2');
    expect(() => createEntryComparison({ entries: [], weights: [1], ...losses })).toThrow('at least 2 items');
  });
});

describe('seedKindOf', () => {
  it('depends on the artifacts, not on the number of seeds', () => {
    expect(seedKindOf(['a', 'b', 'a'])).toEqual({ kept: [0, 1, 2], seeds: 'drawn' });
    expect(seedKindOf(['a', 'a', 'a'])).toEqual({ kept: [0], seeds: 'same artifact' });
    expect(seedKindOf(['a'])).toEqual({ kept: [0], seeds: 'one seed' });
    expect(seedKindOf(['a'], { nothingDrawn: true })).toEqual({ kept: [0], seeds: 'same artifact' });
    expect(() => seedKindOf([])).toThrow('at least one artifact');
  });
});
