import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { layerMask, outputMask, patternMask } from '../../../../methods/shared/solvers/sparsity.ts';

const shape = { inFeatures: 20, outFeatures: 6 };
const random = createRandom('sparsity');
const scores = Float64Array.from({ length: 120 }, () => random.next());
const zeros = (mask: Uint8Array) => mask.filter((keep) => keep === 0).length;
const column = (values: ArrayLike<number>, out: number) =>
  Array.from({ length: shape.inFeatures }, (_, i) => values[i * shape.outFeatures + out]);

describe('layerMask', () => {
  it('sets exactly the given share to zero, the lowest scores', () => {
    for (const sparsity of [0.1, 0.35, 0.5, 0.9]) {
      const mask = layerMask(scores, sparsity);
      expect(zeros(mask)).toBe(Math.round(sparsity * 120));
      const kept = scores.filter((_, at) => mask[at] === 1);
      const pruned = scores.filter((_, at) => mask[at] === 0);
      expect(Math.min(...kept)).toBeGreaterThan(Math.max(...pruned));
    }
  });

  it('sets the exact share to zero among equal scores too, the first ones', () => {
    expect([...layerMask(new Float32Array(8), 0.5)]).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
    expect([...layerMask(Float32Array.of(2, 1, 1, 1, 0, 3), 0.5)]).toEqual([1, 0, 0, 1, 0, 1]);
  });
});

describe('outputMask', () => {
  it('sets the same number to zero in every output, its lowest', () => {
    const mask = outputMask(scores, shape, 0.3);
    for (let out = 0; out < shape.outFeatures; out++) {
      const keep = column(mask, out);
      const own = column(scores, out);
      expect(keep.filter((bit) => bit === 0)).toHaveLength(6);
      const lowest = new Set([...own].sort((a, b) => a! - b!).slice(0, 6));
      own.forEach((score, i) => expect(keep[i]).toBe(lowest.has(score) ? 0 : 1));
    }
  });
});

describe('patternMask', () => {
  for (const [pattern, kept, of] of [
    ['2:4', 2, 4],
    ['4:8', 4, 8],
  ] as const) {
    it(`keeps the ${kept} highest of every ${of} inputs of an output`, () => {
      const mask = patternMask(scores, shape, pattern);
      for (let out = 0; out < shape.outFeatures; out++) {
        const keep = column(mask, out);
        const own = column(scores, out);
        for (let first = 0; first < shape.inFeatures; first += of) {
          const group = own.slice(first, first + of);
          const highest = new Set([...group].sort((a, b) => b! - a!).slice(0, Math.ceil((group.length * kept) / of)));
          group.forEach((score, i) => expect(keep[first + i]).toBe(highest.has(score) ? 1 : 0));
        }
      }
    });
  }
});
