import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { benjaminiHochberg, holm, signFlipTest } from '../../../numerics/statistics/significance.ts';
import golden from '../../golden/statistics.json' with { type: 'json' };
import uncertainty from '../../golden/uncertainty.json' with { type: 'json' };

describe('signFlipTest', () => {
  it('gives the exact permutation p-value of a small case', () => {
    // Of 2^5 sign patterns of 1..5 only 4 reach |sum| >= 13: all equal but for the 1, and all equal.
    const p = signFlipTest({ differences: [1, 2, 3, 4, 5], resamples: 200_000, seed: 'small' });
    expect(p).toBeCloseTo(2 / 32, 2);
    expect(signFlipTest({ differences: [-1, 2, 3, 4, 5], resamples: 200_000, seed: 'small' })).toBeCloseTo(4 / 32, 2);
  });

  it('is never below one in resamples + 1, and 1 without differences', () => {
    expect(signFlipTest({ differences: new Float64Array(60).fill(1), resamples: 999, seed: 's' })).toBe(1 / 1000);
    expect(signFlipTest({ differences: new Float64Array(60), resamples: 99, seed: 's' })).toBe(1);
  });

  it('uses a fresh sign for each item beyond the first 32', () => {
    const differences = new Float64Array(64);
    differences.fill(1, 0, 32).fill(-1, 32);
    expect(signFlipTest({ differences, resamples: 999, seed: 's' })).toBe(1);
    const random = createRandom('null');
    let rejected = 0;
    for (let trial = 0; trial < 600; trial++) {
      const noise = Float64Array.from({ length: 45 }, () => random.normal());
      if (signFlipTest({ differences: noise, resamples: 199, seed: `${trial}` }) <= 0.05) rejected++;
    }
    expect(rejected / 600).toBeGreaterThan(0.025);
    expect(rejected / 600).toBeLessThan(0.08);
  });
});

describe('benjaminiHochberg', () => {
  it('agrees with scipy, in the given order', () => {
    const { pValues, adjusted } = golden.benjaminiHochberg;
    const got = benjaminiHochberg(pValues);
    got.forEach((value, i) => expect(value).toBeCloseTo(adjusted[i] as number, 14));
    expect(benjaminiHochberg([])).toEqual([]);
  });
});

describe('holm', () => {
  it('agrees with its definition in numpy', () => {
    const { pValues, adjusted } = uncertainty.holm;
    holm(pValues).forEach((value, i) => expect(value).toBeCloseTo(adjusted[i] as number, 12));
    expect(holm([])).toEqual([]);
  });

  it('is between no correction and Bonferroni’s', () => {
    const pValues = [0.004, 0.03, 0.011];
    holm(pValues).forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(pValues[i] as number);
      expect(value).toBeLessThanOrEqual(3 * (pValues[i] as number));
    });
  });
});
