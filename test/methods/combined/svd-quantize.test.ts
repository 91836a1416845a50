import { describe, expect, it } from 'vitest';
import { multiply } from '../../../numerics/tensor/linear-algebra.ts';
import svdQuantize, { quantizeFactors } from '../../../methods/combined/svd-quantize.ts';
import { dequantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { truncateWhitened } from '../../../methods/shared/solvers/truncate-whitened.ts';
import type { Factors } from '../../../methods/shared/solvers/low-rank.ts';
import { layerError, layerProblem } from '../../support/layer-problem.ts';
import { methodContext } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const shape = { inFeatures: 64, outFeatures: 48 };
const problem = layerProblem(shape);
const layer = { ...problem, symmetric: true, groupSize: 16, damping: 0.01, where: 'the test' } as const;

function errorOf({ rank, down, up }: Factors): number {
  const [left, right] = [Float64Array.from(down), Float64Array.from(up)];
  return layerError(problem, Float32Array.from(multiply({ left, right, rows: 64, inner: rank, columns: 48 })));
}

describe('quantizeFactors', () => {
  it.each([8, 16, 24])('has almost the error of unrounded factors at 8 bits, rank %i', async (rank) => {
    const cut = errorOf(
      await truncateWhitened({
        where: 'the test',
        ...problem,
        shape,
        secondMoment: problem.moment,
        damping: 1e-6,
        rank,
      }),
    );
    const { factors, down, up } = await quantizeFactors({ ...layer, bits: 8, rank, rounding: 'gptq' });
    expect(errorOf(factors)).toBeGreaterThan(cut * (1 - 1e-5));
    expect(errorOf(factors)).toBeLessThan(1.02 * cut);
    expect(factors.down).toEqual(dequantizeWeight(down));
    expect(factors.up).toEqual(dequantizeWeight(up));
    expect([down.inFeatures, down.outFeatures, up.inFeatures, up.outFeatures]).toEqual([64, rank, rank, 48]);
  });

  it('has a smaller error than rounding both to nearest, especially with coarse grids', async () => {
    let last = 1;
    for (const bits of [8, 4, 3] as const) {
      const made = await quantizeFactors({ ...layer, bits, rank: 24, rounding: 'gptq' });
      const nearest = await quantizeFactors({ ...layer, bits, rank: 24, rounding: 'nearest' });
      const ratio = errorOf(made.factors) / errorOf(nearest.factors);
      expect(ratio).toBeLessThan(last);
      last = ratio;
    }
  });

  it('finds the optimal second factor for a given first', async () => {
    const rank = 12;
    const { factors } = await quantizeFactors({ ...layer, bits: 8, rank, rounding: 'gptq' });
    const least = errorOf(factors);
    for (const sign of [1, -1]) {
      for (let at = 0; at < factors.up.length; at += 37) {
        const up = factors.up.map((value, i) => (i === at ? value + sign * 0.3 : value));
        expect(errorOf({ ...factors, up })).toBeGreaterThan(least);
      }
    }
  });
});

describe('svd-quantize', () => {
  const rows = Array.from({ length: 12 }, (_, row) =>
    Array.from({ length: 8 }, (__, at) => (row * 31 + at * at * 7 + 3) % 64),
  );

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'is two products of few bits in the place of each layer: %s',
    async (_, model) => {
      const params = { keep: 0.75, bits: 8, groupSize: 16, activations: 'float32' };
      const { context } = methodContext({ method: svdQuantize, variant: '', params, model });
      const { onnx } = await svdQuantize.compress(model, context);
      const products = onnx.graph.nodes.filter(({ op }) => op === 'MatMulNBits');
      expect(products).toHaveLength(2 * model.linears.length);
      for (const { weight } of model.linears) expect(onnx.graph.initializers.has(weight)).toBe(false);
      expect((await logitsOf({ onnx }, rows)).every(Number.isFinite)).toBe(true);
    },
  );

  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'comes closer to dense with more of it kept, and with more bits: %s',
    async (_, model) => {
      const dense = await logitsOf(model, rows);
      const distance = async (keep: number, bits: number) => {
        const params = { keep, bits, groupSize: 16, activations: 'float32' };
        const { context } = methodContext({ method: svdQuantize, variant: '', params, model });
        const logits = await logitsOf(await svdQuantize.compress(model, context), rows);
        return Math.hypot(...logits.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
      };
      const [most, half] = [await distance(0.95, 8), await distance(0.3, 8)];
      expect(most).toBeLessThan(half);
      expect(most).toBeLessThan(await distance(0.95, 2));
    },
  );
});
