/** Converts tensors to and from onnxruntime-node's without copying their data. */
import * as ort from 'onnxruntime-node';
import { UnsupportedError } from '../../contracts/errors.ts';
import type { NumericDType } from '../../numerics/tensor/dtype.ts';
import { describeTensor, type NumericTensor, type Tensor } from '../../numerics/tensor/tensor.ts';

type View = Uint8Array | Float32Array | Float64Array | Uint16Array | BigInt64Array;
interface ViewConstructor {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): View;
}

const views = {
  float32: Float32Array,
  float64: Float64Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  bool: Uint8Array,
  int4: Uint8Array,
  uint4: Uint8Array,
} as unknown as Readonly<Record<string, ViewConstructor | undefined>>;

/** Copies only when the bytes are not aligned to their element type. Throws UnsupportedError for types the binding lacks. */
export function toOrtTensor(name: string, tensor: Tensor): ort.Tensor {
  const Constructor = views[tensor.dtype];
  if (Constructor === undefined || tensor.dtype === 'string') {
    throw new UnsupportedError(
      `onnxruntime-node takes no ${describeTensor(tensor)} for "${name}"; known: ${Object.keys(views).join(', ')}; cast inside the graph`,
    );
  }
  const { bytes } = tensor;
  const size = Constructor.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
  const view = new Constructor(aligned.buffer, aligned.byteOffset, aligned.byteLength / size);
  const ortTensor = new ort.Tensor(tensor.dtype as 'float32', view as Float32Array, tensor.dims);
  // Where Float16Array exists, onnxruntime-common converts the bits to one, which the binding treats as empty.
  if (tensor.dtype === 'float16') Object.assign(ortTensor, { cpuData: view });
  return ortTensor;
}

/** Shares the memory of `value`. */
export function fromOrtTensor(name: string, value: ort.OnnxValue): NumericTensor {
  if (views[value.type] === undefined) {
    throw new UnsupportedError(
      `output "${name}" of type ${value.type} cannot leave onnxruntime; cast it inside the graph`,
    );
  }
  const data = value.data as View;
  return {
    dtype: value.type as NumericDType,
    dims: value.dims,
    bytes: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}
