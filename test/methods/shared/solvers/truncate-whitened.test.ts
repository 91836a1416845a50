import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../../contracts/errors.ts';
import { multiply, transpose } from '../../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../../numerics/tensor/random.ts';
import { truncate } from '../../../../methods/shared/solvers/low-rank.ts';
import { truncateWhitened } from '../../../../methods/shared/solvers/truncate-whitened.ts';
import type { Factors } from '../../../../methods/shared/solvers/low-rank.ts';

const shape = { inFeatures: 20, outFeatures: 14 };
const random = createRandom('svd-whitened');
const weight = Float32Array.from({ length: 280 }, () => random.normal());
const positions = 60;

/** Inputs whose features differ in size by a factor of 20 and depend on each other. */
const inputs = (() => {
  const x = Float64Array.from({ length: positions * 20 }, (_, at) => random.normal() * (1 + (at % 20)));
  for (let at = 1; at < x.length; at++) if (at % 20 !== 0) x[at]! += 0.5 * x[at - 1]!;
  return x;
})();
const secondMoment = multiply({
  left: transpose(inputs, positions, 20),
  right: inputs,
  rows: 20,
  inner: positions,
  columns: 20,
});

/** ‖X W' - X W‖², straight from the inputs. */
function outputError({ rank, down, up }: Factors): number {
  const product = multiply({
    left: Float64Array.from(down),
    right: Float64Array.from(up),
    rows: 20,
    inner: rank,
    columns: 14,
  });
  const difference = product.map((value, at) => value - weight[at]!);
  const moved = multiply({ left: inputs, right: difference, rows: positions, inner: 20, columns: 14 });
  return moved.reduce((sum, value) => sum + value * value, 0);
}

describe('truncateWhitened', () => {
  it('changes the layer output by exactly the truncated singular values', async () => {
    for (const rank of [1, 4, 9, 13]) {
      const factors = await truncateWhitened({ where: 'the test', weight, shape, secondMoment, damping: 0, rank });
      expect(factors.lost).toBeGreaterThan(0);
      expect(outputError(factors) / factors.lost).toBeCloseTo(1, 4);
    }
  });

  it('changes it less than plain SVD of the same rank', async () => {
    for (const rank of [1, 4, 9, 13]) {
      const whitened = await truncateWhitened({ where: 'the test', weight, shape, secondMoment, damping: 1e-6, rank });
      expect(outputError(whitened)).toBeLessThan(0.9 * outputError(await truncate(weight, shape, rank)));
    }
  });

  it('equals plain SVD for white inputs', async () => {
    const identity = Float64Array.from({ length: 400 }, (_, at) => (at % 21 === 0 ? 1 : 0));
    const whitened = await truncateWhitened({
      where: 'the test',
      weight,
      shape,
      secondMoment: identity,
      damping: 0,
      rank: 6,
    });
    const plain = await truncate(weight, shape, 6);
    const product = ({ down, up }: Factors) =>
      multiply({ left: Float64Array.from(down), right: Float64Array.from(up), rows: 20, inner: 6, columns: 14 });
    const expected = product(plain);
    product(whitened).forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 5));
  });

  it('handles an input that is always zero when damped, and says what to do without damping', async () => {
    const dead = secondMoment.map((value, at) => (at % 20 === 3 || Math.floor(at / 20) === 3 ? 0 : value));
    const { down } = await truncateWhitened({
      where: 'the test',
      weight,
      shape,
      secondMoment: dead,
      damping: 1e-6,
      rank: 4,
    });
    expect(down.every(Number.isFinite)).toBe(true);
    const undamped = truncateWhitened({ where: 'the test', weight, shape, secondMoment: dead, damping: 0, rank: 4 });
    await expect(undamped).rejects.toThrow(NumericalError);
  });

  it('equals plain SVD where all inputs are zero, and damps inputs of low rank', async () => {
    const zero = new Float64Array(400);
    const whitened = await truncateWhitened({ weight, shape, secondMoment: zero, damping: 1e-6, rank: 6, where: 'q' });
    const plain = await truncate(weight, shape, 6);
    const product = ({ down, up, rank }: Factors) =>
      multiply({ left: Float64Array.from(down), right: Float64Array.from(up), rows: 20, inner: rank, columns: 14 });
    const expected = product(plain);
    product(whitened).forEach((value, at) => expect(value).toBeCloseTo(expected[at]!, 4));

    const three = inputs.subarray(0, 60); // 3 tokens of 20 features
    const few = multiply({ left: transpose(three, 3, 20), right: three, rows: 20, inner: 3, columns: 20 });
    const { down, up } = await truncateWhitened({
      weight,
      shape,
      secondMoment: few,
      damping: 1e-6,
      rank: 3,
      where: 'q',
    });
    expect([...down, ...up].every(Number.isFinite)).toBe(true);
  });

  it('names the layer whose second moment is not positive definite', async () => {
    const broken = new Float64Array(400).fill(NaN);
    const run = truncateWhitened({ weight, shape, secondMoment: broken, damping: 1e-6, rank: 4, where: 'layer 2 q' });
    await expect(run).rejects.toThrow(/inputs of layer 2 q/);
  });
});
