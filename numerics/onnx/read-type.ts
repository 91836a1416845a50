/** Converts TypeProto and ValueInfoProto to types of values, and reads fields common to all messages. */
import { type Message, toBinary } from '@bufbuild/protobuf';
import { InputError } from '../../contracts/errors.ts';
import { dtypeOfCode } from '../tensor/dtype.ts';
import type { Annotations, Dim, UnknownField, ValueInfo, ValueType } from './graph.ts';
import {
  type StringStringEntryProto,
  StringStringEntryProtoSchema,
  type TensorShapeProto,
  type TypeProto,
  type ValueInfoProto,
} from './protobuf/onnx_pb.js';
import { carriedMessage } from './wire.ts';

export function toSafeInteger(value: bigint, where: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new InputError(`${where}: ${value} is too large`);
  return number;
}

/** Unknown fields kept by protobuf-es. */
export function unknownOf(message: Message): readonly UnknownField[] {
  return (message.$unknown ?? []).map(({ no, wireType, data }) => ({ number: no, wireType, bytes: data }));
}

interface Entries {
  readonly map: ReadonlyMap<string, string>;
  /** Entries that contain fields of a newer onnx.proto, kept whole as unknown fields of the enclosing message. */
  readonly carried: readonly UnknownField[];
}

export function readEntries(
  entries: readonly StringStringEntryProto[],
  { field, where }: { readonly field: number; readonly where: string },
): Entries {
  const map = new Map<string, string>();
  const carried: UnknownField[] = [];
  for (const entry of entries) {
    if (entry.$unknown !== undefined) {
      carried.push(carriedMessage(field, toBinary(StringStringEntryProtoSchema, entry)));
      continue;
    }
    if (map.has(entry.key)) throw new InputError(`${where}: key "${entry.key}" occurs twice`);
    map.set(entry.key, entry.value);
  }
  return { map, carried };
}

interface Annotated extends Message {
  readonly docString: string;
  readonly metadataProps?: readonly StringStringEntryProto[];
}

/** doc, metadata and unknown fields of a message, as far as present. */
export function annotationsOf(
  message: Annotated,
  { metadataField, where, carried = [] }: { metadataField: number; where: string; carried?: readonly UnknownField[] },
): Annotations {
  const metadata = readEntries(message.metadataProps ?? [], { field: metadataField, where: `${where}: metadata` });
  const unknown = [...unknownOf(message), ...carried, ...metadata.carried];
  return {
    ...(message.docString === '' ? {} : { doc: message.docString }),
    ...(metadata.map.size === 0 ? {} : { metadata: metadata.map }),
    ...(unknown.length === 0 ? {} : { unknown }),
  };
}

export function ifAny<Key extends string>(
  key: Key,
  fields: readonly UnknownField[],
): { readonly [K in Key]?: readonly UnknownField[] } {
  return (fields.length === 0 ? {} : { [key]: fields }) as { readonly [K in Key]?: readonly UnknownField[] };
}

function readShape(shape: TensorShapeProto | undefined, where: string) {
  if (shape === undefined) return { dims: undefined };
  const dims = shape.dim.map(({ value }): Dim => {
    if (value.case === 'dimValue') return toSafeInteger(value.value, `${where}: dimension`);
    return value.case === 'dimParam' ? value.value : undefined;
  });
  const denotations = shape.dim.map((dim) => dim.denotation);
  const dimUnknown = shape.dim.map(unknownOf);
  return {
    dims,
    ...(denotations.every((text) => text === '') ? {} : { denotations }),
    ...(dimUnknown.every((fields) => fields.length === 0) ? {} : { dimUnknown }),
    ...ifAny('shapeUnknown', unknownOf(shape)),
  };
}

/** Code 0 is UNDEFINED, the same as an absent code. */
function readElementType(code: number) {
  const dtype = dtypeOfCode(code);
  return { dtype, ...(dtype === undefined && code !== 0 ? { unknownCode: code } : {}) };
}

export function readType(proto: TypeProto, where: string): ValueType {
  const { value } = proto;
  const annotations = {
    ...(proto.denotation === '' ? {} : { denotation: proto.denotation }),
    ...ifAny('unknown', unknownOf(proto)),
    ...(value.case === undefined ? {} : ifAny('kindUnknown', unknownOf(value.value))),
  };
  switch (value.case) {
    case 'tensorType':
    case 'sparseTensorType': {
      const kind = value.case === 'tensorType' ? 'tensor' : 'sparse-tensor';
      return { kind, ...readElementType(value.value.elemType), ...readShape(value.value.shape, where), ...annotations };
    }
    case 'sequenceType':
    case 'optionalType': {
      const { elemType } = value.value;
      const kind = value.case === 'sequenceType' ? 'sequence' : 'optional';
      return { kind, element: elemType && readType(elemType, where), ...annotations };
    }
    case 'mapType': {
      const { dtype, ...code } = readElementType(value.value.keyType);
      const { valueType } = value.value;
      return { kind: 'map', key: dtype, ...code, value: valueType && readType(valueType, where), ...annotations };
    }
    case 'opaqueType':
      return { kind: 'opaque', domain: value.value.domain, name: value.value.name, ...annotations };
    case undefined:
      return { kind: 'unstated', ...annotations };
  }
}

const METADATA_FIELD = 4;

export function readValueInfo(proto: ValueInfoProto, where: string): ValueInfo {
  const place = `${where}: value "${proto.name}"`;
  return {
    name: proto.name,
    type: proto.type && readType(proto.type, place),
    ...annotationsOf(proto, { metadataField: METADATA_FIELD, where: place }),
  };
}
