import { describe, expect, it } from 'vitest';
import {
  abovePValue,
  belowPValue,
  intervalOf,
  sumOfComponents,
  twoSidedPValue,
} from '../../../numerics/statistics/variance-components.ts';
import { variance } from '../../../numerics/statistics/statistics.ts';
import golden from '../../golden/uncertainty.json' with { type: 'json' };

describe('intervals and tests of several variances', () => {
  it('agree with the definition solved by scipy', () => {
    for (const figure of golden.figures) {
      const { low, high } = intervalOf(figure, 0.95);
      expect(high - figure.value).toBeCloseTo(figure.halfWidth, 9);
      expect(figure.value - low).toBeCloseTo(figure.halfWidth, 9);
      expect(Math.abs(twoSidedPValue(figure) / figure.pValue - 1)).toBeLessThan(1e-7);
    }
  });

  it('agree with each other: the interval of confidence 1 − p ends at the hypothesis', () => {
    for (const figure of golden.figures) {
      const { low, high } = intervalOf(figure, 1 - twoSidedPValue(figure, 0.01));
      const end = figure.value > 0.01 ? low : high;
      expect(Math.abs(end - 0.01)).toBeLessThan(1e-6 * Math.max(1, Math.abs(figure.value)));
    }
  });

  it('split a two-sided test into its two sides', () => {
    const [figure] = golden.figures as [(typeof golden.figures)[number]];
    expect(2 * abovePValue(figure, 0)).toBeCloseTo(twoSidedPValue(figure), 12);
    expect(belowPValue(figure, 0) + abovePValue(figure, 0)).toBeCloseTo(1, 12);
    expect(belowPValue(figure, 100)).toBeLessThan(1e-9);
    expect(belowPValue(figure, figure.value)).toBe(0.5);
  });

  it('treat an exact figure as certain', () => {
    const exact = { value: 2, components: [] };
    expect(intervalOf(exact, 0.95)).toEqual({ value: 2, low: 2, high: 2 });
    expect([twoSidedPValue(exact), twoSidedPValue(exact, 2)]).toEqual([0, 1]);
    expect([belowPValue(exact, 3), belowPValue(exact, 2), belowPValue(exact, 1)]).toEqual([0, 1, 1]);
  });
});

describe('sumOfComponents', () => {
  it('equals Welch’s test for two samples', () => {
    const { first, second, degreesOfFreedom, pValue } = golden.welch;
    const mean = (values: readonly number[]) => values.reduce((sum, each) => sum + each, 0) / values.length;
    const sum = sumOfComponents(
      [first, second].map((sample) => ({
        variance: variance(sample) / sample.length,
        degreesOfFreedom: sample.length - 1,
      })),
    );
    expect(sum.degreesOfFreedom).toBeCloseTo(degreesOfFreedom, 9);
    expect(twoSidedPValue({ value: mean(first) - mean(second), components: [sum] })).toBeCloseTo(pValue, 9);
  });
});
