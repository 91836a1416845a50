import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import {
  coefficientOfVariation,
  mean,
  normalCdf,
  normalQuantile,
  quantile,
  variance,
} from '../../../numerics/statistics/statistics.ts';
import golden from '../../golden/statistics.json' with { type: 'json' };

const relative = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.max(Math.abs(wanted), 1e-300);

describe('summaries', () => {
  it('give the closed forms for 1 to n', () => {
    const values = Float64Array.from({ length: 9 }, (_, i) => i + 1);
    expect(mean(values)).toBe(5);
    expect(variance(values)).toBe(7.5); // n (n + 1) / 12
    expect(coefficientOfVariation(values)).toBeCloseTo(Math.sqrt(7.5) / 5, 15);
    expect(quantile(values, 0.25)).toBe(3);
    expect(quantile([1, 2], 0.5)).toBe(1.5);
  });

  it('agree with numpy', () => {
    expect(relative(variance(golden.sample), golden.variance)).toBeLessThan(1e-13);
    for (const { probability, value } of golden.quantiles) {
      expect(relative(quantile(golden.sample, probability), value)).toBeLessThan(1e-13);
    }
  });

  it('do not change the sample and stay finite beside infinities', () => {
    const values = [3, 1, 2];
    quantile(values, 0.5);
    expect(values).toEqual([3, 1, 2]);
    expect(quantile([1, Infinity, Infinity], 0.9)).toBe(Infinity);
  });

  it('refuse samples without such a figure', () => {
    expect(() => mean([])).toThrow(InputError);
    expect(() => variance([1])).toThrow('at least 2 values, got 1');
    expect(() => quantile([1], 1.5)).toThrow('from 0 to 1, got 1.5');
    expect(() => coefficientOfVariation([-1, 1])).toThrow('mean is 0');
  });
});

describe('normal distribution', () => {
  it('agrees with scipy, far tails included', () => {
    for (const { probability, value } of golden.normalQuantile) {
      expect(Math.abs(normalQuantile(probability) - value)).toBeLessThan(1e-13 * Math.max(1, Math.abs(value)));
    }
    for (const { z, value } of golden.normalCdf) expect(relative(normalCdf(z), value)).toBeLessThan(1e-11);
  });

  it('has its limits at 0 and 1', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
    expect(() => normalQuantile(NaN)).toThrow(InputError);
  });
});
