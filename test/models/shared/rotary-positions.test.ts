import { describe, expect, it } from 'vitest';
import { rotaryTables } from '../../../models/shared/rotary-positions.ts';

describe('rotaryTables', () => {
  it('rotates pair i at position p by p base^(-2i / headWidth)', () => {
    const { cosines, sines } = rotaryTables(8, 6, 10_000);
    expect(cosines).toHaveLength(24);
    expect(Array.from(cosines.subarray(0, 4))).toEqual([1, 1, 1, 1]);
    expect(cosines[5 * 4]).toBeCloseTo(Math.cos(5), 6);
    expect(sines[5 * 4 + 1]).toBeCloseTo(Math.sin(0.5), 6);
    expect(sines[5 * 4 + 3]).toBeCloseTo(Math.sin(0.005), 6);
  });
});
