import { describe, expect, it } from 'vitest';
import { MOST_AUTOCORRELATION, pooledAutocorrelation } from '../../../numerics/statistics/autocorrelation.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

/** Autoregressive nights of standard deviation 1, with a step of so many deviations in the middle. */
function nights(label: string, { rho, length, step = 0 }: { rho: number; length: number; step?: number }): number[] {
  const random = createRandom(label);
  let last = random.normal();
  return Array.from({ length }, (_, i) => {
    last = rho * last + Math.sqrt(1 - rho ** 2) * random.normal();
    return last + (i < length / 2 ? 0 : step);
  });
}

describe('pooledAutocorrelation', () => {
  it('estimates the autocorrelation of nights from many short series', () => {
    for (const rho of [0, 0.3, 0.6, 0.8]) {
      const series = Array.from({ length: 200 }, (_, i) => nights(`${rho} ${i}`, { rho, length: 24 }));
      expect(Math.abs(pooledAutocorrelation(series) - rho)).toBeLessThan(0.15);
    }
  });

  it('does not mistake a change of level for autocorrelation', () => {
    const series = Array.from({ length: 200 }, (_, i) => nights(`step ${i}`, { rho: 0, length: 24, step: 8 }));
    expect(pooledAutocorrelation(series)).toBeLessThan(0.15);
  });

  it('is 0 for short or constant series, and bounded', () => {
    expect(pooledAutocorrelation([[1, 2, 3, 4, 5, 6, 7]])).toBe(0);
    expect(pooledAutocorrelation([Array.from({ length: 20 }, () => 3)])).toBe(0);
    const slow = Array.from({ length: 60 }, (_, i) => Math.sin(i / 6));
    expect(pooledAutocorrelation([slow, slow])).toBe(MOST_AUTOCORRELATION);
  });
});
