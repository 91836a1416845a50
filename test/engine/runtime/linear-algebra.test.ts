import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../../contracts/errors.ts';
import { choleskyPair, gram, matmul, solvePositiveDefinite, thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import * as small from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

function normal(rows: number, columns: number): Float64Array {
  const random = createRandom(`large ${rows}x${columns}`);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

describe('matmul', () => {
  const [rows, inner, columns] = [7, 11, 5];
  const left = normal(rows, inner);
  const right = normal(inner, columns);
  const expected = small.multiply({ left, right, rows, inner, columns });

  it.each([
    { transposeLeft: false, transposeRight: false },
    { transposeLeft: true, transposeRight: false },
    { transposeLeft: false, transposeRight: true },
    { transposeLeft: true, transposeRight: true },
  ])('multiplies with %o', async ({ transposeLeft, transposeRight }) => {
    const product = await matmul({
      left: transposeLeft ? small.transpose(left, rows, inner) : left,
      right: transposeRight ? small.transpose(right, inner, columns) : right,
      rows,
      inner,
      columns,
      transposeLeft,
      transposeRight,
    });
    expect(largestDifference(product, expected)).toBeLessThan(1e-14);
  });

  it('subtracts in place, within a larger array', async () => {
    const memory = normal(rows + 2, columns);
    const before = memory.slice();
    const base = memory.subarray(columns, (rows + 1) * columns);
    await matmul({ left, right, rows, inner, columns, base, subtract: true, into: base });
    const wanted = before.map((value, i) => value - (expected[i - columns] ?? 0));
    expect(largestDifference(memory, wanted)).toBeLessThan(1e-14);
  });

  it('works in float32', async () => {
    const product = await matmul({
      left: Float32Array.from(left),
      right: Float32Array.from(right),
      rows,
      inner,
      columns,
    });
    expect(product).toBeInstanceOf(Float32Array);
    expect(largestDifference(product, expected)).toBeLessThan(1e-5);
  });

  it('refuses sizes that do not fit', async () => {
    await expect(matmul({ left, right, rows, inner: 10, columns })).rejects.toThrow('expected [7, 10] times [10, 5]');
  });
});

describe('choleskyPair', () => {
  it.each([1, 96, 97, 250])('returns factor and inverse of a %i-row matrix', async (size) => {
    const x = normal(size + 40, size);
    const a = await gram(x, size + 40, size);
    expect(
      largestDifference(
        a,
        small.multiply({
          left: small.transpose(x, size + 40, size),
          right: x,
          rows: size,
          inner: size + 40,
          columns: size,
        }),
      ),
    ).toBeLessThan(1e-11);
    const { factor, inverse } = await choleskyPair(a, size);
    expect(largestDifference(factor, small.cholesky(a, size))).toBeLessThan(1e-11);
    const identity = await matmul({ left: factor, right: inverse, rows: size, inner: size, columns: size });
    for (let i = 0; i < size; i++) identity[i * size + i]! -= 1;
    expect(largestDifference(identity, new Float64Array(size * size))).toBeLessThan(1e-13);
    const solution = normal(size, 3);
    const right = small.multiply({ left: a, right: solution, rows: size, inner: size, columns: 3 });
    expect(largestDifference(await solvePositiveDefinite({ a, size, right, columns: 3 }), solution)).toBeLessThan(
      1e-10,
    );
  });

  it('refuses a matrix that is not positive definite', async () => {
    const size = 120;
    const a = new Float64Array(size * size);
    for (let i = 0; i < size; i++) a[i * size + i] = i === 100 ? -1 : 1;
    await expect(choleskyPair(a, size)).rejects.toBeInstanceOf(NumericalError);
  });
});

describe('thinSvd', () => {
  it.each([
    [64, 172],
    [130, 60],
  ])('agrees with numerics/tensor/thin-svd for %i x %i', async (rows, columns) => {
    const a = normal(rows, columns);
    const large = await thinSvd(a, rows, columns);
    const plain = small.thinSvd(a, rows, columns);
    const rank = Math.min(rows, columns);
    expect(largestDifference(large.s, plain.s)).toBeLessThan(1e-13 * plain.s[0]!);
    const left = large.u.map((value, i) => value * large.s[i % rank]!);
    const back = small.multiply({ left, right: large.vt, rows, inner: rank, columns });
    expect(largestDifference(back, a)).toBeLessThan(1e-13 * plain.s[0]!);
    const overlap = await matmul({
      left: large.u,
      right: large.u,
      rows: rank,
      inner: rows,
      columns: rank,
      transposeLeft: true,
    });
    for (let i = 0; i < rank; i++) overlap[i * rank + i]! -= 1;
    expect(largestDifference(overlap, new Float64Array(rank * rank))).toBeLessThan(1e-12);
  });
});
