/**
 * Thin singular value decomposition by one-sided Jacobi rotations, started from the eigenvectors of the Gram matrix.
 * The Gram matrix alone loses singular values below 1e-8 of the largest; the rotations restore each to full relative
 * accuracy, and only few are needed. Rotation and stopping rule: Drmač & Veselić, New fast and accurate Jacobi SVD
 * algorithm I, 2008, https://doi.org/10.1137/050639193.
 */
import { InputError, NumericalError } from '../../contracts/errors.ts';
import { dot, multiply, transpose } from './matrix.ts';
import { symmetricEigen } from './symmetric-eigen.ts';

export interface ThinSvd {
  /** [rows, rank], orthonormal columns; rank = min(rows, columns) */
  readonly u: Float64Array;
  /** [rank], descending, not negative */
  readonly s: Float64Array;
  /** [rank, columns], orthonormal rows */
  readonly vt: Float64Array;
}

/** matrix [rows, columns] = u diag(s) vt. Throws NumericalError when it contains non-finite values. */
export function thinSvd(matrix: Float64Array, rows: number, columns: number): ThinSvd {
  const prepared = prepareSvd(matrix, rows, columns);
  const { x, count, length } = prepared;
  const gram = (a: Float64Array) =>
    multiply({ left: a, right: transpose(a, count, length), rows: count, inner: length, columns: count });
  const { vectors } = symmetricEigen(gram(x), count);
  const b = multiply({ left: vectors, right: x, rows: count, inner: count, columns: length });
  const v = vectors.slice();
  for (let sweep = 0; orthogonalizeRows({ b, v, gram: gram(b), count, length }) > 0; sweep++) requireProgress(sweep);
  return finishSvd(prepared, b, v);
}

export interface PreparedSvd {
  /** The shorter side's vectors as rows, scaled to a largest element of 1, [count, length] */
  readonly x: Float64Array;
  readonly count: number;
  readonly length: number;
  readonly scale: number;
  /** Whether x is the matrix itself rather than its transpose. */
  readonly wide: boolean;
}

export function prepareSvd(matrix: Float64Array, rows: number, columns: number): PreparedSvd {
  if (matrix.length !== rows * columns) {
    throw new InputError(`thinSvd: expected [${rows}, ${columns}] = ${rows * columns} elements, got ${matrix.length}`);
  }
  let largest = 0;
  for (const value of matrix) {
    if (!Number.isFinite(value)) throw new NumericalError('thinSvd: the matrix holds a value that is not finite');
    largest = Math.max(largest, Math.abs(value));
  }
  const wide = rows <= columns;
  const scale = largest === 0 ? 1 : largest;
  const x = (wide ? matrix : transpose(matrix, rows, columns)).map((value) => value / scale);
  return { x, count: Math.min(rows, columns), length: Math.max(rows, columns), scale, wide };
}

/**
 * One sweep over the pairs of rows of b [count, length] that are not orthogonal according to `gram` = b bᵀ [count,
 * count].
 * v [count, count] undergoes the same rotations. Returns the number of rotated pairs.
 */
export function orthogonalizeRows(work: {
  readonly b: Float64Array;
  readonly v: Float64Array;
  readonly gram: Float64Array;
  readonly count: number;
  readonly length: number;
}): number {
  const { b, v, gram, count, length } = work;
  const tolerance = Math.sqrt(length) * Number.EPSILON;
  let rotations = 0;
  for (let p = 0; p < count - 1; p++) {
    for (let q = p + 1; q < count; q++) {
      if (!exceeds(gram[p * count + q]!, gram[p * count + p]!, gram[q * count + q]!, tolerance)) continue;
      const alpha = dot(b, p * length, b, p * length, length);
      const beta = dot(b, q * length, b, q * length, length);
      const gamma = dot(b, p * length, b, q * length, length);
      if (!exceeds(gamma, alpha, beta, tolerance)) continue;
      const zeta = (beta - alpha) / (2 * gamma);
      const t = (zeta >= 0 ? 1 : -1) / (Math.abs(zeta) + Math.hypot(1, zeta));
      const c = 1 / Math.hypot(1, t);
      rotate(b, p * length, q * length, length, c, c * t);
      rotate(v, p * count, q * count, count, c, c * t);
      rotations++;
    }
  }
  return rotations;
}

function exceeds(gamma: number, alpha: number, beta: number, tolerance: number): boolean {
  return alpha > 0 && beta > 0 && Math.abs(gamma) > tolerance * Math.sqrt(alpha) * Math.sqrt(beta);
}

function rotate(rows: Float64Array, p: number, q: number, length: number, c: number, s: number): void {
  for (let k = 0; k < length; k++) {
    const x = rows[p + k]!;
    const y = rows[q + k]!;
    rows[p + k] = c * x - s * y;
    rows[q + k] = s * x + c * y;
  }
}

const MAX_SWEEPS = 40;

export function requireProgress(sweep: number): void {
  if (sweep === MAX_SWEEPS) throw new NumericalError(`thinSvd: rows are not orthogonal after ${MAX_SWEEPS} sweeps`);
}

/**
 * Splits b = v x with orthogonal rows: their lengths are the singular values, their directions one side, v the other.
 */
export function finishSvd(prepared: PreparedSvd, b: Float64Array, v: Float64Array): ThinSvd {
  const { count, length, scale, wide } = prepared;
  const norms = Float64Array.from({ length: count }, (_, i) => Math.sqrt(dot(b, i * length, b, i * length, length)));
  const order = Array.from(norms.keys()).sort((i, j) => norms[j]! - norms[i]!);
  const long = new Float64Array(count * length);
  const short = new Float64Array(count * count);
  order.forEach((from, to) => {
    short.set(v.subarray(from * count, (from + 1) * count), to * count);
    if (norms[from] === 0) return fillOrthogonalRow(long, to, length);
    for (let k = 0; k < length; k++) long[to * length + k] = b[from * length + k]! / norms[from]!;
  });
  const s = Float64Array.from(order, (i) => norms[i]! * scale);
  return wide
    ? { u: transpose(short, count, count), s, vt: long }
    : { u: transpose(long, count, length), s, vt: short };
}

/** Makes row `row` a unit vector orthogonal to all rows before it: the axis farthest from them, projected twice. */
function fillOrthogonalRow(rows: Float64Array, row: number, length: number): void {
  const covered = new Float64Array(length);
  for (let i = 0; i < row; i++) for (let k = 0; k < length; k++) covered[k]! += rows[i * length + k]! ** 2;
  const axis = covered.indexOf(Math.min(...covered));
  const target = row * length;
  rows[target + axis] = 1;
  for (let pass = 0; pass < 2; pass++) {
    for (let i = 0; i < row; i++) {
      const overlap = dot(rows, target, rows, i * length, length);
      for (let k = 0; k < length; k++) rows[target + k]! -= overlap * rows[i * length + k]!;
    }
  }
  const norm = Math.sqrt(dot(rows, target, rows, target, length));
  for (let k = 0; k < length; k++) rows[target + k]! /= norm;
}
