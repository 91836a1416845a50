import { describe, expect, it } from 'vitest';
import { bootstrapSums } from '../../../numerics/statistics/bootstrap.ts';
import { createPairedSums } from '../../../numerics/statistics/paired-sums.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { signFlipTest } from '../../../numerics/statistics/significance.ts';

const OPTIONS = { resamples: 500, confidence: 0.95, seed: 'paired' };

function columnsOf(label: string, { entries, items }: { readonly entries: number; readonly items: number }) {
  const random = createRandom(label);
  const weights = Array.from({ length: items }, () => 1 + random.integer(50));
  const shared = weights.map((weight) => weight * (1 + random.next()));
  const columns = Array.from({ length: entries }, () => shared.map((value) => value + 0.3 * random.normal()));
  return { weights, columns };
}

describe('createPairedSums', () => {
  it('gives the interval and the p-value of the differences taken item by item', () => {
    const { weights, columns } = columnsOf('some', { entries: 5, items: 37 });
    const sums = createPairedSums({ ...OPTIONS, weights, columns });
    for (const [a, first] of columns.entries()) {
      for (const [b, second] of columns.entries()) {
        const differences = first.map((value, i) => value - (second[i] as number));
        const { ratio } = bootstrapSums({
          ...OPTIONS,
          columns: [weights, differences],
          statistics: { ratio: (weight, difference) => (difference as number) / (weight as number) },
        });
        const interval = sums.difference(a, b);
        expect(interval.value).toBeCloseTo(ratio.value, 12);
        expect(interval.low).toBeCloseTo(ratio.low, 12);
        expect(interval.high).toBeCloseTo(ratio.high, 12);
        expect(sums.pValue(a, b)).toBe(signFlipTest({ ...OPTIONS, differences }));
      }
    }
  });

  it('takes rounding for no difference, however large the sums', () => {
    const { weights, columns } = columnsOf('large', { entries: 1, items: 20 });
    const large = (columns[0] as number[]).map((value) => 1e6 * value);
    const thirds = large.map((value) => (value / 3) * 3 + 1e-10);
    const sums = createPairedSums({ ...OPTIONS, weights, columns: [weights, large, thirds] });
    expect(sums.pValue(1, 2)).toBe(1);
    expect(sums.pValue(1, 1)).toBe(1);
  });

  it('refuses columns of another length, entries there are not, and intervals of one item', () => {
    expect(() => createPairedSums({ ...OPTIONS, weights: [1, 1], columns: [[1, 2, 3]] })).toThrow('expected 2 values');
    const sums = createPairedSums({ ...OPTIONS, weights: [1], columns: [[1], [2]] });
    expect(() => sums.difference(0, 1)).toThrow('at least two items');
    expect(() => sums.pValue(0, 2)).toThrow('entry 2 of 2');
  });
});
