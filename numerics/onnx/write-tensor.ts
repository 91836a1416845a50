/** Converts tensors to TensorProto: numbers as raw_data in the tensor's own memory, strings as string_data. */
import { InputError } from '../../contracts/errors.ts';
import { DTYPES, packedBytes } from '../tensor/dtype.ts';
import { describeTensor, elementCount } from '../tensor/tensor.ts';
import type { OnnxTensor, SparseTensor } from './graph.ts';
import {
  type SparseTensorProto,
  SparseTensorProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from './protobuf/onnx_pb.js';
import { compose, withUnknown } from './wire.ts';
import { orUnset, toEntries } from './write-type.ts';

/** Position of a tensor's bytes outside the model file. */
export interface ExternalPlace {
  /** Relative to the directory of the model file. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

function checkSize(name: string, tensor: OnnxTensor): void {
  const count = elementCount(tensor.dims);
  const expected = tensor.dtype === 'string' ? count : packedBytes(tensor.dtype, count);
  const got = tensor.dtype === 'string' ? tensor.strings.length : tensor.bytes.byteLength;
  if (!tensor.dims.every((dim) => Number.isSafeInteger(dim) && dim >= 0) || got !== expected) {
    const unit = tensor.dtype === 'string' ? 'strings' : 'bytes';
    throw new InputError(
      `tensor "${name}" ${describeTensor(tensor)}: expected ${expected} ${unit}, got ${got}; check shape and element type`,
    );
  }
}

/** A TensorProto without its data: the bytes before and after raw_data in the file. */
export function toTensorHead(name: string, tensor: OnnxTensor, external?: ExternalPlace): TensorProto {
  checkSize(name, tensor);
  const message = compose(TensorProtoSchema, {
    dims: tensor.dims.map(BigInt),
    dataType: DTYPES[tensor.dtype].code,
    name: orUnset(name),
    docString: orUnset(tensor.doc),
    metadataProps: toEntries(tensor.metadata),
  });
  if (external !== undefined) {
    const { location, offset, length } = external;
    message.externalData = toEntries(
      new Map([
        ['location', location],
        ['offset', String(offset)],
        ['length', String(length)],
      ]),
    );
    message.dataLocation = TensorProto_DataLocation.EXTERNAL;
  }
  return withUnknown(message, tensor.unknown);
}

export function toTensorProto(name: string, tensor: OnnxTensor): TensorProto {
  const message = toTensorHead(name, tensor);
  if (tensor.dtype === 'string') message.stringData = [...tensor.strings];
  else message.rawData = tensor.bytes;
  return message;
}

export function toSparseTensorProto(sparse: SparseTensor): SparseTensorProto {
  const message = compose(SparseTensorProtoSchema, {
    values: toTensorProto(sparse.name, sparse.values),
    indices: toTensorProto(sparse.indices.name ?? '', sparse.indices),
    dims: sparse.dims.map(BigInt),
  });
  return withUnknown(message, sparse.unknown);
}
