import { describe, expect, it } from 'vitest';
import type { Model } from '../../../engine/definitions/model.ts';
import { multiply, thinSvd } from '../../../numerics/tensor/linear-algebra.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import correctionMethod, {
  correction,
  type CorrectionProblem,
} from '../../../methods/combined/quantize-lowrank-correction.ts';
import { toFloat16 } from '../../../methods/shared/formats/codebook.ts';
import { dequantizeWeight, quantizeWeight } from '../../../methods/shared/formats/matmul-nbits.ts';
import { withLowRankBranches } from '../../../methods/shared/formats/low-rank-branch.ts';
import type { Factors } from '../../../methods/shared/solvers/low-rank.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { layerError, layerProblem } from '../../support/layer-problem.ts';
import { methodContext } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const shape = { inFeatures: 72, outFeatures: 24 };
const problem = layerProblem(shape);
const rounded = dequantizeWeight(quantizeWeight(problem.weight, { ...shape, bits: 3, symmetric: true, groupSize: 32 }));
const error = problem.weight.map((value, at) => value - rounded[at]!);
/** As large as the input is on the average of its squares: what a mean absolute value would be for normal inputs. */
const magnitudes = Float64Array.from({ length: 72 }, (_, j) => Math.sqrt(problem.moment[j * 73]!));

const productOf = ({ rank, down, up }: Factors) =>
  multiply({ left: Float64Array.from(down), right: Float64Array.from(up), rows: 72, inner: rank, columns: 24 });

async function remaining(weighting: CorrectionProblem['weighting'], rank: number): Promise<number> {
  const factors = await correction({
    error,
    shape,
    rank,
    weighting,
    moment: problem.moment,
    magnitudes,
    where: 'the test',
  });
  const product = productOf(factors);
  return layerError(
    problem,
    rounded.map((value, at) => value + product[at]!),
  );
}

describe('correction', () => {
  it('leaves the singular values of the error beyond the rank, unweighted', async () => {
    const { s } = thinSvd(Float64Array.from(error), 72, 24);
    for (const rank of [1, 4, 11]) {
      const factors = await correction({
        error,
        shape,
        rank,
        weighting: 'none',
        moment: problem.moment,
        magnitudes,
        where: 'the test',
      });
      const product = productOf(factors);
      const left = error.reduce((sum, value, at) => sum + (value - product[at]!) ** 2, 0);
      const expected = s.subarray(rank).reduce((sum, value) => sum + value ** 2, 0);
      expect(left / expected).toBeCloseTo(1, 3);
      expect([...factors.down]).toEqual(Array.from(factors.down, toFloat16));
    }
  });

  it('scales by the size of inputs as LQER does: S⁻¹ SVD_r(S E)', async () => {
    const rank = 5;
    const scaled = Float64Array.from(error, (value, at) => value * magnitudes[Math.floor(at / 24)]!);
    const { u, s, vt } = thinSvd(scaled, 72, 24);
    const expected = Float64Array.from(error, (_, at) => {
      const [i, out] = [Math.floor(at / 24), at % 24];
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += (u[i * 24 + r]! * s[r]! * vt[r * 24 + out]!) / magnitudes[i]!;
      return sum;
    });
    const found = productOf(
      await correction({
        error,
        shape,
        rank,
        weighting: 'magnitude',
        moment: problem.moment,
        magnitudes,
        where: 'the test',
      }),
    );
    const largest = Math.max(...expected.map(Math.abs));
    found.forEach((value, at) => expect(Math.abs(value - expected[at]!)).toBeLessThan(2e-3 * largest));
  });

  it('has a smaller output error than rounding alone, smaller with rank, and smallest with full second moments', async () => {
    const plain = layerError(problem, rounded);
    let last = plain;
    for (const rank of [1, 2, 4, 8, 16]) {
      const [none, magnitude, whole] = [
        await remaining('none', rank),
        await remaining('magnitude', rank),
        await remaining('second-moment', rank),
      ];
      expect(none).toBeLessThan(plain);
      expect(whole).toBeLessThan(none);
      expect(whole).toBeLessThan(magnitude);
      expect(whole).toBeLessThan(last);
      last = whole;
    }
  });
});

describe('withLowRankBranches', () => {
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'adds (x A) B to what a layer gives: %s',
    async (_, model) => {
      const random = createRandom('branches');
      const half = (length: number) => Float32Array.from({ length }, () => toFloat16(0.1 * random.normal()));
      const layers = model.linears.map((linear) => ({
        linear,
        factors: { rank: 3, down: half(linear.inFeatures * 3), up: half(3 * linear.outFeatures) },
      }));
      const merged = layers.reduce((current: Model, { linear, factors }) => {
        const { inFeatures: rows, outFeatures: columns } = linear;
        const [left, right] = [Float64Array.from(factors.down), Float64Array.from(factors.up)];
        const update = multiply({ left, right, rows, inner: 3, columns });
        const weight = current.weight(linear).map((value, at) => value + update[at]!);
        return current.withWeight(linear, tensorOf('float32', [rows, columns], weight));
      }, model);
      const rows = [[1, 9, 17, 4, 33, 60, 2, 8]];
      const branched = withLowRankBranches(model, layers);
      expect(largestDifference(await logitsOf(branched, rows), await logitsOf(merged, rows))).toBeLessThan(1e-4);
      expect(branched.onnx.functions).toHaveLength(1);
    },
  );
});

describe('quantize-lowrank-correction', () => {
  const rows = [
    [1, 9, 17, 4, 33, 60, 2, 8],
    [5, 5, 40, 12, 7, 21, 3, 50],
  ];
  it.each(tinyModels.map((model) => [model.id, model] as const))(
    'comes closer to dense the wider the path: %s',
    async (_, model) => {
      const dense = await logitsOf(model, rows);
      let last = Infinity;
      for (const rank of [1, 8, 32]) {
        const params = { bits: 2, groupSize: 32, rank, activations: 'float32' };
        const { context } = methodContext({ method: correctionMethod, variant: '', params, model });
        const logits = await logitsOf(await correctionMethod.compress(model, context), rows);
        const distance = Math.hypot(...logits.map((value, at) => value - dense[at]!)) / Math.hypot(...dense);
        expect(distance).toBeLessThan(last);
        last = distance;
      }
      // At full rank the path holds the whole error, but for float16.
      expect(last).toBeLessThan(0.01);
    },
  );
});
