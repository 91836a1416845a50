import { describe, expect, it } from 'vitest';
import pruneQuantize, { jointSweep } from '../../../methods/combined/prune-quantize.ts';
import { gptqSweep } from '../../../methods/shared/solvers/gptq-layer.ts';
import { codeOf, type Grid, gridOfRange, valueOf } from '../../../methods/shared/formats/grid.ts';
import { inverseFactor } from '../../../methods/shared/solvers/inverse-factor.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { sparsegptSweep } from '../../../methods/shared/solvers/sparsegpt-layer.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { layerError, layerProblem, plainSweep } from '../../support/layer-problem.ts';
import { methodContext } from '../../support/method-context.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const problem = layerProblem({ inFeatures: 88, outFeatures: 24 });
const damping = 0.01;
const inverse = await inverseFactor(problem.moment, { size: 88, damping, where: 'the test' });
const layer = { ...problem, ...inverse, symmetric: true, blockSize: 32 } as const;

const zeros = (weight: ArrayLike<number>) => Array.from(weight).filter((value) => value === 0).length;

describe('jointSweep', () => {
  it.each([2, 3, 4, 8] as const)('equals GPTQ where nothing is pruned: %i bits', async (bits) => {
    const format = { bits, groupSize: 32 } as const;
    // Less than half a weight of a block.
    const joint = await jointSweep({ ...layer, ...format, sparsity: 1e-9 });
    expect(joint).toEqual(await gptqSweep({ ...layer, ...format }));
  });

  // Not weight by weight: a rounding error may tip which of two weights is pruned. Over ten layers such chances cancel.
  it.each([0.3, 0.7, '2:4'] as const)('has the error of SparseGPT when the grid is fine: %s', async (sparsity) => {
    const errors = { sparse: 0, 3: 0, 4: 0, 8: 0 };
    for (let seed = 0; seed < 10; seed++) {
      const other = layerProblem({ inFeatures: 88, outFeatures: 24, seed: `joint ${seed}` });
      const factor = await inverseFactor(other.moment, { size: 88, damping, where: 'the test' });
      const options = { ...other, ...factor, symmetric: true, blockSize: 32, groupSize: 16, sparsity } as const;
      errors.sparse += layerError(other, await sparsegptSweep(options));
      for (const bits of [3, 4, 8] as const) {
        errors[bits] += layerError(other, dequantizeWeight(await jointSweep({ ...options, bits })));
      }
    }
    expect(Math.abs(errors[8] / errors.sparse - 1)).toBeLessThan(0.03);
    expect(errors[4]).toBeLessThan(errors[3]);
    expect(errors[8]).toBeLessThan(errors[4]);
  });

  it('agrees with a step-by-step update of the inverse moment', async () => {
    const [n, outFeatures, width] = [88, 24, 32];
    let pruned = new Set<number>();
    let grids: Grid[] = [];
    const expected = plainSweep(problem, {
      damping,
      enter(step, weight, remaining) {
        if (step % width !== 0) return;
        const rest = remaining.slice();
        const scored: { at: number; score: number }[] = [];
        for (let i = step; i < Math.min(step + width, n); i++) {
          const pivot = rest[i * (n + 1)]!;
          for (let out = 0; out < outFeatures; out++) {
            scored.push({ at: i * outFeatures + out, score: weight[i * outFeatures + out]! ** 2 / pivot });
          }
          const column = Float64Array.from({ length: n }, (_, j) => rest[j * n + i]!);
          for (let j = 0; j < n; j++) for (let k = 0; k < n; k++) rest[j * n + k]! -= (column[j]! * column[k]!) / pivot;
        }
        scored.sort((a, b) => a.score - b.score);
        pruned = new Set(scored.slice(0, Math.round(0.5 * scored.length)).map(({ at }) => at));
        grids = Array.from({ length: outFeatures }, (_, out) => {
          const values = Array.from({ length: Math.min(width, n - step) }, (__, i) =>
            Math.fround(weight[(step + i) * outFeatures + out]!),
          );
          return gridOfRange(Math.min(...values), Math.max(...values), { bits: 4, symmetric: true });
        });
      },
      settle: (feature, weight) =>
        grids.map((grid, out) => {
          const at = feature * outFeatures + out;
          return pruned.has(at) ? 0 : valueOf(grid, codeOf(grid, Math.fround(weight[at]!)));
        }),
    });
    const joint = dequantizeWeight(await jointSweep({ ...layer, bits: 4, groupSize: 32, sparsity: 0.5 }));
    joint.forEach((value, at) => expect(Math.abs(value - expected[at]!)).toBeLessThan(1e-5));
  });

  it('has a smaller output error than pruning followed by quantization', async () => {
    for (const [bits, sparsity] of [
      [4, 0.5],
      [3, 0.5],
      [4, '2:4'],
    ] as const) {
      const joint = dequantizeWeight(await jointSweep({ ...layer, bits, groupSize: 32, sparsity }));
      const pruned = await sparsegptSweep({ ...layer, sparsity });
      const shape = { inFeatures: 88, outFeatures: 24 };
      const after = dequantizeWeight(quantizeWeight(pruned, { ...shape, bits, symmetric: true, groupSize: 32 }));
      expect(layerError(problem, joint)).toBeLessThan(layerError(problem, after));
    }
  });
});

describe('prune-quantize', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'leaves as many codes that are not zero as it says: %s',
    async (_, model) => {
      for (const [variant, share] of [
        ['s50-w4g32', 0.5],
        ['s70-w4g32', 0.7],
        ['2-of-4-w4g32', 0.5],
        ['s50-w3g32', 0.5],
      ] as const) {
        const compressed = await pruneQuantize.compress(
          model,
          methodContext({ method: pruneQuantize, variant, model }).context,
        );
        for (const linear of model.linears) {
          const weight = effectiveWeight(compressed, linear);
          // Rounding adds some zeros of its own.
          expect(zeros(weight) / weight.length).toBeGreaterThan(share - 0.01);
          expect(zeros(weight) / weight.length).toBeLessThan(share + 0.25);
        }
      }
    },
  );
});
