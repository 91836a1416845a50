import { describe, expect, it } from 'vitest';
import { sparsegptLayer, type SparsegptOptions } from '../../../../methods/shared/solvers/sparsegpt-layer.ts';
import { patternMask } from '../../../../methods/shared/solvers/sparsity.ts';
import { layerError, layerProblem, plainSweep, type LayerProblem } from '../../../support/layer-problem.ts';

const defaults = { damping: 0.01, blockSize: 32, where: 'the test' } as const satisfies Partial<SparsegptOptions>;

/** SparseGPT by the textbook: masks from w² / [H⁻¹]_ii with the inverse of what remains at each input's own turn. */
function reference(problem: LayerProblem, share: number | '2:4' | '4:8', blockSize: number): Float64Array {
  const { inFeatures: n, outFeatures } = problem;
  const width = typeof share === 'number' ? blockSize : Number(share.slice(2));
  let pruned = new Set<number>();
  return plainSweep(problem, {
    damping: defaults.damping,
    enter(step, weight, inverse) {
      if (step % width !== 0) return;
      const end = Math.min(step + width, n);
      const scored: { at: number; score: number }[] = [];
      const remaining = inverse.slice();
      for (let i = step; i < end; i++) {
        const pivot = remaining[i * (n + 1)]!;
        for (let out = 0; out < outFeatures; out++) {
          scored.push({ at: i * outFeatures + out, score: weight[i * outFeatures + out]! ** 2 / pivot });
        }
        const column = Float64Array.from({ length: n }, (_, j) => remaining[j * n + i]!);
        for (let j = 0; j < n; j++)
          for (let k = 0; k < n; k++) remaining[j * n + k]! -= (column[j]! * column[k]!) / pivot;
      }
      if (typeof share === 'number') {
        scored.sort((a, b) => a.score - b.score);
        pruned = new Set(scored.slice(0, Math.round(share * scored.length)).map(({ at }) => at));
      } else {
        const scores = Float64Array.from(scored, ({ score }) => score);
        const mask = patternMask(scores, { inFeatures: end - step, outFeatures }, share);
        pruned = new Set(scored.filter((_, i) => mask[i] === 0).map(({ at }) => at));
      }
    },
    settle: (feature, weight) =>
      Array.from({ length: outFeatures }, (_, out) =>
        pruned.has(feature * outFeatures + out) ? 0 : weight[feature * outFeatures + out]!,
      ),
  });
}

function zeros(weight: ArrayLike<number>): number {
  return Array.from(weight).filter((value) => value === 0).length;
}

describe('sparsegptLayer', () => {
  const problem = layerProblem({ inFeatures: 88, outFeatures: 24 });

  it.each([
    { sparsity: 0.5, blockSize: 32 },
    { sparsity: 0.5, blockSize: 128 },
    { sparsity: 0.8, blockSize: 64 },
    { sparsity: '2:4', blockSize: 32 },
    { sparsity: '4:8', blockSize: 128 },
  ] as const)('agrees with a step-by-step update of the inverse moment: %o', async ({ sparsity, blockSize }) => {
    const weight = await sparsegptLayer({ ...problem, ...defaults, sparsity, blockSize });
    const expected = reference(problem, sparsity, blockSize);
    weight.forEach((value, at) => {
      expect(value === 0).toBe(expected[at] === 0);
      expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-5);
    });
  });

  it('prunes the given share of every block exactly', async () => {
    for (const sparsity of [0.3, 0.5, 0.8]) {
      const weight = await sparsegptLayer({ ...problem, ...defaults, sparsity, blockSize: 32 });
      for (const [first, end] of [
        [0, 32],
        [32, 64],
        [64, 88],
      ]) {
        const block = weight.subarray(first! * 24, end! * 24);
        expect(zeros(block)).toBe(Math.round(sparsity * block.length));
      }
    }
  });

  it('keeps n of every m inputs of every output', async () => {
    for (const [sparsity, m] of [
      ['2:4', 4],
      ['4:8', 8],
    ] as const) {
      const weight = await sparsegptLayer({ ...problem, ...defaults, sparsity });
      for (let out = 0; out < 24; out++) {
        for (let first = 0; first < 88; first += m) {
          expect(zeros(Array.from({ length: m }, (_, i) => weight[(first + i) * 24 + out]!))).toBe(m / 2);
        }
      }
    }
  });

  it('has a smaller output error than its mask alone', async () => {
    for (const sparsity of [0.5, 0.7, '2:4'] as const) {
      const corrected = await sparsegptLayer({ ...problem, ...defaults, sparsity });
      const masked = problem.weight.map((value, at) => (corrected[at] === 0 ? 0 : value));
      expect(layerError(problem, corrected)).toBeLessThan(0.8 * layerError(problem, masked));
    }
  });

  it('sets the weights of dead inputs to zero', async () => {
    const holed = layerProblem({ inFeatures: 40, outFeatures: 8, dead: [5] });
    const weight = await sparsegptLayer({ ...holed, ...defaults, sparsity: 0.5 });
    expect(zeros(weight.subarray(5 * 8, 6 * 8))).toBe(8);
  });
});
