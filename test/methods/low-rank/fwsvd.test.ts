import { describe, expect, it } from 'vitest';
import { weightFisher } from '../../../engine/calibrate/fisher.ts';
import { thinSvd } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import fwsvd, { rowScales } from '../../../methods/low-rank/fwsvd.ts';
import svd from '../../../methods/low-rank/svd.ts';
import { factorsOf, productOf, scaledSvd, truncate } from '../../../methods/shared/solvers/low-rank.ts';
import { effectiveWeight } from '../../support/effective-weight.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference } from '../../support/run-model.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const shape = { inFeatures: 18, outFeatures: 11 };
const random = createRandom('fwsvd');
const weight = Float32Array.from({ length: 18 * 11 }, () => random.normal());
const scales = Float64Array.from({ length: 18 }, (_, i) => 0.1 + i);

/** ‖D (W − W')‖² */
const missed = (other: Float32Array) =>
  other.reduce((sum, value, at) => sum + (scales[Math.floor(at / 11)]! * (value - weight[at]!)) ** 2, 0);

describe('scaledSvd', () => {
  it('has a weighted error of exactly the truncated singular values, smaller than plain SVD', async () => {
    const { s } = thinSvd(
      Float64Array.from(weight, (value, at) => value * scales[Math.floor(at / 11)]!),
      18,
      11,
    );
    for (const rank of [1, 4, 8]) {
      const error = missed(await productOf(factorsOf(await scaledSvd(weight, shape, scales), shape, rank), shape));
      const cut = s.subarray(rank).reduce((sum, value) => sum + value * value, 0);
      expect(error / cut).toBeCloseTo(1, 4);
      expect(error).toBeLessThan(missed(await productOf(await truncate(weight, shape, rank), shape)));
    }
  });

  it('equals plain SVD with equal row weights', async () => {
    const even = factorsOf(await scaledSvd(weight, shape, new Float64Array(18).fill(3.7)), shape, 5);
    const plain = await truncate(weight, shape, 5);
    expect(largestDifference(await productOf(even, shape), await productOf(plain, shape))).toBeLessThan(1e-5);
  });
});

describe('rowScales', () => {
  it('are the square roots of the summed squared gradients of a row', () => {
    const rows = { inFeatures: 3, outFeatures: 2 };
    const found = rowScales(Float64Array.of(4, 5, 0, 0, 8, 8), rows);
    expect([found[0], found[2]]).toEqual([3, 4]);
    expect(found[1]).toBeCloseTo(Math.sqrt((1e-6 * 25) / 3), 10);
    expect([...rowScales(new Float64Array(6), rows)]).toEqual([1, 1, 1]);
  });
});

describe.each(tinyModels.map((model) => [model.id, model] as const))('fwsvd on %s', (_, model) => {
  it('has smaller errors than svd where the loss is most sensitive', async () => {
    const [weighed, plain] = [
      await fwsvd.compress(model, methodContext({ method: fwsvd, variant: 'p50', model }).context),
      await svd.compress(model, methodContext({ method: svd, variant: 'p50', model }).context),
    ];
    const { examples } = randomExamples(model, 'calibration/0');
    const fisher = await weightFisher({ model, examples });
    for (const linear of model.linears) {
      const roots = rowScales(fisher.get(linear.role) as Float64Array, linear);
      const dense = model.weight(linear);
      const error = (other: Float32Array) =>
        other.reduce(
          (sum, value, at) => sum + (roots[Math.floor(at / linear.outFeatures)]! * (value - dense[at]!)) ** 2,
          0,
        );
      expect(error(effectiveWeight(weighed, linear))).toBeLessThan(error(effectiveWeight(plain, linear)));
    }
  });
});
