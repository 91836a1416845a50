import { describe, expect, it } from 'vitest';
import { multiply } from '../../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { rebuiltWeight } from '../../../../methods/shared/solvers/rebuilt-weight.ts';
import { layerError, layerProblem } from '../../../support/layer-problem.ts';
import { largestDifference } from '../../../support/run-model.ts';

const problem = layerProblem({ inFeatures: 12, outFeatures: 7, rows: 60 });
const { moment, inFeatures, outFeatures } = problem;
const target = Float64Array.from(problem.weight);
const shape = { rows: 12, inner: 12, columns: 7 };
const cross = multiply({ left: moment, right: target, ...shape });
const random = createRandom('rebuilt-weight');
const start = problem.weight.map((value) => value + random.normal());
const rebuild = (hold: number, parts: object = {}) =>
  rebuiltWeight({ weight: start, moment, cross, inFeatures, outFeatures, hold, ...parts });

describe('rebuiltWeight', () => {
  it('finds the exact weight where there is one', async () => {
    expect(largestDifference(await rebuild(1e-10), problem.weight)).toBeLessThan(1e-4);
  });

  it('is where the gradient of the regularized problem is zero', async () => {
    const hold = 0.3;
    const noisy = cross.map((value) => value + 5 * random.normal());
    const weight = Float64Array.from(await rebuild(hold, { cross: noisy }));
    let trace = 0;
    for (let i = 0; i < 12; i++) trace += moment[i * 13] as number;
    const held = (hold * trace) / 12;
    const left = multiply({ left: moment, right: weight, ...shape });
    const gradient = left.map((value, at) => value - noisy[at]! + held * (weight[at]! - start[at]!));
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-3);
  });

  it('is never further from the targets than the original weight, and equals it at a large penalty', async () => {
    let last = 0;
    for (const hold of [1e-6, 0.01, 1, 100]) {
      const error = layerError(problem, await rebuild(hold));
      expect(error).toBeGreaterThanOrEqual(last);
      last = error;
    }
    expect(last).toBeLessThanOrEqual(layerError(problem, start));
    expect(largestDifference(await rebuild(1e9), start)).toBeLessThan(1e-5);
  });

  it('keeps the weights of inputs that are always zero', async () => {
    const dead = moment.map((value, at) => (at % 12 === 3 || Math.floor(at / 12) === 3 ? 0 : value));
    const right = multiply({ left: dead, right: target, ...shape });
    const weight = await rebuild(1e-6, { moment: dead, cross: right });
    expect(largestDifference(weight.subarray(21, 28), start.subarray(21, 28))).toBeLessThan(1e-6);
    const nothing = await rebuild(1e-3, { moment: new Float64Array(144), cross: new Float64Array(84) });
    expect(largestDifference(nothing, start)).toBeLessThan(1e-6);
  });
});
