/**
 * Dense linear algebra in float64, row-major, for matrices of up to a few hundred rows;
 * engine/runtime/linear-algebra.ts does the same for larger ones. Inner loops run along rows. Golub & Van Loan, Matrix
 * Computations, 4th ed., chapters 3 and 4.
 */
import { InputError, NumericalError } from '../../contracts/errors.ts';
import { dot } from './matrix.ts';

export { dot, multiply, transpose } from './matrix.ts';
export { symmetricEigen, type SymmetricEigen } from './symmetric-eigen.ts';
export { thinSvd, type ThinSvd } from './thin-svd.ts';

/** Lower factor L of a = L Lᵀ, a and L: [size, size]; only a's lower triangle is read. Throws NumericalError when a is not positive definite. */
export function cholesky(a: Float64Array, size: number): Float64Array {
  requireShape('cholesky', a, size, size);
  const l = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = a[i * size + j]! - dot(l, i * size, l, j * size, j);
      if (j < i) l[i * size + j] = rest / l[j * size + j]!;
      else if (rest > 0 && Number.isFinite(rest)) l[i * size + i] = Math.sqrt(rest);
      else {
        throw new NumericalError(
          `cholesky: pivot ${i} of ${size} is ${rest}, expected a positive number: the matrix is not positive definite; damp its diagonal`,
        );
      }
    }
  }
  return l;
}

/** Inverse of a lower triangular matrix, [size, size]. Throws NumericalError when a diagonal element is zero. */
export function invertLower(l: Float64Array, size: number): Float64Array {
  requireShape('invertLower', l, size, size);
  const inverse = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    inverse[i * size + i] = 1;
    for (let j = 0; j < i; j++) addScaledRow(inverse, i * size, j * size, -l[i * size + j]!, j + 1);
    divideRow(inverse, i, size, l[i * size + i]!);
  }
  return inverse;
}

export interface TriangularSystem {
  /** [size, size], lower triangular */
  readonly l: Float64Array;
  readonly size: number;
  /** [size, columns] */
  readonly right: Float64Array;
  readonly columns: number;
}

/** Solves l x = right for x, [size, columns]. */
export function solveLower({ l, size, right, columns }: TriangularSystem): Float64Array {
  requireShape('solveLower', l, size, size);
  requireShape('solveLower', right, size, columns);
  const x = right.slice();
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < i; j++) addScaledRow(x, i * columns, j * columns, -l[i * size + j]!, columns);
    divideRow(x, i, columns, l[i * size + i]!);
  }
  return x;
}

/** Solves lᵀ x = right for x, [size, columns]. */
export function solveLowerTransposed({ l, size, right, columns }: TriangularSystem): Float64Array {
  requireShape('solveLowerTransposed', l, size, size);
  requireShape('solveLowerTransposed', right, size, columns);
  const x = right.slice();
  for (let i = size - 1; i >= 0; i--) {
    divideRow(x, i, columns, l[i * size + i]!);
    for (let j = 0; j < i; j++) addScaledRow(x, j * columns, i * columns, -l[i * size + j]!, columns);
  }
  return x;
}

/**
 * Solves a x = right for a symmetric positive definite a [size, size]; right and x: [size, columns]. Throws
 * NumericalError otherwise.
 */
export function solvePositiveDefinite(system: {
  readonly a: Float64Array;
  readonly size: number;
  readonly right: Float64Array;
  readonly columns: number;
}): Float64Array {
  const l = cholesky(system.a, system.size);
  return solveLowerTransposed({ ...system, l, right: solveLower({ ...system, l }) });
}

function addScaledRow(x: Float64Array, target: number, source: number, factor: number, length: number): void {
  if (factor === 0) return;
  for (let k = 0; k < length; k++) x[target + k]! += factor * x[source + k]!;
}

function divideRow(x: Float64Array, row: number, length: number, divisor: number): void {
  if (divisor === 0)
    throw new NumericalError(`triangular solve: diagonal element ${row} is zero, the matrix is singular`);
  for (let k = row * length; k < (row + 1) * length; k++) x[k]! /= divisor;
}

function requireShape(who: string, matrix: Float64Array, rows: number, columns: number): void {
  if (matrix.length !== rows * columns) {
    throw new InputError(`${who}: expected [${rows}, ${columns}] = ${rows * columns} elements, got ${matrix.length}`);
  }
}
