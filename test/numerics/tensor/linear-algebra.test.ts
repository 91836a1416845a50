import { describe, expect, it } from 'vitest';
import {
  cholesky,
  invertLower,
  multiply,
  solvePositiveDefinite,
  symmetricEigen,
  thinSvd,
  transpose,
} from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';

function normal(rows: number, columns: number): Float64Array {
  const random = createRandom(`linear-algebra ${rows}x${columns}`);
  return Float64Array.from({ length: rows * columns }, () => random.normal());
}

function gram(a: Float64Array, rows: number, columns: number): Float64Array {
  return multiply({ left: a, right: transpose(a, rows, columns), rows, inner: columns, columns: rows });
}

function identity(size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

function norm(a: Float64Array): number {
  return Math.sqrt(a.reduce((sum, value) => sum + value * value, 0));
}

describe('cholesky', () => {
  it('returns the factor of a positive definite matrix, its inverse and the solution of a system', () => {
    const size = 37;
    const a = gram(normal(size, 60), size, 60);
    const l = cholesky(a, size);
    expect(largestDifference(gram(l, size, size), a)).toBeLessThan(1e-12 * norm(a));
    const product = multiply({ left: l, right: invertLower(l, size), rows: size, inner: size, columns: size });
    expect(largestDifference(product, identity(size))).toBeLessThan(1e-12);
    const x = normal(size, 4);
    const right = multiply({ left: a, right: x, rows: size, inner: size, columns: 4 });
    expect(largestDifference(solvePositiveDefinite({ a, size, right, columns: 4 }), x)).toBeLessThan(1e-10);
  });

  it('matches a factor computed by hand', () => {
    expect([...cholesky(Float64Array.of(4, 2, 2, 10), 2)]).toEqual([2, 0, 1, 3]);
  });

  it('refuses a matrix that is not positive definite or not finite', () => {
    expect(() => cholesky(Float64Array.of(1, 2, 2, 1), 2)).toThrow('pivot 1 of 2');
    expect(() => cholesky(Float64Array.of(NaN), 1)).toThrow('not positive definite');
  });
});

describe('symmetricEigen', () => {
  it('diagonalises with orthonormal vectors, largest value first', () => {
    const size = 50;
    const square = normal(size, size);
    const a = transpose(square, size, size).map((value, i) => value + square[i]!);
    const { values, vectors } = symmetricEigen(a, size);
    expect([...values]).toEqual([...values].sort((x, y) => y - x));
    expect(largestDifference(gram(vectors, size, size), identity(size))).toBeLessThan(1e-13);
    const scaled = vectors.map((value, i) => value * values[Math.floor(i / size)]!);
    const left = transpose(vectors, size, size);
    const back = multiply({ left, right: scaled, rows: size, inner: size, columns: size });
    expect(largestDifference(back, a)).toBeLessThan(1e-13 * norm(a));
  });

  it('matches the closed form of the second difference matrix', () => {
    const size = 20;
    const a = Float64Array.from({ length: size * size }, (_, i) => {
      const distance = Math.abs(Math.floor(i / size) - (i % size));
      return distance === 0 ? 2 : distance === 1 ? -1 : 0;
    });
    const expected = Float64Array.from(
      { length: size },
      (_, i) => 2 - 2 * Math.cos((Math.PI * (size - i)) / (size + 1)),
    );
    expect(largestDifference(symmetricEigen(a, size).values, expected)).toBeLessThan(1e-14);
  });

  it('handles diagonal, repeated and single values', () => {
    expect([...symmetricEigen(Float64Array.of(1, 0, 0, 0, 3, 0, 0, 0, 3), 3).values]).toEqual([3, 3, 1]);
    expect([...symmetricEigen(Float64Array.of(-2), 1).values]).toEqual([-2]);
  });
});

describe('thinSvd', () => {
  const cases: readonly {
    name: string;
    rows: number;
    columns: number;
    make: (rows: number, columns: number) => Float64Array;
  }[] = [
    { name: 'wide', rows: 64, columns: 172, make: normal },
    { name: 'tall', rows: 172, columns: 64, make: normal },
    { name: 'square', rows: 40, columns: 40, make: normal },
    {
      name: 'columns graded over twelve decades',
      rows: 60,
      columns: 40,
      make: (m, n) => normal(m, n).map((x, i) => x * 10 ** ((-12 * (i % n)) / n)),
    },
    {
      name: 'rank 5 of 20',
      rows: 20,
      columns: 30,
      make: (m, n) => multiply({ left: normal(m, 5), right: normal(5, n), rows: m, inner: 5, columns: n }),
    },
    { name: 'zero', rows: 4, columns: 3, make: (m, n) => new Float64Array(m * n) },
    { name: 'one column', rows: 9, columns: 1, make: normal },
    { name: 'tiny values', rows: 6, columns: 5, make: (m, n) => normal(m, n).map((x) => x * 1e-200) },
  ];
  it.each(cases)('reconstructs a matrix from orthonormal factors: $name', ({ rows, columns, make }) => {
    const a = make(rows, columns);
    const { u, s, vt } = thinSvd(a, rows, columns);
    const rank = Math.min(rows, columns);
    expect(s).toHaveLength(rank);
    expect([...s]).toEqual([...s].sort((x, y) => y - x));
    expect(s[rank - 1]).toBeGreaterThanOrEqual(0);
    expect(largestDifference(gram(transpose(u, rows, rank), rank, rows), identity(rank))).toBeLessThan(1e-12);
    expect(largestDifference(gram(vt, rank, columns), identity(rank))).toBeLessThan(1e-12);
    const left = u.map((value, i) => value * s[i % rank]!);
    const back = multiply({ left, right: vt, rows, inner: rank, columns });
    expect(largestDifference(back, a)).toBeLessThanOrEqual(1e-13 * s[0]!);
  });

  it('keeps singular values far below the square root of the precision', () => {
    const size = 12;
    const { vectors: p } = symmetricEigen(gram(normal(size, 20), size, 20), size);
    const values = Float64Array.from({ length: size }, (_, i) => 10 ** -i);
    const a = p.map((value, i) => value * values[Math.floor(i / size)]!);
    const { s } = thinSvd(a, size, size);
    s.forEach((value, i) => expect(Math.abs(value / values[i]! - 1)).toBeLessThan(1e-13));
  });

  it('refuses values that are not finite', () => {
    expect(() => thinSvd(Float64Array.of(1, NaN), 1, 2)).toThrow('not finite');
  });
});
