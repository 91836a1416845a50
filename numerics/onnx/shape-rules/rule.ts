/**
 * The interface of shape rules, and shared helpers. A rule computes the outputs of a node from its inputs, as specified
 * for the operator.
 */
import { InputError, UnsupportedError } from '../../../contracts/errors.ts';
import { present } from '../../../contracts/present.ts';
import { type DType, dtypeOfCode } from '../../tensor/dtype.ts';
import { elementCount } from '../../tensor/tensor.ts';
import { floatAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import type { Node } from '../graph.ts';

export interface ShapedValue {
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** The elements, where they are few and known before run time; booleans as 0 and 1. Shapes are computed from them. */
  readonly values?: readonly number[];
}

/**
 * Values with at most this many elements are folded: shapes and index vectors of masks have fewer, weights have more.
 */
export const MAX_FOLDED_ELEMENTS = 4096;

export interface RuleContext {
  readonly node: Node;
  /** Version of the operator set of the node's domain. */
  readonly opset: number;
  readonly inputCount: number;
  /** A required input. Throws InputError when it is missing. */
  input(index: number): ShapedValue;
  /** An optional input. */
  optional(index: number): ShapedValue | undefined;
  /** The elements of an input. Throws UnsupportedError when they are known only at run time. */
  values(index: number): readonly number[];
  int(name: string, fallback?: number): number;
  ints(name: string, fallback?: readonly number[]): readonly number[];
  float(name: string, fallback?: number): number;
  text(name: string, fallback?: string): string;
  has(name: string): boolean;
  fail(problem: string): never;
}

/** One entry per output; undefined for outputs that this form of the operator does not have. */
export type ShapeRule = (context: RuleContext) => readonly (ShapedValue | undefined)[];

export type ShapeRules = Readonly<Record<string, ShapeRule>>;

export function describeNode(node: Node, opset: number): string {
  return `node "${node.name || node.outputs[0]}" (${node.domain === '' ? '' : `${node.domain}.`}${node.op}, opset ${opset})`;
}

export function createContext(node: Node, opset: number, inputs: readonly (ShapedValue | undefined)[]): RuleContext {
  const where = describeNode(node, opset);
  function input(index: number): ShapedValue {
    const value = inputs[index];
    if (value === undefined) throw new InputError(`inferShapes: ${where}: input ${index} is missing`);
    return value;
  }
  return {
    node,
    opset,
    inputCount: inputs.length,
    input,
    optional: (index) => inputs[index],
    values(index) {
      const { values } = input(index);
      if (values === undefined) {
        throw new UnsupportedError(
          `inferShapes: ${where}: its shape depends on the elements of "${node.inputs[index]}", which are known only at run time`,
        );
      }
      return values;
    },
    int: (name, fallback) => intAttribute(node, name, fallback),
    ints: (name, fallback) => intsAttribute(node, name, fallback),
    float: (name, fallback) => floatAttribute(node, name, fallback),
    text: (name, fallback) => stringAttribute(node, name, fallback),
    has: (name) => node.attributes.has(name),
    fail(problem) {
      const shapes = inputs.map((value) => (value ? `${value.dtype}[${value.dims.join(', ')}]` : '-')).join(', ');
      throw new InputError(`inferShapes: ${where}: ${problem}; inputs ${shapes || '(none)'}`);
    },
  };
}

/** A value with its elements, if given and few enough. */
export function shaped(dtype: DType, dims: readonly number[], values?: readonly number[]): ShapedValue {
  return values !== undefined && values.length <= MAX_FOLDED_ELEMENTS ? { dtype, dims, values } : { dtype, dims };
}

/** An axis counted from the end where negative, checked. */
export function normalAxis(context: RuleContext, axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (normal < 0 || normal >= rank) context.fail(`axis ${axis} does not exist in rank ${rank}`);
  return normal;
}

/** https://onnx.ai/onnx/repo-docs/Broadcasting.html */
export function broadcast(context: RuleContext, ...shapes: readonly (readonly number[])[]): readonly number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length));
  return Array.from({ length: rank }, (_, axis) => {
    let length = 1;
    for (const dims of shapes) {
      const dim = dims[axis - rank + dims.length] ?? 1;
      if (dim === 1 || dim === length) continue;
      if (length !== 1) context.fail(`shapes do not broadcast: ${length} and ${dim} at axis ${axis}`);
      length = dim;
    }
    return length;
  });
}

/** Row-major strides of a shape. */
export function stridesOf(dims: readonly number[]): readonly number[] {
  const strides: number[] = [];
  let step = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= present(dims[axis], 'dims[axis]');
  }
  return strides;
}

/**
 * Elements of a result whose element at a position is the source's element at `sourceOf(position)`; undefined when the
 * source's elements are unknown or too many.
 */
export function pick(
  source: ShapedValue,
  dims: readonly number[],
  sourceOf: (position: readonly number[]) => readonly number[],
): readonly number[] | undefined {
  const count = elementCount(dims);
  if (source.values === undefined || count > MAX_FOLDED_ELEMENTS) return undefined;
  const from = stridesOf(source.dims);
  const to = stridesOf(dims);
  return Array.from({ length: count }, (_, flat) => {
    const position = dims.map((dim, axis) => Math.floor(flat / present(to[axis], 'to[axis]')) % dim);
    const index = sourceOf(position).reduce((sum, at, axis) => sum + at * present(from[axis], 'from[axis]'), 0);
    return present(source.values?.[index], 'an element');
  });
}

/** The corresponding position in a shape that broadcasts to the shape of `position`. */
export function broadcastPosition(dims: readonly number[], position: readonly number[]): readonly number[] {
  return dims.map((dim, axis) =>
    dim === 1
      ? 0
      : present(position[axis + position.length - dims.length], 'position[axis+position.length-dims.length]'),
  );
}

/** The element type for the code in an attribute. */
export function dtypeAttribute(context: RuleContext, name: string, fallback: DType): DType {
  if (!context.has(name)) return fallback;
  const code = context.int(name);
  return dtypeOfCode(code) ?? (code === 0 ? fallback : context.fail(`${name} = ${code} is no element type`));
}

/** The first input's type and shape. */
export const sameAsFirst: ShapeRule = (context) => [shaped(context.input(0).dtype, context.input(0).dims)];
