import { describe, expect, it } from 'vitest';
import { paretoFront } from '../../../board/derive/pareto-front.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

interface Point {
  readonly loss: number;
  readonly price: number;
}

/** By the definition, every point against every other. */
function byBruteForce(points: readonly Point[]): Point[] {
  return points.filter(
    (point) =>
      !points.some(
        (other) =>
          other.loss <= point.loss &&
          other.price <= point.price &&
          (other.loss < point.loss || other.price < point.price),
      ),
  );
}

describe('paretoFront', () => {
  it('contains exactly the points that no other dominates, ties and duplicates included', () => {
    const random = createRandom('fronts');
    for (let round = 0; round < 200; round++) {
      const grain = round % 2 === 0 ? 6 : 1000;
      const points = Array.from({ length: random.integer(40) }, () => ({
        loss: random.integer(grain),
        price: random.integer(grain),
      }));
      const front = paretoFront(points, (point) => point);
      expect(new Set(front)).toEqual(new Set(byBruteForce(points)));
      expect(front).toHaveLength(byBruteForce(points).length);
      expect(front).toEqual(front.toSorted((a, b) => a.loss - b.loss));
    }
  });
});
