import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import {
  benjaminiHochberg,
  holm,
  mcnemar,
  signFlipTest,
  wilsonInterval,
} from '../../../numerics/statistics/significance.ts';
import golden from '../../golden/statistics.json' with { type: 'json' };
import uncertainty from '../../golden/uncertainty.json' with { type: 'json' };

describe('mcnemar', () => {
  it('agrees with the binomial test of scipy and its mid-p', () => {
    for (const { onlyFirst, onlySecond, exact, midP } of golden.mcnemar) {
      const got = mcnemar({ onlyFirst, onlySecond });
      expect(got.exact).toBeCloseTo(exact, 10);
      expect(got.midP).toBeCloseTo(midP, 10);
    }
  });

  it('does not ask which of the two came first', () => {
    expect(mcnemar({ onlyFirst: 3, onlySecond: 9 })).toEqual(mcnemar({ onlyFirst: 9, onlySecond: 3 }));
  });

  it('holds its level: mid-p below 5 % in about 5 % of fair draws', () => {
    const random = createRandom('fair');
    let exact = 0;
    let midP = 0;
    for (let trial = 0; trial < 4000; trial++) {
      let first = 0;
      for (let i = 0; i < 40; i++) if (random.next() < 0.5) first++;
      const p = mcnemar({ onlyFirst: first, onlySecond: 40 - first });
      if (p.exact <= 0.05) exact++;
      if (p.midP <= 0.05) midP++;
    }
    expect(exact / 4000).toBeLessThanOrEqual(0.05);
    expect(midP / 4000).toBeLessThan(0.055);
    expect(midP).toBeGreaterThanOrEqual(exact);
  });

  it('refuses what is no count', () => {
    expect(() => mcnemar({ onlyFirst: 1.5, onlySecond: 0 })).toThrow(InputError);
  });
});

describe('signFlipTest', () => {
  it('gives the exact permutation p-value of a small case', () => {
    // Of 2^5 sign patterns of 1..5 only 4 reach |sum| >= 13: all equal but for the 1, and all equal.
    const p = signFlipTest({ differences: [1, 2, 3, 4, 5], resamples: 200_000, seed: 'small' });
    expect(p).toBeCloseTo(2 / 32, 2);
    expect(signFlipTest({ differences: [-1, 2, 3, 4, 5], resamples: 200_000, seed: 'small' })).toBeCloseTo(4 / 32, 2);
  });

  it('never says less than one in resamples + 1, and 1 without differences', () => {
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
  it('agrees with scipy, in the order given', () => {
    const { pValues, adjusted } = golden.benjaminiHochberg;
    const got = benjaminiHochberg(pValues);
    got.forEach((value, i) => expect(value).toBeCloseTo(adjusted[i] as number, 14));
    expect(benjaminiHochberg([])).toEqual([]);
  });
});

describe('wilsonInterval', () => {
  it('agrees with scipy', () => {
    for (const { successes, trials, low, high } of golden.wilson) {
      const got = wilsonInterval({ successes, trials, confidence: 0.95 });
      expect(got.low).toBeCloseTo(low, 12);
      expect(got.high).toBeCloseTo(high, 12);
    }
    expect(() => wilsonInterval({ successes: 2, trials: 1, confidence: 0.95 })).toThrow(InputError);
  });
});

describe('holm', () => {
  it('agrees with its definition in numpy', () => {
    const { pValues, adjusted } = uncertainty.holm;
    holm(pValues).forEach((value, i) => expect(value).toBeCloseTo(adjusted[i] as number, 12));
    expect(holm([])).toEqual([]);
  });

  it('lies between no correction and Bonferroni’s', () => {
    const pValues = [0.004, 0.03, 0.011];
    holm(pValues).forEach((value, i) => {
      expect(value).toBeGreaterThanOrEqual(pValues[i] as number);
      expect(value).toBeLessThanOrEqual(3 * (pValues[i] as number));
    });
  });
});
