import { describe, expect, it } from 'vitest';
import { changesAround, likelyChange } from '../../../numerics/statistics/change-point.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { wilsonInterval } from '../../support/wilson-interval.ts';

const OPTIONS = { autocorrelation: 0 };

/** A step of one standard deviation would be small; this one is of four. */
const stepped = (label: string, before: number, after: number): number[] => {
  const random = createRandom(label);
  return Array.from({ length: before + after }, (_, i) => (i < before ? 0 : 4) + random.normal());
};

describe('likelyChange', () => {
  it('finds a step where it is', () => {
    const found = likelyChange(stepped('a step', 9, 7), OPTIONS);
    expect(found?.at).toBe(9);
    expect(found?.pValue).toBeLessThan(1e-3);
    expect(found?.after).toBeGreaterThan((found?.before ?? 0) + 3);
  });

  it('finds a change in at most one of twenty series without one, whatever their spread', () => {
    const random = createRandom('nothing changes');
    for (const draw of [
      () => random.normal(),
      () => Math.exp(2 * random.normal()), // heavy on one side
      () => Math.tan(Math.PI * (random.next() - 0.5)), // Cauchy: no mean at all
      () => random.integer(3), // ties
    ]) {
      const series = 600;
      const alarms = Array.from({ length: series }, () => {
        const found = likelyChange(Array.from({ length: 12 }, draw), OPTIONS);
        return found !== null && found.pValue <= 0.05;
      }).filter(Boolean).length;
      // The lower end of the 99.9 % interval of the observed rate.
      expect(wilsonInterval({ successes: alarms, trials: series, confidence: 0.999 }).low).toBeLessThanOrEqual(0.05);
    }
  });

  it('is the t-test times the number of splits', () => {
    // scipy: ttest_ind([3.1, 2.9, 3.0, 3.05], [4.0, 3.9, 4.2, 4.1]).pvalue * 3
    const found = likelyChange([3.1, 2.9, 3, 3.05, 4, 3.9, 4.2, 4.1], OPTIONS);
    expect(found?.at).toBe(4);
    expect(found?.pValue).toBeCloseTo(3.200596656117214e-5, 12);
  });

  it('is not misled by autocorrelated nights, given their autocorrelation', () => {
    const random = createRandom('resembling');
    const series = 600;
    const alarms = (told: number) =>
      Array.from({ length: series }, () => {
        let last = random.normal();
        const values = Array.from({ length: 30 }, () => (last = 0.8 * last + 0.6 * random.normal()));
        return (likelyChange(values, { autocorrelation: told })?.pValue ?? 1) <= 0.05;
      }).filter(Boolean).length;
    expect(alarms(0)).toBeGreaterThan(series / 2);
    const told = { successes: alarms(0.8), trials: series, confidence: 0.999 };
    expect(wilsonInterval(told).low).toBeLessThanOrEqual(0.05);
  });

  it('finds nothing in short or constant series', () => {
    expect(likelyChange([1, 2, 3], OPTIONS)).toBeNull();
    expect(likelyChange([2, 2, 2, 2, 2], OPTIONS)).toBeNull();
  });
});

describe('changesAround', () => {
  it('finds further steps on both sides, with the levels between them', () => {
    const values = [...stepped('two steps', 10, 10), ...stepped('third', 10, 0).map((value) => value - 4)];
    const first = likelyChange(values, OPTIONS);
    if (!first) throw new Error('there is a change');
    const found = changesAround(values, { ...OPTIONS, first, level: 0.05 });
    expect(found.map(({ at }) => at)).toEqual([10, 20]);
    expect(found[0]?.before).toBeCloseTo(0, 0);
    expect(found[0]?.after).toBe(found[1]?.before);
    expect(found[1]?.after).toBeCloseTo(-4, 0);
  });
});
