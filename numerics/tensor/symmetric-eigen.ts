/**
 * Eigenvalues and eigenvectors of a symmetric matrix: Householder tridiagonalisation, then implicit QL with Wilkinson's
 * shift. Golub & Van Loan, 4th ed., algorithms 8.3.1 and 8.3.3; the QL step as in EISPACK's imtql2. Backward stable:
 * errors are about 1e-15 of the largest eigenvalue. Eigenvectors are stored as rows so that each rotation works on two
 * rows.
 */
import { InputError, NumericalError } from '../../contracts/errors.ts';

export interface SymmetricEigen {
  /** [size], descending */
  readonly values: Float64Array;
  /** [size, size]; row i is the unit eigenvector of values[i] */
  readonly vectors: Float64Array;
}

/** matrix: [size, size], symmetric. Throws NumericalError when it contains non-finite values. */
export function symmetricEigen(matrix: Float64Array, size: number): SymmetricEigen {
  if (matrix.length !== size * size) {
    throw new InputError(`symmetricEigen: expected [${size}, ${size}], got ${matrix.length} elements`);
  }
  if (!matrix.every(Number.isFinite))
    throw new NumericalError('symmetricEigen: the matrix holds a value that is not finite');
  const { diagonal, offDiagonal, rows } = tridiagonalize(matrix, size);
  implicitQl(diagonal, offDiagonal, rows, size);
  const order = Array.from(diagonal.keys()).sort((a, b) => diagonal[b]! - diagonal[a]!);
  const vectors = new Float64Array(size * size);
  order.forEach((from, to) => vectors.set(rows.subarray(from * size, (from + 1) * size), to * size));
  return { values: Float64Array.from(order, (i) => diagonal[i]!), vectors };
}

interface Tridiagonal {
  /** [size] */
  readonly diagonal: Float64Array;
  /** [size]; element i couples i and i + 1, the last is zero */
  readonly offDiagonal: Float64Array;
  /** Qᵀ of matrix = Q T Qᵀ, [size, size] */
  readonly rows: Float64Array;
}

/** Applies reflections H = I - scale v vᵀ from both sides, one column at a time. */
export function tridiagonalize(matrix: Float64Array, size: number): Tridiagonal {
  const n = size;
  const a = matrix.slice();
  const reflectors = new Float64Array(n * n);
  const scales = new Float64Array(n);
  const offDiagonal = new Float64Array(n);
  const p = new Float64Array(n);
  for (let k = 0; k < n - 1; k++) {
    const v = reflectors.subarray(k * n, (k + 1) * n);
    for (let i = k + 1; i < n; i++) v[i] = a[k * n + i]!;
    const { scale, beta } = reflect(v, k + 1, n);
    offDiagonal[k] = beta;
    scales[k] = scale;
    if (scale === 0) continue;
    let overlap = 0;
    for (let i = k + 1; i < n; i++) {
      let sum0 = 0;
      let sum1 = 0;
      let j = k + 1;
      for (; j + 1 < n; j += 2) {
        sum0 += a[i * n + j]! * v[j]!;
        sum1 += a[i * n + j + 1]! * v[j + 1]!;
      }
      if (j < n) sum0 += a[i * n + j]! * v[j]!;
      p[i] = scale * (sum0 + sum1);
      overlap += p[i]! * v[i]!;
    }
    for (let i = k + 1; i < n; i++) p[i]! -= 0.5 * scale * overlap * v[i]!;
    for (let i = k + 1; i < n; i++) {
      const vi = v[i]!;
      const pi = p[i]!;
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= vi * p[j]! + pi * v[j]!;
    }
  }
  return {
    diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!),
    offDiagonal,
    rows: transposedProduct(reflectors, scales, n),
  };
}

/** Turns v[start..] into the Householder vector that maps it to beta e_start; scale 0 where there is nothing to do. */
function reflect(v: Float64Array, start: number, end: number): { scale: number; beta: number } {
  let largest = 0;
  for (let i = start + 1; i < end; i++) largest = Math.max(largest, Math.abs(v[i]!));
  if (largest === 0) return { scale: 0, beta: v[start]! };
  largest = Math.max(largest, Math.abs(v[start]!));
  let squares = 0;
  for (let i = start; i < end; i++) {
    v[i]! /= largest;
    squares += v[i]! * v[i]!;
  }
  const norm = v[start]! > 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
  // |v|² after v[start] -= norm is 2 norm (norm - v[start]).
  const scale = 1 / (norm * (norm - v[start]!));
  v[start]! -= norm;
  return { scale, beta: norm * largest };
}

/** (H_0 H_1 … )ᵀ, from the last reflection backwards so that only the lower right corner changes. */
function transposedProduct(reflectors: Float64Array, scales: Float64Array, n: number): Float64Array {
  const q = new Float64Array(n * n);
  for (let i = 0; i < n; i++) q[i * n + i] = 1;
  const sums = new Float64Array(n);
  for (let k = n - 2; k >= 0; k--) {
    if (scales[k] === 0) continue;
    sums.fill(0, k + 1);
    for (let i = k + 1; i < n; i++) {
      const vi = reflectors[k * n + i]!;
      for (let j = k + 1; j < n; j++) sums[j]! += vi * q[i * n + j]!;
    }
    for (let i = k + 1; i < n; i++) {
      const factor = scales[k]! * reflectors[k * n + i]!;
      for (let j = k + 1; j < n; j++) q[i * n + j]! -= factor * sums[j]!;
    }
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const swapped = q[i * n + j]!;
      q[i * n + j] = q[j * n + i]!;
      q[j * n + i] = swapped;
    }
  }
  return q;
}

const MAX_STEPS_PER_VALUE = 60;

/** Diagonalises T in place: d becomes the eigenvalues, rows (Qᵀ on entry) the eigenvectors. */
export function implicitQl(d: Float64Array, e: Float64Array, rows: Float64Array, n: number): void {
  for (let low = 0; low < n; low++) {
    for (let step = 0; ; step++) {
      let m = low;
      while (m < n - 1 && Math.abs(e[m]!) > Number.EPSILON * 0.5 * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))) m++;
      if (m === low) break;
      if (step === MAX_STEPS_PER_VALUE) {
        throw new NumericalError(`symmetricEigen: eigenvalue ${low} of ${n} did not converge in ${step} QL steps`);
      }
      const half = (d[low + 1]! - d[low]!) / (2 * e[low]!);
      const root = Math.hypot(half, 1);
      let g = d[m]! - d[low]! + e[low]! / (half + (half >= 0 ? root : -root));
      let s = 1;
      let c = 1;
      let p = 0;
      let i = m - 1;
      for (; i >= low; i--) {
        const f = s * e[i]!;
        const b = c * e[i]!;
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1]! -= p;
          e[m] = 0;
          break;
        }
        s = f / r;
        c = g / r;
        g = d[i + 1]! - p;
        const t = (d[i]! - g) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = g + p;
        g = c * t - b;
        rotateRows(rows, i * n, (i + 1) * n, n, c, s);
      }
      if (i >= low) continue;
      d[low]! -= p;
      e[low] = g;
      e[m] = 0;
    }
  }
}

function rotateRows(rows: Float64Array, upper: number, lower: number, length: number, c: number, s: number): void {
  for (let k = 0; k < length; k++) {
    const x = rows[upper + k]!;
    const y = rows[lower + k]!;
    rows[lower + k] = s * x + c * y;
    rows[upper + k] = c * x - s * y;
  }
}
