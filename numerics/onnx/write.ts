/**
 * Writes an immutable model as the bytes of an ONNX file. Fields are in the order of their numbers, so equal models
 * give equal bytes. The weights of the main graph are copied only once, when the file is assembled.
 */
import { toBinary } from '@bufbuild/protobuf';
import { InputError } from '../../contracts/errors.ts';
import type { Graph, OnnxModel, OnnxTensor } from './graph.ts';
import { GraphProtoSchema, ModelProtoSchema, TensorProtoSchema } from './protobuf/onnx_pb.js';
import { compose, concat, lengthDelimitedHead, totalLength, withUnknown } from './wire.ts';
import { toFunctionProto, toGraphHead, toGraphTail, toOpsetProtos } from './write-graph.ts';
import { type ExternalPlace, toTensorHead, toTensorProto } from './write-tensor.ts';
import { orUnset, toEntries } from './write-type.ts';

/** Protobuf's own limit for one message; onnx and onnxruntime refuse more. https://protobuf.dev/programming-guides/proto-limits/ */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

const GRAPH_FIELD = 7;
const INITIALIZER_FIELD = 5;
const RAW_DATA_FIELD = 9;

/** Returns, for each initializer of the main graph, where its bytes lie outside the file, or undefined for inside. */
export type Placement = (name: string, tensor: OnnxTensor) => ExternalPlace | undefined;

function encodeInitializer(name: string, tensor: OnnxTensor, external: ExternalPlace | undefined): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  if (tensor.dtype === 'string') {
    chunks.push(toBinary(TensorProtoSchema, toTensorProto(name, tensor)));
  } else {
    chunks.push(toBinary(TensorProtoSchema, toTensorHead(name, tensor, external)));
    if (external === undefined) {
      chunks.push(lengthDelimitedHead(RAW_DATA_FIELD, tensor.bytes.byteLength), tensor.bytes);
    }
  }
  return [lengthDelimitedHead(INITIALIZER_FIELD, totalLength(chunks)), ...chunks];
}

function encodeGraph(graph: Graph, placement: Placement): Uint8Array[] {
  const chunks: Uint8Array[] = [toBinary(GraphProtoSchema, toGraphHead(graph))];
  for (const [name, tensor] of graph.initializers) {
    for (const chunk of encodeInitializer(name, tensor, placement(name, tensor))) chunks.push(chunk);
  }
  chunks.push(toBinary(GraphProtoSchema, toGraphTail(graph)));
  return chunks;
}

/**
 * The bytes of the model's file as a list of chunks, including the weights' own memory.
 * Throws InputError when they exceed the size of a protobuf file.
 */
export function encodeModel(model: OnnxModel, placement: Placement = () => undefined): readonly Uint8Array[] {
  const head = compose(ModelProtoSchema, {
    irVersion: model.irVersion === 0 ? undefined : BigInt(model.irVersion),
    producerName: orUnset(model.producerName),
    producerVersion: orUnset(model.producerVersion),
    domain: orUnset(model.domain),
    modelVersion: model.modelVersion === 0n ? undefined : model.modelVersion,
    docString: orUnset(model.doc),
  });
  const tail = compose(ModelProtoSchema, {
    opsetImport: toOpsetProtos(model.opsets),
    metadataProps: toEntries(model.metadata),
    functions: model.functions.map(toFunctionProto),
  });
  const graph = encodeGraph(model.graph, placement);
  const chunks = [
    toBinary(ModelProtoSchema, head),
    lengthDelimitedHead(GRAPH_FIELD, totalLength(graph)),
    ...graph,
    toBinary(ModelProtoSchema, withUnknown(tail, model.unknown)),
  ];
  const sizeBytes = totalLength(chunks);
  if (sizeBytes > MAX_MODEL_BYTES) {
    throw new InputError(
      `model "${model.graph.name}" takes ${sizeBytes} bytes, an ONNX file holds at most ${MAX_MODEL_BYTES}; ` +
        'use writeModelFile, which puts weights into an external data file',
    );
  }
  return chunks;
}

/** The bytes of the model's ONNX file. Throws InputError beyond 2 GiB; writeModelFile can write such a model. */
export function writeModel(model: OnnxModel): Uint8Array {
  return concat(encodeModel(model));
}
