/**
 * Immutable n-dimensional arrays. Numeric data is stored as in ONNX's raw_data: little-endian, row-major, packed below
 * 8 bits.
 */
import { InputError } from '../../contracts/errors.ts';
import { type DType, type NumericDType, packedBytes } from './dtype.ts';

export interface NumericTensor {
  readonly dtype: NumericDType;
  readonly dims: readonly number[];
  readonly bytes: Uint8Array;
}

export interface StringTensor {
  readonly dtype: 'string';
  readonly dims: readonly number[];
  /** Usually UTF-8; kept as bytes because the specification does not guarantee it. */
  readonly strings: readonly Uint8Array[];
}

export type Tensor = NumericTensor | StringTensor;

type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array | BigInt64Array;
type TypedArrayConstructor<T extends TypedArray> = {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
};

/** Number of elements of a shape; 1 for a scalar (`[]`). */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/** A tensor over raw bytes. Throws InputError when the byte count does not match the shape. */
export function rawTensor(dtype: NumericDType, dims: readonly number[], bytes: Uint8Array): NumericTensor {
  const expected = packedBytes(dtype, elementCount(dims));
  if (bytes.byteLength !== expected) {
    throw new InputError(
      `tensor ${dtype}[${dims.join(', ')}]: expected ${expected} bytes, got ${bytes.byteLength}; check shape and element type`,
    );
  }
  return { dtype, dims, bytes };
}

const constructors = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  int8: Int8Array,
} as const;

type ViewDType = keyof typeof constructors;
type ViewOf<D extends ViewDType> = InstanceType<(typeof constructors)[D]>;
interface ValuesOf {
  readonly float32: Float32Array;
  readonly float64: Float64Array;
  readonly int32: Int32Array;
  readonly int64: BigInt64Array;
  readonly uint8: Uint8Array;
  readonly int8: Int8Array;
}

/** A tensor over the memory of a typed array; nothing is copied, so the array must not be modified afterwards. */
export function tensorOf<D extends ViewDType>(dtype: D, dims: readonly number[], values: ValuesOf[D]): NumericTensor {
  return rawTensor(dtype, dims, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/**
 * The elements of a tensor as the matching typed array. Shares the tensor's memory when it is aligned, else a copy;
 * treat it as read-only either way. Throws InputError when the tensor has another element type.
 */
export function elements<D extends ViewDType>(tensor: Tensor, dtype: D): ViewOf<D> {
  if (tensor.dtype !== dtype) {
    throw new InputError(`expected a ${dtype} tensor, got ${tensor.dtype}[${tensor.dims.join(', ')}]`);
  }
  const View = constructors[dtype] as unknown as TypedArrayConstructor<TypedArray>;
  const { bytes } = tensor as NumericTensor;
  const aligned = bytes.byteOffset % View.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  return new View(aligned.buffer, aligned.byteOffset, elementCount(tensor.dims)) as ViewOf<D>;
}

/** `float32[2, 3]`, for messages. */
export function describeTensor(tensor: { readonly dtype: DType; readonly dims: readonly number[] }): string {
  return `${tensor.dtype}[${tensor.dims.join(', ')}]`;
}
