import { describe, expect, it } from 'vitest';
import { claimPValues, holdsAt } from '../../../numerics/statistics/relation-claim.ts';
import { intervalOf } from '../../../numerics/statistics/variance-components.ts';

describe('claimPValues', () => {
  it('is shown at 2.5 % exactly where the 95 % interval is within the range, and refuted where it is outside', () => {
    for (const expected of ['better', 'not worse', 'not better', 'equal'] as const) {
      const claim = { expected, margin: 2 };
      for (let value = -6; value <= 6; value += 0.35) {
        const worse = { value, components: [{ variance: 0.3, degreesOfFreedom: 20 }] };
        const { low, high } = intervalOf(worse, 0.95);
        const { shown, refuted } = claimPValues(worse, claim);
        const ends = [low, high].map((end) => holdsAt(end, claim));
        const crosses = expected === 'equal' && low < -2 && high > 2;
        expect(shown <= 0.025, `${expected} at ${value}`).toBe(ends.every(Boolean) && !crosses);
        expect(refuted <= 0.025, `${expected} at ${value}`).toBe(!ends.some(Boolean) && !crosses);
      }
    }
  });

  it('decides an exact difference by the range alone', () => {
    const exact = { value: 2, components: [] };
    expect(claimPValues(exact, { expected: 'not worse', margin: 2 })).toEqual({ shown: 0, refuted: 1 });
    expect(claimPValues(exact, { expected: 'better', margin: 2 })).toEqual({ shown: 1, refuted: 0 });
  });
});
