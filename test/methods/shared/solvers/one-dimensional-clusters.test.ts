import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { clusterCentres } from '../../../../methods/shared/solvers/one-dimensional-clusters.ts';

const random = createRandom('clusters');
const gaussians = (count: number) => Float64Array.from({ length: count }, () => random.normal());
const positives = (count: number) => Float64Array.from({ length: count }, () => random.next() ** 3);

/** Σ w (x - nearest centre)² */
function costOf(values: Float64Array, weights: Float64Array, centres: ArrayLike<number>): number {
  return values.reduce((sum, x, i) => {
    const nearest = Math.min(...Array.from(centres, (centre) => (x - centre) ** 2));
    return sum + weights[i]! * nearest;
  }, 0);
}

/** The least cost over every way to cut the sorted values into runs. */
function bruteForce(values: Float64Array, weights: Float64Array, clusters: number): number {
  const order = [...values.keys()].sort((a, b) => values[a]! - values[b]!);
  const runCost = (run: readonly number[]) => {
    const total = run.reduce((sum, at) => sum + weights[at]!, 0);
    const centre = run.reduce((sum, at) => sum + weights[at]! * values[at]!, 0) / total;
    return run.reduce((sum, at) => sum + weights[at]! * (values[at]! - centre) ** 2, 0);
  };
  const best = (from: number, left: number): number => {
    if (left === 1) return runCost(order.slice(from));
    let least = Infinity;
    for (let to = from + 1; to <= order.length - left + 1; to++) {
      least = Math.min(least, runCost(order.slice(from, to)) + best(to, left - 1));
    }
    return least;
  };
  return best(0, clusters);
}

describe('clusterCentres', () => {
  it.each([2, 3, 4, 5])('finds the best division into %i clusters', (clusters) => {
    for (let turn = 0; turn < 20; turn++) {
      const [values, weights] = [gaussians(12), positives(12)];
      const centres = clusterCentres({ values, weights, clusters });
      expect([...centres]).toEqual([...centres].sort((a, b) => a - b));
      const found = costOf(values, weights, centres);
      expect(found).toBeLessThanOrEqual(bruteForce(values, weights, clusters) * (1 + 1e-9));
    }
  });

  it("is no worse than Lloyd's iteration from quantiles, and is a fixed point of it", () => {
    const [values, weights] = [gaussians(3000), positives(3000)];
    const sorted = [...values].sort((a, b) => a - b);
    let lloyd = Array.from({ length: 16 }, (_, k) => sorted[Math.floor(((k + 0.5) * 3000) / 16)]!);
    const step = (centres: readonly number[]) => {
      const sums = centres.map(() => [0, 0]);
      values.forEach((x, i) => {
        const k = centres.reduce(
          (best, centre, at) => (Math.abs(x - centre) < Math.abs(x - centres[best]!) ? at : best),
          0,
        );
        sums[k]![0]! += weights[i]! * x;
        sums[k]![1]! += weights[i]!;
      });
      return sums.map(([first, total], k) => (total! > 0 ? first! / total! : centres[k]!));
    };
    for (let turn = 0; turn < 60; turn++) lloyd = step(lloyd);
    const centres = clusterCentres({ values, weights, clusters: 16 });
    expect(costOf(values, weights, centres)).toBeLessThanOrEqual(costOf(values, weights, lloyd));
    step([...centres]).forEach((centre, k) => expect(centre).toBeCloseTo(centres[k]!, 9));
  });

  it('is exact for fewer distinct values than clusters, and repeats the last centre', () => {
    const values = Float64Array.of(1, 1, 2, 2, -3);
    const centres = clusterCentres({ values, weights: new Float64Array(5).fill(1), clusters: 8 });
    expect(costOf(values, new Float64Array(5).fill(1), centres)).toBeCloseTo(0, 12);
    expect([...clusterCentres({ values: Float64Array.of(7), weights: Float64Array.of(1), clusters: 4 })]).toEqual([
      7, 7, 7, 7,
    ]);
  });

  it('ignores values of weight 0, and weights all equally where all are 0', () => {
    const values = Float64Array.of(-1, 0, 1, 100);
    const [low, high] = clusterCentres({ values, weights: Float64Array.of(1, 1, 1, 0), clusters: 2 });
    expect(Math.max(Math.abs(low!), Math.abs(high!))).toBeLessThanOrEqual(1);
    const alike = clusterCentres({ values, weights: new Float64Array(4), clusters: 2 });
    expect([...alike]).toEqual([0, 100]);
  });

  it('resolves small differences far from zero', () => {
    const values = Float64Array.from({ length: 64 }, (_, i) => 1e6 + (i % 4) * 1e-3);
    const centres = clusterCentres({ values, weights: new Float64Array(64).fill(1), clusters: 4 });
    [0, 1, 2, 3].forEach((i) => expect(centres[i]! - 1e6).toBeCloseTo(i * 1e-3, 6));
  });
});
