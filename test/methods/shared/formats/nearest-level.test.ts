import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { nearestLevel } from '../../../../methods/shared/formats/nearest-level.ts';

describe('nearestLevel', () => {
  it('agrees with a search over all levels', () => {
    const random = createRandom('nearest-level');
    for (let count = 1; count <= 20; count++) {
      const levels = Float64Array.from({ length: count }, () => random.normal()).sort();
      for (let attempt = 0; attempt < 50; attempt++) {
        const value = 3 * random.normal();
        const distances = Array.from(levels, (level) => Math.abs(level - value));
        expect(nearestLevel(levels, value)).toBe(distances.indexOf(Math.min(...distances)));
      }
    }
  });

  it('returns the lower of two equally near ones, and the first of equal ones', () => {
    expect(nearestLevel([0, 1, 2], 0.5)).toBe(0);
    expect(nearestLevel([0, 1, 2], 1.5)).toBe(1);
    expect(nearestLevel([0, 0, 0], 0)).toBe(0);
  });
});
