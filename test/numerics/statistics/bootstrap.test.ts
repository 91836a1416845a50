import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { bootstrapMedian, bootstrapSums } from '../../../numerics/statistics/bootstrap.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import golden from '../../golden/statistics.json' with { type: 'json' };

const ratio = (a: number, b: number): number => a / b;
const options = { resamples: 2000, confidence: 0.95, seed: 'test' };

describe('bootstrapSums', () => {
  it('agrees with the BCa interval of scipy within the noise of resampling', () => {
    const { numerator, denominator, low, high } = golden.ratioOfSums;
    const { interval } = bootstrapSums({
      columns: [numerator, denominator],
      statistics: { interval: ratio },
      ...options,
      resamples: 100_000,
    });
    const width = high - low;
    expect(Math.abs(interval.low - low) / width).toBeLessThan(0.01);
    expect(Math.abs(interval.high - high) / width).toBeLessThan(0.01);
  });

  it('pairs the columns: a ratio that is the same in every item has an interval without width', () => {
    const tokens = Float64Array.from({ length: 50 }, (_, i) => 10 + i);
    const { half } = bootstrapSums({
      columns: [tokens.map((t) => t / 2), tokens],
      statistics: { half: ratio },
      ...options,
    });
    expect(half).toEqual({ value: 0.5, low: 0.5, high: 0.5 });
  });

  it('gives the same interval for the same seed and another for another', () => {
    const random = createRandom('items');
    const columns = [Float64Array.from({ length: 30 }, () => random.next()), new Float64Array(30).fill(1)];
    const run = (seed: string) => bootstrapSums({ columns, statistics: { mean: ratio }, ...options, seed }).mean;
    expect(run('a')).toEqual(run('a'));
    expect(run('a').low).not.toBe(run('b').low);
  });

  it('covers the true value about as often as stated, on skewed items of unequal length', () => {
    const random = createRandom('coverage');
    const truth = Math.exp(0.5 * 0.8 ** 2); // mean of the log-normal rate
    const trials = 500;
    let covered = 0;
    for (let trial = 0; trial < trials; trial++) {
      const tokens = Float64Array.from({ length: 60 }, () => 100 + random.integer(400));
      const losses = tokens.map((t) => t * Math.exp(0.8 * random.normal()));
      const { perplexity } = bootstrapSums({
        columns: [losses, tokens],
        statistics: { perplexity: (a, t) => Math.exp(a / t) },
        resamples: 500,
        confidence: 0.95,
        seed: `trial-${trial}`,
      });
      if (perplexity.low <= Math.exp(truth) && Math.exp(truth) <= perplexity.high) covered++;
    }
    expect(covered / trials).toBeGreaterThan(0.915);
    expect(covered / trials).toBeLessThan(0.975);
  });

  it('stays within the resamples when one item dominates', () => {
    const column = new Float64Array(40).fill(1e-3);
    column[7] = 1e6;
    const { mean } = bootstrapSums({
      columns: [column, new Float64Array(40).fill(1)],
      statistics: { mean: ratio },
      ...options,
    });
    expect(Number.isFinite(mean.low) && Number.isFinite(mean.high)).toBe(true);
    expect(mean.low).toBeLessThanOrEqual(mean.value);
    expect(mean.high).toBeGreaterThanOrEqual(mean.value);
  });

  it('refuses one item and ragged columns', () => {
    const run = (columns: number[][]) => () => bootstrapSums({ columns, statistics: { ratio }, ...options });
    expect(run([[1], [1]])).toThrow(InputError);
    expect(run([[1, 2], [1]])).toThrow('got 2 and 1 entries');
  });
});

describe('bootstrapMedian', () => {
  it('covers the median about as often as stated', () => {
    const random = createRandom('median');
    let covered = 0;
    for (let trial = 0; trial < 400; trial++) {
      const values = Float64Array.from({ length: 30 }, () => Math.exp(random.normal()));
      const { low, high } = bootstrapMedian({ values, ...options, resamples: 400, seed: `${trial}` });
      if (low <= 1 && 1 <= high) covered++;
    }
    expect(covered / 400).toBeGreaterThan(0.91);
    expect(covered / 400).toBeLessThan(0.985);
  });

  it('is not affected by a few outliers', () => {
    const values = Float64Array.from({ length: 30 }, (_, i) => (i < 3 ? 1000 : 1 + i / 1000));
    const { value, high } = bootstrapMedian({ values, ...options });
    expect(value).toBeLessThan(1.03);
    expect(high).toBeLessThan(1.03);
  });
});
