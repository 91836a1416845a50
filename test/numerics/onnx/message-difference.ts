/**
 * Whether two serialized models say the same as protobuf messages, whichever field carries a tensor's elements: a check of
 * losslessness that does not go through our own graph.
 */
import { createRegistry, equals, fromBinary, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import {
  file_onnx,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
} from '../../../numerics/onnx/protobuf/onnx_pb.js';
import { readTensor } from '../../../numerics/onnx/read-tensor.ts';

/** '' and absent mean the same for these optional fields. */
const EMPTY_MEANS_ABSENT: ReadonlySet<string> = new Set([
  'denotation',
  'doc_string',
  'domain',
  'name',
  'overload',
  'producer_name',
  'producer_version',
  'ref_attr_name',
]);
const NAMED: ReadonlySet<string> = new Set(['onnx.OperatorSetIdProto', 'onnx.AttributeProto', 'onnx.ValueInfoProto']);

const registry = createRegistry(file_onnx);

function toRaw(tensor: TensorProto): void {
  const external = (): never => {
    throw new Error('test models have their data inside');
  };
  const { tensor: read } = readTensor(tensor, { where: 'test', external });
  if (read.dtype === 'string') return;
  for (const field of ['floatData', 'int32Data', 'int64Data', 'doubleData', 'uint64Data'] as const) tensor[field] = [];
  tensor.rawData = read.bytes;
}

function normalize(message: Message): void {
  const schema = registry.getMessage(message.$typeName);
  if (schema === undefined) throw new Error(`no message ${message.$typeName}`);
  const mirror = reflect(schema, message);
  for (const field of mirror.fields) {
    if (!mirror.isSet(field)) continue;
    if (field.fieldKind === 'message') normalize(mirror.get(field).message);
    else if (field.fieldKind === 'list' && field.listKind === 'message') {
      for (const item of mirror.get(field)) normalize((item as { readonly message: Message }).message);
    } else if (field.fieldKind === 'scalar' && mirror.get(field) === '' && EMPTY_MEANS_ABSENT.has(field.name)) {
      if (!NAMED.has(message.$typeName) || field.name === 'doc_string') mirror.clear(field);
    } else if (field.name === 'model_version' && mirror.get(field) === 0n) mirror.clear(field);
  }
  if (message.$typeName === TensorProtoSchema.typeName) toRaw(message as TensorProto);
}

export function sameMessage(a: Uint8Array, b: Uint8Array): boolean {
  const [left, right] = [a, b].map((bytes) => {
    const model = fromBinary(ModelProtoSchema, bytes);
    normalize(model);
    return model;
  }) as [ModelProto, ModelProto];
  return equals(ModelProtoSchema, left, right, { unknown: true, registry });
}
