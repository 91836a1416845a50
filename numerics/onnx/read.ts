/**
 * Reads the bytes of an ONNX file into an immutable model. https://onnx.ai/onnx/repo-docs/IR.html Everything in a
 * ModelProto is kept; what the model does not represent is carried as unknown fields. Bytes are not trusted: the result
 * is always a model that can be written and read again, or an InputError.
 */
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { BenchError, InputError } from '../../contracts/errors.ts';
import type { OnnxModel } from './graph.ts';
import { MAX_NESTING_DEPTH } from './limits.ts';
import {
  DeviceConfigurationProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  TrainingInfoProtoSchema,
} from './protobuf/onnx_pb.js';
import { readFunction, readGraph, readOpsets } from './read-graph.ts';
import type { TensorSource } from './read-tensor.ts';
import { annotationsOf, toSafeInteger } from './read-type.ts';
import { scanMessage } from './scan.ts';
import { carriedMessage } from './wire.ts';

export type { ExternalData } from './read-tensor.ts';

export interface ReadOptions {
  /** Name of the file in error messages. */
  readonly where?: string;
  /** Reads external data, exactly `length` bytes. Without it a tensor with external data is an InputError. */
  readonly external?: TensorSource['external'];
}

const METADATA_FIELD = 14;
const TRAINING_FIELD = 20;
const CONFIGURATION_FIELD = 26;

function decode(bytes: Uint8Array, where: string): ModelProto {
  // A plain view, so that tensors are Uint8Array also when the caller passes a Buffer.
  const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  scanMessage(ModelProtoSchema, view, where);
  try {
    return fromBinary(ModelProtoSchema, view, { recursionLimit: MAX_NESTING_DEPTH });
  } catch (cause) {
    if (cause instanceof BenchError) throw cause;
    throw new InputError(`${where}: not a valid ONNX file: ${(cause as Error).message}`, { cause });
  }
}

function noExternal(where: string): TensorSource['external'] {
  return ({ location }, place) => {
    throw new InputError(`${place} lies in "${location}"; read ${where} with readModelFile, or pass options.external`);
  };
}

/**
 * The model in these bytes. Its tensors share their memory, so `bytes` must not be modified afterwards. Throws
 * InputError.
 */
export function readModel(
  bytes: Uint8Array,
  { where = 'model', external = noExternal(where) }: ReadOptions = {},
): OnnxModel {
  const proto = decode(bytes, where);
  if (proto.graph === undefined) {
    throw new InputError(`${where}: not an ONNX model: ${bytes.byteLength} bytes without a graph`);
  }
  const source: TensorSource = { where, external };
  const carried = [
    ...proto.trainingInfo.map((item) => carriedMessage(TRAINING_FIELD, toBinary(TrainingInfoProtoSchema, item))),
    ...proto.configuration.map((item) =>
      carriedMessage(CONFIGURATION_FIELD, toBinary(DeviceConfigurationProtoSchema, item)),
    ),
  ];
  return {
    irVersion: toSafeInteger(proto.irVersion, `${where}: IR version`),
    opsets: readOpsets(proto.opsetImport, where),
    producerName: proto.producerName,
    producerVersion: proto.producerVersion,
    domain: proto.domain,
    modelVersion: proto.modelVersion,
    graph: readGraph(proto.graph, source),
    functions: proto.functions.map((item) => readFunction(item, source)),
    ...annotationsOf(proto, { metadataField: METADATA_FIELD, where, carried }),
  };
}
