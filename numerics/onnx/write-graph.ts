/** Converts nodes, attributes, graphs and functions to their messages. */
import { ATTRIBUTE_TYPE_CODES } from './attribute-types.ts';
import type { Attribute, Graph, Node, OnnxFunction } from './graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type OperatorSetIdProto,
  OperatorSetIdProtoSchema,
  TensorAnnotationSchema,
} from './protobuf/onnx_pb.js';
import { compose, withUnknown } from './wire.ts';
import { toSparseTensorProto, toTensorProto } from './write-tensor.ts';
import { orUnset, toEntries, toTypeProto, toValueInfoProto } from './write-type.ts';

function setContent(message: AttributeProto, attribute: Attribute): void {
  switch (attribute.type) {
    case 'float':
      message.f = attribute.value;
      return;
    case 'int':
      message.i = attribute.value;
      return;
    case 'string':
      message.s = attribute.value;
      return;
    case 'tensor':
      message.t = toTensorProto(attribute.value.name ?? '', attribute.value);
      return;
    case 'graph':
      message.g = toGraphProto(attribute.value);
      return;
    case 'sparse-tensor':
      message.sparseTensor = toSparseTensorProto(attribute.value);
      return;
    case 'type':
      message.tp = toTypeProto(attribute.value);
      return;
    case 'floats':
      message.floats = [...attribute.value];
      return;
    case 'ints':
      message.ints = [...attribute.value];
      return;
    case 'strings':
      message.strings = [...attribute.value];
      return;
    case 'tensors':
      message.tensors = attribute.value.map((tensor) => toTensorProto(tensor.name ?? '', tensor));
      return;
    case 'graphs':
      message.graphs = attribute.value.map(toGraphProto);
      return;
    case 'sparse-tensors':
      message.sparseTensors = attribute.value.map(toSparseTensorProto);
      return;
    case 'types':
      message.typeProtos = attribute.value.map(toTypeProto);
      return;
    case 'reference':
      message.refAttrName = attribute.value;
      return;
  }
}

export function toAttributeProto(name: string, attribute: Attribute): AttributeProto {
  const message = compose(AttributeProtoSchema, {
    name,
    docString: orUnset(attribute.doc),
    type: ATTRIBUTE_TYPE_CODES[attribute.type === 'reference' ? attribute.of : attribute.type],
  });
  setContent(message, attribute);
  return withUnknown(message, attribute.unknown);
}

function toAttributeProtos(attributes: ReadonlyMap<string, Attribute>): AttributeProto[] {
  return [...attributes].map(([name, attribute]) => toAttributeProto(name, attribute));
}

export function toNodeProto(node: Node): NodeProto {
  const message = compose(NodeProtoSchema, {
    input: [...node.inputs],
    output: [...node.outputs],
    name: orUnset(node.name),
    opType: node.op,
    domain: orUnset(node.domain),
    overload: orUnset(node.overload),
    attribute: toAttributeProtos(node.attributes),
    docString: orUnset(node.doc),
    metadataProps: toEntries(node.metadata),
  });
  return withUnknown(message, node.unknown);
}

/** The fields of a graph that precede its initializers in the order of field numbers. */
export function toGraphHead(graph: Graph): GraphProto {
  return compose(GraphProtoSchema, { node: graph.nodes.map(toNodeProto), name: orUnset(graph.name) });
}

/** The fields of a graph that follow its initializers. */
export function toGraphTail(graph: Graph): GraphProto {
  const message = compose(GraphProtoSchema, {
    sparseInitializer: graph.sparseInitializers.map(toSparseTensorProto),
    docString: orUnset(graph.doc),
    input: graph.inputs.map(toValueInfoProto),
    output: graph.outputs.map(toValueInfoProto),
    valueInfo: graph.valueInfo.map(toValueInfoProto),
    quantizationAnnotation: (graph.quantizationAnnotations ?? []).map(({ value, parameters, unknown }) =>
      withUnknown(
        compose(TensorAnnotationSchema, { tensorName: value, quantParameterTensorNames: toEntries(parameters) }),
        unknown,
      ),
    ),
    metadataProps: toEntries(graph.metadata),
  });
  return withUnknown(message, graph.unknown);
}

export function toGraphProto(graph: Graph): GraphProto {
  const message = toGraphTail(graph);
  const head = toGraphHead(graph);
  message.node = head.node;
  if (graph.name !== '') message.name = graph.name;
  message.initializer = [...graph.initializers].map(([name, tensor]) => toTensorProto(name, tensor));
  return message;
}

export function toOpsetProtos(opsets: ReadonlyMap<string, number>): OperatorSetIdProto[] {
  return [...opsets].map(([domain, version]) =>
    compose(OperatorSetIdProtoSchema, { domain, version: BigInt(version) }),
  );
}

export function toFunctionProto(definition: OnnxFunction): FunctionProto {
  const message = compose(FunctionProtoSchema, {
    name: orUnset(definition.name),
    input: [...definition.inputs],
    output: [...definition.outputs],
    attribute: [...definition.attributeNames],
    attributeProto: toAttributeProtos(definition.attributeDefaults),
    node: definition.nodes.map(toNodeProto),
    docString: orUnset(definition.doc),
    opsetImport: toOpsetProtos(definition.opsets),
    domain: orUnset(definition.domain),
    overload: orUnset(definition.overload),
    valueInfo: definition.valueInfo.map(toValueInfoProto),
    metadataProps: toEntries(definition.metadata),
  });
  return withUnknown(message, definition.unknown);
}
