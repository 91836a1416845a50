/**
 * Emits the nodes of a gradient. Like the builder of numerics/onnx, but extends an existing graph in its opset; shapes
 * of emitted values are known at once, constants are folded and identical nodes are emitted once.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { int, ints } from '../onnx/attributes.ts';
import { createBuilderCore, freshName } from '../onnx/builder-core.ts';
import type { createOperators, NodeExtras } from '../onnx/builder-operators.ts';
import type { Attribute, Node, OnnxTensor } from '../onnx/graph.ts';
import { createNode } from '../onnx/node.ts';
import { type ConcreteShape, inferNodeOutputs, valueOfTensor } from '../onnx/shapes.ts';
import type { DType } from '../tensor/dtype.ts';
import { elementCount, type Tensor, tensorOf } from '../tensor/tensor.ts';
import { sameDims } from './dims.ts';

/** Results with at most this many known elements become constants. */
const MAX_FOLDED_ELEMENTS = 64;
const NOT_REPEATABLE: ReadonlySet<string> = new Set(['Dropout', 'RandomNormalLike', 'RandomUniformLike', 'Bernoulli']);

export interface ProductOptions {
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
}

export interface GradientBuilder extends ReturnType<typeof createOperators> {
  /** Version of the standard operator set. */
  readonly opset: number;
  /** Whether operators of com.microsoft may be emitted. */
  readonly contrib: boolean;
  node(op: string, inputs: readonly string[], extras?: NodeExtras): readonly string[];
  dims(value: string): readonly number[];
  dtype(value: string): DType;
  /** The elements, where they are few and known before run time. */
  values(value: string): readonly number[] | undefined;
  /** The node that produces a value, if any. */
  producer(value: string): Node | undefined;
  integers(values: readonly number[] | string): string;
  int64(value: number): string;
  /** A scalar of the element type of a value. */
  scalarLike(value: string, number: number): string;
  zeros(dims: readonly number[], dtype: DType): string;
  /** Emitted as a constant, so for few elements only. */
  ones(dims: readonly number[], dtype: DType): string;
  /** value * factor; no node for a factor of 1. */
  scale(value: string, factor: number): string;
  /** Product of values under broadcasting, the smaller ones first. */
  product(...values: readonly string[]): string;
  /** The value broadcast to a shape. */
  expandTo(value: string, dims: readonly number[]): string;
  /** The value reshaped to another shape of as many elements. */
  reshapeTo(value: string, dims: readonly number[]): string;
  /** alpha a b for matrices or stacks of them, with the last two axes of either transposed on request. */
  matrixProduct(a: string, b: string, options?: ProductOptions): string;
}

export interface BuilderState {
  readonly opset: number;
  readonly opsets: ReadonlyMap<string, number>;
  readonly contrib: boolean;
  readonly shapes: Map<string, ConcreteShape>;
  readonly producers: Map<string, Node>;
  readonly nodeNames: Set<string>;
  readonly initializers: Map<string, OnnxTensor>;
  /** Emitted nodes, in order. */
  nodes: Node[];
  /** Prefix of emitted names. */
  prefix: string;
  readonly memo: Map<string, readonly string[]>;
  readonly constants: Map<string, string>;
}

/** Nodes with equal signatures compute the same. */
export function signatureOf(node: Pick<Node, 'op' | 'domain' | 'inputs' | 'attributes'>): string | undefined {
  if (NOT_REPEATABLE.has(node.op)) return undefined;
  const attributes: string[] = [];
  for (const [name, { type, value }] of [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (!['int', 'ints', 'float', 'floats', 'string'].includes(type)) return undefined;
    attributes.push(`${name}=${type === 'string' ? Buffer.from(value as Uint8Array).toString('hex') : String(value)}`);
  }
  return `${node.domain}:${node.op}(${node.inputs.join('\0')})${attributes.join('\0')}`;
}

function typedTensor(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor | undefined {
  if (dtype === 'float32') return tensorOf(dtype, dims, Float32Array.from(values));
  if (dtype === 'float64') return tensorOf(dtype, dims, Float64Array.from(values));
  if (dtype === 'int64') return tensorOf(dtype, dims, BigInt64Array.from(values, BigInt));
  if (dtype === 'int32') return tensorOf(dtype, dims, Int32Array.from(values));
  return undefined;
}

export function createGradientBuilder(state: BuilderState): GradientBuilder {
  function shapeOf(value: string): ConcreteShape {
    const shape = state.shapes.get(value);
    if (shape === undefined) throw new Error(`gradient: value "${value}" is not known`);
    return shape;
  }
  const dims = (value: string): readonly number[] => shapeOf(value).dims;
  const dtype = (value: string): DType => shapeOf(value).dtype;
  const values = (value: string): readonly number[] | undefined => shapeOf(value).values;

  const fresh = (stem: string): string =>
    freshName(stem, { taken: (name) => state.nodeNames.has(name) || state.shapes.has(name) });
  const { constant, ...operators } = createBuilderCore({
    node,
    constants: state.constants,
    addConstant(tensor, number) {
      const name = fresh(`gradient.constant.${number}`);
      state.initializers.set(name, tensor);
      state.shapes.set(name, valueOfTensor(tensor));
      return name;
    },
  });
  const { emit, integers } = operators;

  function folded(shape: ConcreteShape): string | undefined {
    if (shape.values === undefined || shape.values.length > MAX_FOLDED_ELEMENTS) return undefined;
    if (!shape.values.every((value) => Number.isFinite(value))) return undefined;
    const tensor = typedTensor(shape.dtype, shape.dims, shape.values);
    return tensor && constant(`${shape.dtype} [${shape.dims.join()}] ${shape.values.join()}`, tensor);
  }

  /** Reductions except ReduceSum take axes as an attribute before opset 18. */
  function inOpset(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
  ): { inputs: readonly string[]; attributes: Readonly<Record<string, Attribute>> } {
    const [x = '', axes] = inputs;
    if (state.opset >= 18 || axes === undefined || !op.startsWith('Reduce') || op === 'ReduceSum') {
      return { inputs, attributes };
    }
    return { inputs: [x], attributes: { ...attributes, axes: ints(values(axes) ?? []) } };
  }

  function node(op: string, given: readonly string[], extras: NodeExtras = {}): readonly string[] {
    const { inputs, attributes } = inOpset(op, given, extras.attributes ?? {});
    const domain = extras.domain ?? '';
    const key = signatureOf({ op, domain, inputs, attributes: new Map(Object.entries(attributes)) });
    const known = key === undefined ? undefined : state.memo.get(key);
    if (known !== undefined && known.length >= (extras.outputs?.length ?? 1)) return known;
    const name = fresh(`${state.prefix}${extras.name ?? op}`);
    const outputs = extras.outputs?.map((output) => (output === '' ? '' : fresh(`${state.prefix}${output}`))) ?? [name];
    const made = createNode({ op, domain, name, inputs, outputs, attributes });
    const shapes = inferNodeOutputs(made, { values: state.shapes, opsets: state.opsets });
    const constants = outputs.map((_, index) => shapes[index] && folded(shapes[index]));
    if (constants.every((value) => value !== undefined)) return constants;
    for (const [index, output] of outputs.entries()) {
      const shape = shapes[index];
      if (output === '') continue;
      if (shape === undefined) throw new InputError(`gradient: node "${name}" (${op}) has no output ${index}`);
      state.shapes.set(output, shape);
      state.producers.set(output, made);
    }
    state.nodeNames.add(name);
    state.nodes.push(made);
    if (key !== undefined) state.memo.set(key, outputs);
    return outputs;
  }
  const scalarLike = (value: string, number: number): string => {
    const type = dtype(value);
    const tensor = typedTensor(type, [], [number]);
    if (tensor !== undefined) return constant(`${type} [] ${number}`, tensor);
    return operators.cast(constant(`float32 [] ${number}`, typedTensor('float32', [], [number]) as Tensor), {
      to: type,
    });
  };
  const isAll = (value: string, number: number): boolean => values(value)?.every((item) => item === number) ?? false;

  /** A product without the factors equal to 1. */
  function mul(a: string, b: string): string {
    if (isAll(b, 1) && dims(b).length <= dims(a).length && elementCount(dims(b)) === 1) return a;
    if (isAll(a, 1) && dims(a).length <= dims(b).length && elementCount(dims(a)) === 1) return b;
    return operators.mul(a, b);
  }
  const reshapeTo = (value: string, to: readonly number[]): string => {
    if (sameDims(dims(value), to)) return value;
    const made = state.producers.get(value);
    // Merges a reshape of a reshape.
    const source = made?.op === 'Reshape' && made.domain === '' ? (made.inputs[0] ?? value) : value;
    if (sameDims(dims(source), to)) return source;
    return emit('Reshape', [source, integers(to)], { name: 'Reshape' }, to.includes(0) ? { allowzero: int(1) } : {});
  };

  const swapLast = (value: string): string => {
    const rank = dims(value).length;
    return operators.transpose(value, [...Array.from({ length: rank - 2 }, (_, axis) => axis), rank - 1, rank - 2]);
  };

  function matrixProduct(a: string, b: string, { transA = false, transB = false, alpha = 1 }: ProductOptions = {}) {
    if (dims(a).length === 2 && dims(b).length === 2) {
      return transA || transB || alpha !== 1 ? operators.gemm(a, b, { transA, transB, alpha }) : operators.matmul(a, b);
    }
    if (state.contrib && dtype(a) === 'float32' && (transA || transB || alpha !== 1)) {
      const attributes = { transA: int(transA ? 1 : 0), transB: int(transB ? 1 : 0), alpha: alphaAttribute(alpha) };
      const [fused] = node('FusedMatMul', [a, b], { domain: 'com.microsoft', attributes });
      return present(fused, 'output of FusedMatMul');
    }
    const product = operators.matmul(transA ? swapLast(a) : a, transB ? swapLast(b) : b);
    return scale(product, alpha);
  }
  const scale = (value: string, factor: number): string =>
    factor === 1 ? value : mul(value, scalarLike(value, factor));

  return {
    ...operators,
    opset: state.opset,
    contrib: state.contrib,
    node,
    dims,
    dtype,
    values,
    producer: (value) => state.producers.get(value),
    integers,
    mul,
    int64: (value) => constant(`int64 [] ${value}`, tensorOf('int64', [], BigInt64Array.of(BigInt(value)))),
    scalarLike,
    zeros: (to, type) => emit('ConstantOfShape', [integers(to)], { name: 'zeros' }, { value: zeroAttribute(type) }),
    ones(to, type) {
      const tensor = typedTensor(type, to, Array<number>(elementCount(to)).fill(1));
      if (tensor === undefined) throw new InputError(`gradient: no ones of element type ${type}`);
      return constant(`${type} ones [${to.join()}]`, tensor);
    },
    scale,
    product: (...factors) => {
      const ordered = [...factors].sort((a, b) => elementCount(dims(a)) - elementCount(dims(b)));
      return ordered.slice(1).reduce((product, factor) => mul(product, factor), present(ordered[0], 'first factor'));
    },
    expandTo: (value, to) => (sameDims(dims(value), to) ? value : operators.expand(value, to)),
    reshapeTo,
    matrixProduct,
  };
}

const alphaAttribute = (value: number): Attribute => ({ type: 'float', value: Math.fround(value) });

function zeroAttribute(dtype: DType): Attribute {
  const value = typedTensor(dtype, [1], [0]);
  if (value === undefined) throw new InputError(`gradient: no zeros of element type ${dtype}`);
  return { type: 'tensor', value };
}
