/** Attributes of nodes: constructors, and readers that check the type. */
import { InputError } from '../../contracts/errors.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Attribute, AttributeType, Graph, Node, ValueType } from './graph.ts';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

function toInt64(value: number | bigint): bigint {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw new InputError(`attribute: ${value} is not a safe integer; pass a bigint`);
  }
  const integer = BigInt(value);
  if (integer < INT64_MIN || integer > INT64_MAX) throw new InputError(`attribute: ${value} does not fit int64`);
  return integer;
}

/** ONNX stores float attributes in 32 bits; rounding the value here makes it read back unchanged. */
function toFloat32(value: number): number {
  const rounded = Math.fround(value);
  if (Number.isFinite(value) && !Number.isFinite(rounded)) {
    throw new InputError(`attribute: ${value} does not fit float32, which ONNX uses for float attributes`);
  }
  return rounded;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export const int = (value: number | bigint): Attribute => ({ type: 'int', value: toInt64(value) });
export const ints = (values: readonly (number | bigint)[]): Attribute => ({ type: 'ints', value: values.map(toInt64) });
export const float = (value: number): Attribute => ({ type: 'float', value: toFloat32(value) });
export const floats = (values: readonly number[]): Attribute => ({ type: 'floats', value: values.map(toFloat32) });
export const string = (value: string): Attribute => ({ type: 'string', value: encoder.encode(value) });
export const strings = (values: readonly string[]): Attribute => ({
  type: 'strings',
  value: values.map((value) => encoder.encode(value)),
});
export const tensor = (value: Tensor): Attribute => ({ type: 'tensor', value });
export const graph = (value: Graph): Attribute => ({ type: 'graph', value });
export const type = (value: ValueType): Attribute => ({ type: 'type', value });

type ValueOf<T extends AttributeType> = Extract<Attribute, { readonly type: T }>['value'];
type NodeLike = Pick<Node, 'op' | 'name' | 'attributes'>;

/**
 * The value of an attribute of the given type; undefined when the node has none. Throws InputError for another type.
 */
function valueOf<T extends AttributeType>(node: NodeLike, name: string, type: T): ValueOf<T> | undefined {
  const attribute = node.attributes.get(name);
  if (attribute === undefined) return undefined;
  if (attribute.type !== type) {
    throw new InputError(
      `node "${node.name}" (${node.op}): attribute ${name} has type ${attribute.type}, expected ${type}`,
    );
  }
  return attribute.value as ValueOf<T> | undefined;
}

function required<V>(node: NodeLike, name: string, value: V | undefined): V {
  if (value === undefined) {
    throw new InputError(
      `node "${node.name}" (${node.op}): attribute ${name} is missing; present: ${[...node.attributes.keys()].join(', ') || '(none)'}`,
    );
  }
  return value;
}

function toSafeNumber(node: NodeLike, name: string, value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new InputError(`node "${node.name}" (${node.op}): attribute ${name} = ${value} is too large`);
  }
  return number;
}

/** An int attribute. Without a fallback a missing attribute is an InputError; the same holds for all readers below. */
export function intAttribute(node: NodeLike, name: string, fallback?: number): number {
  const value = valueOf(node, name, 'int');
  if (value === undefined) return required(node, name, fallback);
  return toSafeNumber(node, name, value);
}

export function intsAttribute(node: NodeLike, name: string, fallback?: readonly number[]): readonly number[] {
  const value = valueOf(node, name, 'ints');
  if (value === undefined) return required(node, name, fallback);
  return value.map((item) => toSafeNumber(node, name, item));
}

export function floatAttribute(node: NodeLike, name: string, fallback?: number): number {
  return required(node, name, valueOf(node, name, 'float') ?? fallback);
}

export function floatsAttribute(node: NodeLike, name: string, fallback?: readonly number[]): readonly number[] {
  return required(node, name, valueOf(node, name, 'floats') ?? fallback);
}

export function stringAttribute(node: NodeLike, name: string, fallback?: string): string {
  const value = valueOf(node, name, 'string');
  return value === undefined ? required(node, name, fallback) : decoder.decode(value);
}

export function stringsAttribute(node: NodeLike, name: string, fallback?: readonly string[]): readonly string[] {
  const value = valueOf(node, name, 'strings');
  return value === undefined ? required(node, name, fallback) : value.map((item) => decoder.decode(item));
}

export function tensorAttribute(node: NodeLike, name: string): Tensor {
  return required(node, name, valueOf(node, name, 'tensor'));
}

export function graphAttribute(node: NodeLike, name: string): Graph {
  return required(node, name, valueOf(node, name, 'graph'));
}

/** The graphs among a node's attributes (the branches of If, the bodies of Loop and Scan), by attribute name. */
export function subgraphsOf(node: Pick<Node, 'attributes'>): readonly Graph[] {
  const found: Graph[] = [];
  for (const attribute of node.attributes.values()) {
    if (attribute.type === 'graph') found.push(attribute.value);
    else if (attribute.type === 'graphs') found.push(...attribute.value);
  }
  return found;
}

/** A node's attributes with every graph among them replaced; the same map when nothing changed. */
export function mapSubgraphs(
  attributes: ReadonlyMap<string, Attribute>,
  change: (graph: Graph) => Graph,
): ReadonlyMap<string, Attribute> {
  let changed: Map<string, Attribute> | undefined;
  for (const [name, attribute] of attributes) {
    if (attribute.type === 'graph') {
      const value = change(attribute.value);
      if (value !== attribute.value) (changed ??= new Map(attributes)).set(name, { ...attribute, value });
    } else if (attribute.type === 'graphs') {
      const value = attribute.value.map(change);
      if (value.some((graph, index) => graph !== attribute.value[index])) {
        (changed ??= new Map(attributes)).set(name, { ...attribute, value });
      }
    }
  }
  return changed ?? attributes;
}
