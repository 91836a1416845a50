/** The elements of a small tensor as numbers, for folding. */
import { elementCount, type Tensor } from '../../tensor/tensor.ts';
import { MAX_FOLDED_ELEMENTS } from './rule.ts';

/** Undefined for many elements, or for types from which no shape is computed. 64-bit integers are clamped to ±2^53. */
export function smallValues(tensor: Tensor): readonly number[] | undefined {
  const count = elementCount(tensor.dims);
  if (tensor.dtype === 'string' || count > MAX_FOLDED_ELEMENTS) return undefined;
  const view = new DataView(tensor.bytes.buffer, tensor.bytes.byteOffset, tensor.bytes.byteLength);
  const read = readers[tensor.dtype as keyof typeof readers];
  return read && Array.from({ length: count }, (_, index) => read(view, index));
}

/** Exporters write INT64_MAX for "to the end": clamping keeps that meaning and is exact. */
function clampSafe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}

const readers = {
  bool: (view: DataView, index: number) => view.getUint8(index),
  uint8: (view: DataView, index: number) => view.getUint8(index),
  int8: (view: DataView, index: number) => view.getInt8(index),
  int32: (view: DataView, index: number) => view.getInt32(index * 4, true),
  int64: (view: DataView, index: number) => clampSafe(view.getBigInt64(index * 8, true)),
  float32: (view: DataView, index: number) => view.getFloat32(index * 4, true),
  float64: (view: DataView, index: number) => view.getFloat64(index * 8, true),
};
