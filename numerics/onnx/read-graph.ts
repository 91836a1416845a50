/** Converts NodeProto, AttributeProto, GraphProto and FunctionProto to nodes, attributes, graphs and functions. */
import { type Message, toBinary } from '@bufbuild/protobuf';
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { attributeTypeOfCode } from './attribute-types.ts';
import type {
  Attribute,
  AttributeType,
  Graph,
  Node,
  OnnxFunction,
  OnnxTensor,
  QuantizationAnnotation,
} from './graph.ts';
import {
  type AttributeProto,
  AttributeProtoSchema,
  type FunctionProto,
  type GraphProto,
  NodeDeviceConfigurationProtoSchema,
  type NodeProto,
  type OperatorSetIdProto,
  type TensorAnnotation,
} from './protobuf/onnx_pb.js';
import { readNamedTensor, readSparseTensor, readTensor, type TensorSource } from './read-tensor.ts';
import { annotationsOf, ifAny, readEntries, readType, readValueInfo, toSafeInteger, unknownOf } from './read-type.ts';
import { carriedMessage } from './wire.ts';

/** How each attribute type is read, and whether a message has content of that type. */
const CONTENT: {
  readonly [T in AttributeType]: {
    readonly has: (proto: AttributeProto) => boolean;
    readonly read: (proto: AttributeProto, source: TensorSource) => Extract<Attribute, { readonly type: T }>['value'];
  };
} = {
  float: { has: (p) => p.f !== 0, read: (p) => p.f },
  int: { has: (p) => p.i !== 0n, read: (p) => p.i },
  string: { has: (p) => p.s.byteLength > 0, read: (p) => p.s },
  tensor: { has: (p) => p.t !== undefined, read: (p, source) => readNamedTensor(required(p.t, source), source) },
  graph: { has: (p) => p.g !== undefined, read: (p, source) => readGraph(required(p.g, source), source) },
  'sparse-tensor': {
    has: (p) => p.sparseTensor !== undefined,
    read: (p, source) => readSparseTensor(required(p.sparseTensor, source), source),
  },
  type: { has: (p) => p.tp !== undefined, read: (p, source) => readType(required(p.tp, source), source.where) },
  floats: { has: (p) => p.floats.length > 0, read: (p) => p.floats },
  ints: { has: (p) => p.ints.length > 0, read: (p) => p.ints },
  strings: { has: (p) => p.strings.length > 0, read: (p) => p.strings },
  tensors: {
    has: (p) => p.tensors.length > 0,
    read: (p, source) => p.tensors.map((item) => readNamedTensor(item, source)),
  },
  graphs: { has: (p) => p.graphs.length > 0, read: (p, source) => p.graphs.map((item) => readGraph(item, source)) },
  'sparse-tensors': {
    has: (p) => p.sparseTensors.length > 0,
    read: (p, source) => p.sparseTensors.map((item) => readSparseTensor(item, source)),
  },
  types: {
    has: (p) => p.typeProtos.length > 0,
    read: (p, source) => p.typeProtos.map((item) => readType(item, source.where)),
  },
};
const TYPES = Object.keys(CONTENT) as AttributeType[];

function required<M extends Message>(message: M | undefined, source: TensorSource): M {
  if (message === undefined) throw new InputError(`${source.where}: states a type but has no value`);
  return message;
}

/** The stated type; for files of IR version 1, which state none, the type of the only content. */
function typeOf(proto: AttributeProto, where: string): AttributeType {
  const stated = attributeTypeOfCode(proto.type);
  const filled = TYPES.filter((type) => CONTENT[type].has(proto));
  const other = filled.find((type) => type !== stated);
  if (stated !== undefined && other === undefined) return stated;
  const unknownType = proto.$unknown?.some(({ no }) => no === AttributeProtoSchema.field.type.number) ?? false;
  if (stated === undefined && filled.length === 1 && !unknownType) return present(filled[0], 'filled[0]');
  throw new InputError(
    `${where}: type ${unknownType ? 'unknown' : (stated ?? 'not stated')}, content ${filled.join(' and ') || 'none'}; ` +
      'expected one value of the stated type',
  );
}

function readAttribute(proto: AttributeProto, source: TensorSource): Attribute {
  const type = typeOf(proto, source.where);
  const annotations = annotationsOf(proto, { metadataField: 0, where: source.where });
  if (proto.refAttrName !== '') {
    if (CONTENT[type].has(proto)) throw new InputError(`${source.where}: refers to another attribute and has a value`);
    return { type: 'reference', value: proto.refAttrName, of: type, ...annotations };
  }
  return { type, value: CONTENT[type].read(proto, source), ...annotations } as Attribute;
}

function readAttributes(protos: readonly AttributeProto[], source: TensorSource): ReadonlyMap<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  for (const proto of protos) {
    const where = `${source.where}: attribute "${proto.name}"`;
    if (attributes.has(proto.name)) throw new InputError(`${where} occurs twice`);
    attributes.set(proto.name, readAttribute(proto, { ...source, where }));
  }
  return attributes;
}

const NODE_METADATA_FIELD = 9;
const NODE_DEVICES_FIELD = 10;

function readNode(proto: NodeProto, source: TensorSource): Node {
  const where = `${source.where}: node "${proto.name}" (${proto.opType})`;
  const carried = proto.deviceConfigurations.map((configuration) =>
    carriedMessage(NODE_DEVICES_FIELD, toBinary(NodeDeviceConfigurationProtoSchema, configuration)),
  );
  return {
    op: proto.opType,
    domain: proto.domain,
    name: proto.name,
    inputs: proto.input,
    outputs: proto.output,
    attributes: readAttributes(proto.attribute, { ...source, where }),
    ...(proto.overload === '' ? {} : { overload: proto.overload }),
    ...annotationsOf(proto, { metadataField: NODE_METADATA_FIELD, where, carried }),
  };
}

const ANNOTATION_PARAMETERS_FIELD = 2;

function readQuantization(proto: TensorAnnotation, source: TensorSource): QuantizationAnnotation {
  const { map, carried } = readEntries(proto.quantParameterTensorNames, {
    field: ANNOTATION_PARAMETERS_FIELD,
    where: `${source.where}: quantization of "${proto.tensorName}"`,
  });
  return { value: proto.tensorName, parameters: map, ...ifAny('unknown', [...unknownOf(proto), ...carried]) };
}

const GRAPH_METADATA_FIELD = 16;

export function readGraph(proto: GraphProto, outer: TensorSource): Graph {
  const where = `${outer.where}: graph "${proto.name}"`;
  const source = { ...outer, where: `${where}: initializer` };
  const initializers = new Map<string, OnnxTensor>();
  const names = new Set<string>();
  const claim = (name: string): void => {
    if (name === '') throw new InputError(`${where}: an initializer has no name`);
    if (names.has(name)) throw new InputError(`${where}: initializer "${name}" occurs twice`);
    names.add(name);
  };
  for (const item of proto.initializer) {
    const { name, tensor } = readTensor(item, source);
    claim(name);
    initializers.set(name, tensor);
  }
  const sparseInitializers = proto.sparseInitializer.map((item) => {
    const sparse = readSparseTensor(item, source);
    claim(sparse.name);
    return sparse;
  });
  return {
    name: proto.name,
    nodes: proto.node.map((node) => readNode(node, { ...outer, where })),
    inputs: proto.input.map((info) => readValueInfo(info, where)),
    outputs: proto.output.map((info) => readValueInfo(info, where)),
    initializers,
    sparseInitializers,
    valueInfo: proto.valueInfo.map((info) => readValueInfo(info, where)),
    ...(proto.quantizationAnnotation.length === 0
      ? {}
      : {
          quantizationAnnotations: proto.quantizationAnnotation.map((item) =>
            readQuantization(item, { ...outer, where }),
          ),
        }),
    ...annotationsOf(proto, { metadataField: GRAPH_METADATA_FIELD, where }),
  };
}

export function readOpsets(protos: readonly OperatorSetIdProto[], where: string): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  for (const { domain, version, $unknown } of protos) {
    if (opsets.has(domain)) throw new InputError(`${where}: operator set "${domain}" is imported twice`);
    if ($unknown !== undefined) {
      throw new InputError(`${where}: the import of operator set "${domain}" has fields this reader does not know`);
    }
    opsets.set(domain, toSafeInteger(version, `${where}: operator set "${domain}" version`));
  }
  return opsets;
}

const FUNCTION_METADATA_FIELD = 14;

export function readFunction(proto: FunctionProto, outer: TensorSource): OnnxFunction {
  const where = `${outer.where}: function "${proto.name}"`;
  const source = { ...outer, where };
  return {
    domain: proto.domain,
    name: proto.name,
    ...(proto.overload === '' ? {} : { overload: proto.overload }),
    inputs: proto.input,
    outputs: proto.output,
    attributeNames: proto.attribute,
    attributeDefaults: readAttributes(proto.attributeProto, source),
    nodes: proto.node.map((node) => readNode(node, source)),
    opsets: readOpsets(proto.opsetImport, where),
    valueInfo: proto.valueInfo.map((info) => readValueInfo(info, where)),
    ...annotationsOf(proto, { metadataField: FUNCTION_METADATA_FIELD, where }),
  };
}
