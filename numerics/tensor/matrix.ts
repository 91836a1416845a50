/** Products and transposes of dense row-major matrices in float64. */
import { InputError } from '../../contracts/errors.ts';

/** left [rows, inner] times right [inner, columns]. */
export function multiply(product: {
  readonly left: Float64Array;
  readonly right: Float64Array;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}): Float64Array {
  const { left, right, rows, inner, columns } = product;
  if (left.length !== rows * inner || right.length !== inner * columns) {
    throw new InputError(
      `multiply: expected [${rows}, ${inner}] times [${inner}, ${columns}], got ${left.length} and ${right.length} elements`,
    );
  }
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inner; k++) {
      const factor = left[i * inner + k]!;
      if (factor === 0) continue;
      for (let j = 0; j < columns; j++) out[i * columns + j]! += factor * right[k * columns + j]!;
    }
  }
  return out;
}

/** The transpose [columns, rows] of a matrix [rows, columns]. */
export function transpose<T extends Float32Array | Float64Array>(matrix: T, rows: number, columns: number): T {
  const out = new (matrix.constructor as new (length: number) => T)(matrix.length);
  // Tiles keep both arrays in the cache.
  for (let i0 = 0; i0 < rows; i0 += 32) {
    for (let j0 = 0; j0 < columns; j0 += 32) {
      for (let i = i0; i < Math.min(i0 + 32, rows); i++) {
        for (let j = j0; j < Math.min(j0 + 32, columns); j++) out[j * rows + i] = matrix[i * columns + j]!;
      }
    }
  }
  return out;
}

/** Inner product of `length` elements of a from aStart and of b from bStart. */
export function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, length: number): number {
  // Four independent sums run in parallel in the processor; a single one would wait for each addition.
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  let i = 0;
  for (; i + 3 < length; i += 4) {
    s0 += a[aStart + i]! * b[bStart + i]!;
    s1 += a[aStart + i + 1]! * b[bStart + i + 1]!;
    s2 += a[aStart + i + 2]! * b[bStart + i + 2]!;
    s3 += a[aStart + i + 3]! * b[bStart + i + 3]!;
  }
  for (; i < length; i++) s0 += a[aStart + i]! * b[bStart + i]!;
  return s0 + s1 + (s2 + s3);
}
