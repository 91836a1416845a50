/** Converts types of values to TypeProto and ValueInfoProto. */
import { DTYPES, type DType } from '../tensor/dtype.ts';
import type { Dim, UnknownField, ValueInfo, ValueType } from './graph.ts';
import {
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorShapeProto,
  TensorShapeProto_DimensionSchema,
  TensorShapeProtoSchema,
  type TypeProto,
  TypeProto_MapSchema,
  TypeProto_OpaqueSchema,
  TypeProto_OptionalSchema,
  TypeProto_SequenceSchema,
  TypeProto_SparseTensorSchema,
  TypeProto_TensorSchema,
  TypeProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from './protobuf/onnx_pb.js';
import { compose, withUnknown } from './wire.ts';

/** Unset rather than empty: proto2 distinguishes the two, ONNX does not. */
export function orUnset(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

export function toEntries(map: ReadonlyMap<string, string> | undefined): StringStringEntryProto[] {
  return [...(map ?? [])].map(([key, value]) => compose(StringStringEntryProtoSchema, { key, value }));
}

function toCode(dtype: DType | undefined, unknownCode: number | undefined): number | undefined {
  return dtype === undefined ? unknownCode : DTYPES[dtype].code;
}

function toDimension(dim: Dim, denotation: string | undefined, unknown: readonly UnknownField[] | undefined) {
  const message = compose(TensorShapeProto_DimensionSchema, { denotation: orUnset(denotation) });
  if (typeof dim === 'number') message.value = { case: 'dimValue', value: BigInt(dim) };
  else if (typeof dim === 'string') message.value = { case: 'dimParam', value: dim };
  return withUnknown(message, unknown);
}

function toShape(type: Extract<ValueType, { kind: 'tensor' | 'sparse-tensor' }>): TensorShapeProto | undefined {
  if (type.dims === undefined) return undefined;
  const dim = type.dims.map((dim, axis) => toDimension(dim, type.denotations?.[axis], type.dimUnknown?.[axis]));
  return withUnknown(compose(TensorShapeProtoSchema, { dim }), type.shapeUnknown);
}

function toKind(type: ValueType): TypeProto['value'] {
  switch (type.kind) {
    case 'tensor': {
      const fields = { elemType: toCode(type.dtype, type.unknownCode), shape: toShape(type) };
      return { case: 'tensorType', value: withUnknown(compose(TypeProto_TensorSchema, fields), type.kindUnknown) };
    }
    case 'sparse-tensor': {
      const fields = { elemType: toCode(type.dtype, type.unknownCode), shape: toShape(type) };
      return {
        case: 'sparseTensorType',
        value: withUnknown(compose(TypeProto_SparseTensorSchema, fields), type.kindUnknown),
      };
    }
    case 'sequence': {
      const message = compose(TypeProto_SequenceSchema, { elemType: type.element && toTypeProto(type.element) });
      return { case: 'sequenceType', value: withUnknown(message, type.kindUnknown) };
    }
    case 'optional': {
      const message = compose(TypeProto_OptionalSchema, { elemType: type.element && toTypeProto(type.element) });
      return { case: 'optionalType', value: withUnknown(message, type.kindUnknown) };
    }
    case 'map': {
      const fields = { keyType: toCode(type.key, type.unknownCode), valueType: type.value && toTypeProto(type.value) };
      return { case: 'mapType', value: withUnknown(compose(TypeProto_MapSchema, fields), type.kindUnknown) };
    }
    case 'opaque': {
      const message = compose(TypeProto_OpaqueSchema, { domain: orUnset(type.domain), name: orUnset(type.name) });
      return { case: 'opaqueType', value: withUnknown(message, type.kindUnknown) };
    }
    case 'unstated':
      return { case: undefined };
  }
}

export function toTypeProto(type: ValueType): TypeProto {
  const message = compose(TypeProtoSchema, { denotation: orUnset(type.denotation) });
  message.value = toKind(type);
  return withUnknown(message, type.unknown);
}

export function toValueInfoProto(info: ValueInfo): ValueInfoProto {
  const message = compose(ValueInfoProtoSchema, {
    name: info.name,
    type: info.type && toTypeProto(info.type),
    docString: orUnset(info.doc),
    metadataProps: toEntries(info.metadata),
  });
  return withUnknown(message, info.unknown);
}
