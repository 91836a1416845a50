import { describe, expect, it } from 'vitest';
import { constantSchedule, cosineSchedule, cubicSchedule } from '../../../engine/training/schedule.ts';

describe('schedules', () => {
  it('cosine rises in the warm-up, then falls to the floor', () => {
    const rate = cosineSchedule({ peak: 2, warmUp: 4, steps: 14, floor: 0.1 });
    expect([0, 1, 3, 4, 9, 14, 20].map(rate)).toEqual(
      [0.5, 1, 2, 2, 2 * 0.55, 0.2, 0.2].map((value) => expect.closeTo(value, 12)),
    );
  });

  it('cosine is halfway at half time and ends at the floor', () => {
    const rate = cosineSchedule({ peak: 1, warmUp: 2, steps: 12 });
    expect([1, 2, 7, 12].map(rate)).toEqual([1, 1, 0.5, 0].map((value) => expect.closeTo(value, 12)));
    expect(rate(3)).toBeCloseTo((1 + Math.cos(Math.PI / 10)) / 2, 12);
  });

  it('cubic follows equation 1 of Zhu and Gupta and stays at its end', () => {
    const sparsity = cubicSchedule({ from: 0.1, to: 0.9, begin: 10, end: 30 });
    expect([0, 10, 20, 30, 99].map(sparsity)).toEqual(
      [0.1, 0.1, 0.9 - 0.8 * 0.125, 0.9, 0.9].map((value) => expect.closeTo(value, 12)),
    );
  });

  it('refuses lengths that do not fit', () => {
    expect(constantSchedule(3)(7)).toBe(3);
    expect(() => cosineSchedule({ peak: 1, warmUp: 5, steps: 4 })).toThrow(/warmUp/);
    expect(() => cubicSchedule({ to: 1, begin: 5, end: 5 })).toThrow(/end/);
  });
});
