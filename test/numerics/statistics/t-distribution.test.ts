import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { normalCdf, normalQuantile } from '../../../numerics/statistics/statistics.ts';
import { studentCdf, studentQuantile } from '../../../numerics/statistics/t-distribution.ts';
import golden from '../../golden/uncertainty.json' with { type: 'json' };

describe('studentCdf', () => {
  it('agrees with scipy', () => {
    for (const { degreesOfFreedom, t, value } of golden.cdf) {
      const found = studentCdf(t, degreesOfFreedom);
      expect(Math.abs(found - value), `t = ${t}, ${degreesOfFreedom}`).toBeLessThan(1e-11 * value + 1e-300);
    }
  });

  it('is the normal distribution at infinitely many degrees of freedom', () => {
    expect(studentCdf(-1.3, Infinity)).toBe(normalCdf(-1.3));
    expect(studentCdf(-1.3, 1e9)).toBeCloseTo(normalCdf(-1.3), 9);
  });
});

describe('studentQuantile', () => {
  it('agrees with scipy', () => {
    for (const { degreesOfFreedom, probability, value } of golden.quantiles) {
      const found = studentQuantile(probability, degreesOfFreedom);
      const error = Math.abs(found - value);
      expect(error, `p = ${probability}, ${degreesOfFreedom}`).toBeLessThan(1e-10 * Math.max(1, Math.abs(value)));
    }
  });

  it('is infinite at 0 and 1, and normal at infinitely many degrees of freedom', () => {
    expect(studentQuantile(0, 3)).toBe(-Infinity);
    expect(studentQuantile(1, 3)).toBe(Infinity);
    expect(studentQuantile(0.2, Infinity)).toBe(normalQuantile(0.2));
  });

  it('refuses an invalid probability or number of degrees of freedom', () => {
    expect(() => studentQuantile(1.2, 3)).toThrow(InputError);
    expect(() => studentQuantile(0.2, 0)).toThrow('at least 1 degree of freedom, got 0');
  });
});
