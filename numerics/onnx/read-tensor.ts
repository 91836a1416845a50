/**
 * Converts TensorProto to tensors: whichever field holds the numbers, they become little-endian bytes in the layout of
 * raw_data.
 * raw_data itself is not copied: the tensor shares the memory of the file.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { dtypeOfCode, type NumericDType, packedBytes } from '../tensor/dtype.ts';
import type { OnnxTensor, SparseTensor } from './graph.ts';
import { MAX_ELEMENTS, MAX_RANK } from './limits.ts';
import { type SparseTensorProto, type TensorProto, TensorProto_DataLocation } from './protobuf/onnx_pb.js';
import { annotationsOf, ifAny, readEntries, toSafeInteger, unknownOf } from './read-type.ts';

/** A tensor's data in a separate file, as stated in `external_data`. */
export interface ExternalData {
  /** Path relative to the model's directory. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
  /** SHA-1 of the whole file, if stated. */
  readonly checksum?: string;
}

export interface TensorSource {
  readonly where: string;
  /** Reads external data, exactly `length` bytes. */
  readonly external: (data: ExternalData, where: string) => Uint8Array;
}

const TYPED_FIELDS = ['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'] as const;
type TypedField = (typeof TYPED_FIELDS)[number];

type NumberArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

interface Storage {
  readonly field: TypedField;
  /** Number of entries of the field that hold `count` elements. */
  readonly entries: (count: number) => number;
  readonly pack: (values: readonly number[] | readonly bigint[], where: string) => NumberArray;
}

const oneEach = (count: number): number => count;

/** Entries of int32_data that hold one element, or one byte of packed elements. */
function small(min: number, max: number, perEntry = 1): Storage {
  return {
    field: 'int32Data',
    entries: (count) => Math.ceil(count / perEntry),
    pack(values, where) {
      const packed = max > 255 || min < -128 ? new Uint16Array(values.length) : new Uint8Array(values.length);
      for (const [index, value] of (values as readonly number[]).entries()) {
        if (value < min || value > max) throw new InputError(`${where}: ${value} does not fit [${min}, ${max}]`);
        packed[index] = value;
      }
      return packed;
    },
  };
}

/** int32_data has one 6-bit element per entry, raw_data four in three bytes, low bits first. */
function packSixBits(values: readonly number[] | readonly bigint[], where: string): Uint8Array {
  const packed = new Uint8Array(Math.ceil((values.length * 6) / 8));
  for (const [index, value] of (values as readonly number[]).entries()) {
    if (value < 0 || value > 63) throw new InputError(`${where}: ${value} does not fit 6 bits`);
    const bit = index * 6;
    const shifted = value << (bit % 8);
    packed[bit >> 3] = present(packed[bit >> 3], 'packed[bit>>3]') | (shifted & 0xff);
    if (shifted > 0xff) packed[(bit >> 3) + 1] = shifted >> 8;
  }
  return packed;
}

const floatPairs = (entries: number, field: 'floatData' | 'doubleData'): Storage => ({
  field,
  entries: (count) => count * entries,
  pack: (values) => (field === 'floatData' ? Float32Array : Float64Array).from(values as readonly number[]),
});
const byteStorage = small(-128, 255);
const sixBits: Storage = { field: 'int32Data', entries: oneEach, pack: packSixBits };

/** Which typed field holds which element type, from the comments of TensorProto in onnx.proto. */
const STORAGE: Readonly<Record<NumericDType, Storage>> = {
  float32: floatPairs(1, 'floatData'),
  complex64: floatPairs(2, 'floatData'),
  float64: floatPairs(1, 'doubleData'),
  complex128: floatPairs(2, 'doubleData'),
  int64: { field: 'int64Data', entries: oneEach, pack: (values) => BigInt64Array.from(values as readonly bigint[]) },
  uint64: { field: 'uint64Data', entries: oneEach, pack: (values) => BigUint64Array.from(values as readonly bigint[]) },
  uint32: {
    field: 'uint64Data',
    entries: oneEach,
    pack(values, where) {
      const large = (values as readonly bigint[]).find((value) => value > 0xffff_ffffn);
      if (large !== undefined) throw new InputError(`${where}: ${large} does not fit uint32`);
      return Uint32Array.from(values as readonly bigint[], Number);
    },
  },
  int32: { field: 'int32Data', entries: oneEach, pack: (values) => Int32Array.from(values as readonly number[]) },
  int16: small(-32768, 32767),
  uint16: small(0, 65535),
  float16: small(0, 65535),
  bfloat16: small(0, 65535),
  int8: small(-128, 127),
  uint8: small(0, 255),
  bool: small(0, 1),
  float8e4m3fn: byteStorage,
  float8e4m3fnuz: byteStorage,
  float8e5m2: byteStorage,
  float8e5m2fnuz: byteStorage,
  float8e8m0: byteStorage,
  uint4: small(-128, 255, 2),
  int4: small(-128, 255, 2),
  float4e2m1: small(-128, 255, 2),
  uint2: small(-128, 255, 4),
  int2: small(-128, 255, 4),
  float6e2m3: sixBits,
  float6e3m2: sixBits,
};

function readDims(
  dims: readonly bigint[],
  where: string,
): { readonly dims: readonly number[]; readonly count: number } {
  if (dims.length > MAX_RANK) throw new InputError(`${where}: ${dims.length} dimensions, expected at most ${MAX_RANK}`);
  let count = 1;
  const lengths = dims.map((dim) => {
    if (dim < 0n) throw new InputError(`${where}: dimension ${dim} is negative`);
    const length = toSafeInteger(dim, `${where}: dimension`);
    count *= length;
    return length;
  });
  // Zero times anything is zero, so each dimension is checked separately and not only the product.
  if (count > MAX_ELEMENTS || lengths.some((length) => length > MAX_ELEMENTS)) {
    throw new InputError(`${where}: shape [${dims.join(', ')}] has more than ${MAX_ELEMENTS} elements`);
  }
  return { dims: lengths, count };
}

/** `offset` and `length` are decimal integers written as text. */
function readPosition(text: string | undefined, fallback: number, where: string): number {
  if (text === undefined) return fallback;
  const number = Number(text);
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(number)) {
    throw new InputError(`${where} "${text}" is not a byte position`);
  }
  return number;
}

const EXTERNAL_FIELD = 13;

function readExternal(proto: TensorProto, expectedBytes: number, source: TensorSource): Uint8Array {
  const where = `${source.where}: external data`;
  const { map, carried } = readEntries(proto.externalData, { field: EXTERNAL_FIELD, where });
  const location = map.get('location');
  if (location === undefined || location === '') throw new InputError(`${where} states no location`);
  if (carried.length > 0) throw new InputError(`${where} "${location}" has entries of an unknown form`);
  const offset = readPosition(map.get('offset'), 0, `${where} "${location}": offset`);
  const length = readPosition(map.get('length'), expectedBytes, `${where} "${location}": length`);
  if (length !== expectedBytes) {
    throw new InputError(
      `${where} "${location}": length ${length}, but shape and element type need ${expectedBytes} bytes`,
    );
  }
  const checksum = map.get('checksum');
  const bytes = source.external({ location, offset, length, ...(checksum === undefined ? {} : { checksum }) }, where);
  if (bytes.byteLength !== length) {
    throw new InputError(`${where} "${location}": expected ${length} bytes at ${offset}, got ${bytes.byteLength}`);
  }
  // A plain view, also when the caller passes a Buffer, whose slice() would share memory.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checkSegment(proto: TensorProto, count: number, where: string): void {
  if (proto.segment === undefined) return;
  if (proto.segment.begin !== 0n || proto.segment.end !== BigInt(count)) {
    throw new InputError(
      `${where}: holds elements ${proto.segment.begin} to ${proto.segment.end} of ${count}; tensors in several segments ` +
        'are not supported (nor by onnx and onnxruntime), store it in one piece',
    );
  }
}

function readNumbers(proto: TensorProto, dtype: NumericDType, count: number, source: TensorSource): Uint8Array {
  const { where } = source;
  const expectedBytes = packedBytes(dtype, count);
  const storage = STORAGE[dtype];
  const filled = TYPED_FIELDS.filter((field) => proto[field].length > 0);
  const hasRaw = proto.rawData.byteLength > 0;
  if (proto.stringData.length > 0) throw new InputError(`${where}: element type ${dtype}, but it holds strings`);
  if (proto.dataLocation === TensorProto_DataLocation.EXTERNAL) {
    if (filled.length > 0 || hasRaw) throw new InputError(`${where}: has its data both inside and outside the file`);
    return readExternal(proto, expectedBytes, source);
  }
  const wrong = filled.find((field) => field !== storage.field || hasRaw);
  if (wrong !== undefined) {
    throw new InputError(
      `${where}: element type ${dtype} cannot have its data in ${wrong}${hasRaw ? ' beside rawData' : ''}`,
    );
  }
  if (filled.length === 0) {
    if (proto.rawData.byteLength !== expectedBytes) {
      throw new InputError(`${where}: expected ${expectedBytes} bytes of data, got ${proto.rawData.byteLength}`);
    }
    return proto.rawData;
  }
  const values = proto[storage.field];
  if (values.length !== storage.entries(count)) {
    throw new InputError(
      `${where}: expected ${storage.entries(count)} entries in ${storage.field}, got ${values.length}`,
    );
  }
  const packed = storage.pack(values, where);
  return new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
}

const METADATA_FIELD = 16;

/** A tensor, and its name in messages. */
export function readTensor(
  proto: TensorProto,
  source: TensorSource,
): { readonly name: string; readonly tensor: OnnxTensor } {
  const where = `${source.where} "${proto.name}"`;
  const dtype = dtypeOfCode(proto.dataType);
  if (dtype === undefined) throw new InputError(`${where}: element type ${proto.dataType} is not known`);
  const { dims, count } = readDims(proto.dims, `${where} (${dtype})`);
  const annotations = annotationsOf(proto, { metadataField: METADATA_FIELD, where });
  const place = `${where} (${dtype}[${dims.join(', ')}])`;
  checkSegment(proto, count, place);
  if (proto.externalData.length > 0 && proto.dataLocation !== TensorProto_DataLocation.EXTERNAL) {
    throw new InputError(`${place}: names external data but states that its data lie inside the file`);
  }
  if (dtype !== 'string') {
    const bytes = readNumbers(proto, dtype, count, { ...source, where: place });
    return { name: proto.name, tensor: { dtype, dims, bytes, ...annotations } };
  }
  const misplaced =
    proto.rawData.byteLength > 0 ||
    proto.dataLocation === TensorProto_DataLocation.EXTERNAL ||
    TYPED_FIELDS.some((field) => proto[field].length > 0);
  if (misplaced || proto.stringData.length !== count) {
    throw new InputError(`${place}: expected ${count} strings in string_data alone, got ${proto.stringData.length}`);
  }
  return { name: proto.name, tensor: { dtype, dims, strings: proto.stringData, ...annotations } };
}

/** A tensor without another name. */
export function readNamedTensor(proto: TensorProto, source: TensorSource): OnnxTensor {
  const { name, tensor } = readTensor(proto, source);
  return name === '' ? tensor : { ...tensor, name };
}

export function readSparseTensor(proto: SparseTensorProto, source: TensorSource): SparseTensor {
  const where = `${source.where} sparse`;
  if (proto.values === undefined || proto.indices === undefined) {
    throw new InputError(`${where}: values or indices are missing`);
  }
  const { name, tensor } = readTensor(proto.values, { ...source, where: `${where} values` });
  const indices = readNamedTensor(proto.indices, { ...source, where: `${where} "${name}" indices` });
  const { dims } = readDims(proto.dims, `${where} "${name}"`);
  const entries = tensor.dims[0] ?? 0;
  const fits =
    tensor.dims.length === 1 &&
    indices.dtype === 'int64' &&
    indices.dims[0] === entries &&
    (indices.dims.length === 1 || (indices.dims.length === 2 && indices.dims[1] === dims.length));
  if (!fits) {
    throw new InputError(
      `${where} "${name}": values [${tensor.dims.join(', ')}] and indices ${indices.dtype}[${indices.dims.join(', ')}] ` +
        `do not describe a tensor of shape [${dims.join(', ')}]`,
    );
  }
  return { name, dims, values: tensor, indices, ...ifAny('unknown', unknownOf(proto)) };
}
