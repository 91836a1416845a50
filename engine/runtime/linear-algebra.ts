/**
 * Dense linear algebra on large matrices, expressed as matrix products, which onnxruntime runs in float32 or float64.
 * Row-major throughout. For up to a few hundred rows numerics/tensor/linear-algebra.ts does the same without
 * onnxruntime.
 */
import { present } from '../../contracts/present.ts';
import { InputError } from '../../contracts/errors.ts';
import type { OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { float, int } from '../../numerics/onnx/attributes.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { cholesky as smallCholesky, invertLower, symmetricEigen } from '../../numerics/tensor/linear-algebra.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import {
  finishSvd,
  orthogonalizeRows,
  prepareSvd,
  requireProgress,
  type ThinSvd,
} from '../../numerics/tensor/thin-svd.ts';
import { createSession, type Session } from './session.ts';

type Floats = Float32Array | Float64Array;

export interface Product<T extends Floats> {
  /** [rows, inner], or [inner, rows] when transposeLeft */
  readonly left: T;
  /** [inner, columns], or [columns, inner] when transposeRight */
  readonly right: T;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
  /** [rows, columns]; the product is added to it or, with `subtract`, subtracted from it. */
  readonly base?: T;
  readonly subtract?: boolean;
  /** Memory for the result, [rows, columns]; may be `base` itself. */
  readonly into?: T;
}

/** base ± left · right, [rows, columns]. */
export async function matmul<T extends Floats>(product: Product<T>): Promise<T> {
  const { left, right, rows, inner, columns, transposeLeft = false, transposeRight = false, base, subtract } = product;
  if (left.length !== rows * inner || right.length !== inner * columns || (base && base.length !== rows * columns)) {
    throw new InputError(
      `matmul: expected [${rows}, ${inner}] times [${inner}, ${columns}], got ${left.length} and ${right.length} elements` +
        (base ? `, base ${base.length}` : ''),
    );
  }
  const dtype = left instanceof Float32Array ? 'float32' : 'float64';
  const { into } = product;
  const tensor = (dims: readonly number[], values: T) => tensorOf(dtype, dims, values as never);
  const session = await productSession({
    dtype,
    transposeLeft,
    transposeRight,
    based: base !== undefined,
    subtract: subtract === true,
  });
  const feeds = {
    left: tensor(transposeLeft ? [inner, rows] : [rows, inner], left),
    right: tensor(transposeRight ? [columns, inner] : [inner, columns], right),
    ...(base && { base: tensor([rows, columns], base) }),
  };
  const { product: result } = await session.run(feeds, into && { into: { product: tensor([rows, columns], into) } });
  return into ?? (elements(present(result, 'product'), dtype) as T);
}

/** xᵀ x, [columns, columns], of x [rows, columns]; added to `base` where given. */
export function gram<T extends Floats>(x: T, rows: number, columns: number, base?: T): Promise<T> {
  const shape = { rows: columns, inner: rows, columns, transposeLeft: true };
  return matmul({ left: x, right: x, ...shape, ...(base && { base }) });
}

export interface CholeskyPair {
  /** Lower factor L of a = L Lᵀ, [size, size] */
  readonly factor: Float64Array;
  /** L⁻¹, [size, size] */
  readonly inverse: Float64Array;
}

/** Below this size a plain loop is faster than recursion by halves. */
const CHOLESKY_LEAF = 96;

/**
 * Lower Cholesky factor and its inverse together, recursively by halves:
 *   L₂₁ = A₂₁ L₁₁⁻ᵀ,   L₂₂ L₂₂ᵀ = A₂₂ - L₂₁ L₂₁ᵀ,   (L⁻¹)₂₁ = -L₂₂⁻¹ L₂₁ L₁₁⁻¹
 * a: [size, size], symmetric. Throws NumericalError when it is not positive definite.
 */
export async function choleskyPair(a: Float64Array, size: number): Promise<CholeskyPair> {
  const { factor, inverse } = await byHalves(a, size, true);
  return { factor: factor as Float64Array, inverse };
}

/** L⁻¹ alone, of a = L Lᵀ, [size, size]; otherwise as choleskyPair. */
export async function inverseCholesky(a: Float64Array, size: number): Promise<Float64Array> {
  return (await byHalves(a, size, false)).inverse;
}

async function byHalves(
  a: Float64Array,
  size: number,
  withFactor: boolean,
): Promise<{ readonly factor?: Float64Array; readonly inverse: Float64Array }> {
  if (size <= CHOLESKY_LEAF) {
    const factor = smallCholesky(a, size);
    const inverse = invertLower(factor, size);
    return withFactor ? { factor, inverse } : { inverse };
  }
  const n1 = Math.ceil(size / 2);
  const n2 = size - n1;
  const block = (row: number, column: number, rows: number, columns: number) =>
    readBlock(a, size, { row, column, rows, columns });
  const first = await byHalves(block(0, 0, n1, n1), n1, withFactor);
  const l21 = await matmul({
    left: block(n1, 0, n2, n1),
    right: first.inverse,
    rows: n2,
    inner: n1,
    columns: n1,
    transposeRight: true,
  });
  const a22 = block(n1, n1, n2, n2);
  const shape22 = { rows: n2, inner: n1, columns: n2, transposeRight: true };
  await matmul({ left: l21, right: l21, ...shape22, base: a22, subtract: true, into: a22 });
  const second = await byHalves(a22, n2, withFactor);
  const product = await matmul({ left: l21, right: first.inverse, rows: n2, inner: n1, columns: n1 });
  const i21 = await matmul({ left: second.inverse, right: product, rows: n2, inner: n2, columns: n1, subtract: true });
  const inverse = joinLower(first.inverse, i21, second.inverse, n1, n2);
  return first.factor && second.factor
    ? { factor: joinLower(first.factor, l21, second.factor, n1, n2), inverse }
    : { inverse };
}

/** x of a x = right, [size, columns], for a symmetric positive definite a [size, size]. Throws NumericalError otherwise. */
export async function solvePositiveDefinite(system: {
  readonly a: Float64Array;
  readonly size: number;
  readonly right: Float64Array;
  readonly columns: number;
}): Promise<Float64Array> {
  const { size, columns } = system;
  const inverse = await inverseCholesky(system.a, size);
  const shape = { rows: size, inner: size, columns };
  const half = await matmul({ left: inverse, right: system.right, ...shape });
  return matmul({ left: inverse, right: half, ...shape, transposeLeft: true });
}

/** matrix [rows, columns] = u diag(s) vt, like numerics/tensor/thin-svd.ts but for large matrices. */
export async function thinSvd(matrix: Float64Array, rows: number, columns: number): Promise<ThinSvd> {
  const prepared = prepareSvd(matrix, rows, columns);
  const { x, count, length } = prepared;
  const shape = { rows: count, inner: length, columns: count, transposeRight: true };
  const rowGram = (a: Float64Array) => matmul({ left: a, right: a, ...shape });
  const { vectors: v } = symmetricEigen(await rowGram(x), count);
  const b = await matmul({ left: v, right: x, rows: count, inner: count, columns: length });
  let sweep = 0;
  while (orthogonalizeRows({ b, v, gram: await rowGram(b), count, length }) > 0) requireProgress(sweep++);
  return finishSvd(prepared, b, v);
}

interface Block {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

function readBlock(a: Float64Array, stride: number, { row, column, rows, columns }: Block): Float64Array {
  const block = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    const from = (row + i) * stride + column;
    block.set(a.subarray(from, from + columns), i * columns);
  }
  return block;
}

/** [[upperLeft, 0], [lowerLeft, lowerRight]] */
function joinLower(upperLeft: Float64Array, lowerLeft: Float64Array, lowerRight: Float64Array, n1: number, n2: number) {
  const size = n1 + n2;
  const joined = new Float64Array(size * size);
  for (let i = 0; i < n1; i++) joined.set(upperLeft.subarray(i * n1, (i + 1) * n1), i * size);
  for (let i = 0; i < n2; i++) {
    joined.set(lowerLeft.subarray(i * n1, (i + 1) * n1), (n1 + i) * size);
    joined.set(lowerRight.subarray(i * n2, (i + 1) * n2), (n1 + i) * size + n1);
  }
  return joined;
}

interface ProductKind {
  readonly dtype: 'float32' | 'float64';
  readonly transposeLeft: boolean;
  readonly transposeRight: boolean;
  readonly based: boolean;
  readonly subtract: boolean;
}

/** Sessions live as long as the process: there are few kinds, and their shapes are dynamic. */
const sessions = new Map<string, Promise<Session>>();

function productSession(kind: ProductKind): Promise<Session> {
  const key = Object.values(kind).join(' ');
  let session = sessions.get(key);
  if (session === undefined) {
    session = createSession(productModel(kind));
    sessions.set(key, session);
  }
  return session;
}

function productModel({ dtype, transposeLeft, transposeRight, based, subtract }: ProductKind): OnnxModel {
  const matrix = (name: string): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype, dims: [`${name}_rows`, `${name}_columns`] },
  });
  const inputs = based ? ['left', 'right', 'base'] : ['left', 'right'];
  const gemm = createNode({
    op: 'Gemm',
    name: 'product',
    inputs,
    outputs: ['product'],
    attributes: {
      transA: int(transposeLeft ? 1 : 0),
      transB: int(transposeRight ? 1 : 0),
      alpha: float(subtract ? -1 : 1),
    },
  });
  return {
    irVersion: 10,
    opsets: new Map([['', 21]]),
    producerName: 'shrinkrank',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    graph: {
      name: 'product',
      nodes: [gemm],
      inputs: inputs.map(matrix),
      outputs: [matrix('product')],
      initializers: new Map(),
      sparseInitializers: [],
      valueInfo: [],
    },
    functions: [],
  };
}
