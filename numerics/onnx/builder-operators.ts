/** The builder's methods for common operators, in the forms of opset 18 and later. */
import { DTYPES, type DType } from '../tensor/dtype.ts';
import { type Tensor, tensorOf } from '../tensor/tensor.ts';
import { float, int, ints, string } from './attributes.ts';
import type { Attribute } from './graph.ts';

/** Names of a node and its value. */
export interface Naming {
  /** Name of the node; default: derived from the operator. */
  readonly name?: string;
  /** Name of the value; default: the node's name. */
  readonly output?: string;
}

export interface NodeExtras {
  readonly domain?: string;
  readonly name?: string;
  /** Names of the outputs, '' for an omitted one; default: one output with the node's name. */
  readonly outputs?: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

/** A constant vector, or the name of an int64 value. */
export type Integers = readonly number[] | string;

/** Functions on which the methods are built. */
export interface Emitter {
  readonly node: (op: string, inputs: readonly string[], extras?: NodeExtras) => readonly string[];
  /** Adds a node with one output; returns its name. */
  readonly emit: (
    op: string,
    inputs: readonly string[],
    naming?: Naming,
    attributes?: Readonly<Record<string, Attribute>>,
  ) => string;
  /** A constant; equal keys share one initializer. */
  readonly constant: (key: string, tensor: Tensor) => string;
  readonly integers: (values: Integers) => string;
}

interface GemmOptions {
  readonly c?: string;
  readonly transA?: boolean;
  readonly transB?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
}

export function createOperators({ node, emit, constant, integers }: Emitter) {
  const unary = (op: string) => (x: string, naming?: Naming) => emit(op, [x], naming);
  const binary = (op: string) => (a: string, b: string, naming?: Naming) => emit(op, [a, b], naming);
  const variadic = (op: string) => (values: readonly string[], naming?: Naming) => emit(op, values, naming);
  const reduce =
    (op: string) =>
    (
      x: string,
      { axes, keepdims = true, ...naming }: Naming & { readonly axes?: Integers; readonly keepdims?: boolean },
    ) =>
      emit(op, axes === undefined ? [x] : [x, integers(axes)], naming, { keepdims: int(keepdims ? 1 : 0) });
  const alongAxis =
    (op: string) =>
    (x: string, { axis, ...naming }: Naming & { readonly axis: number }) =>
      emit(op, [x], naming, { axis: int(axis) });

  return {
    abs: unary('Abs'),
    ceil: unary('Ceil'),
    cos: unary('Cos'),
    erf: unary('Erf'),
    exp: unary('Exp'),
    floor: unary('Floor'),
    identity: unary('Identity'),
    log: unary('Log'),
    neg: unary('Neg'),
    not: unary('Not'),
    reciprocal: unary('Reciprocal'),
    relu: unary('Relu'),
    round: unary('Round'),
    sigmoid: unary('Sigmoid'),
    sign: unary('Sign'),
    sin: unary('Sin'),
    softplus: unary('Softplus'),
    sqrt: unary('Sqrt'),
    tanh: unary('Tanh'),

    add: binary('Add'),
    and: binary('And'),
    div: binary('Div'),
    equal: binary('Equal'),
    greater: binary('Greater'),
    greaterOrEqual: binary('GreaterOrEqual'),
    less: binary('Less'),
    lessOrEqual: binary('LessOrEqual'),
    matmul: binary('MatMul'),
    mod: binary('Mod'),
    mul: binary('Mul'),
    or: binary('Or'),
    pow: binary('Pow'),
    sub: binary('Sub'),

    max: variadic('Max'),
    min: variadic('Min'),
    sum: variadic('Sum'),

    reduceL2: reduce('ReduceL2'),
    reduceLogSumExp: reduce('ReduceLogSumExp'),
    reduceMax: reduce('ReduceMax'),
    reduceMean: reduce('ReduceMean'),
    reduceMin: reduce('ReduceMin'),
    reduceProd: reduce('ReduceProd'),
    reduceSum: reduce('ReduceSum'),
    reduceSumSquare: reduce('ReduceSumSquare'),

    softmax: alongAxis('Softmax'),
    logSoftmax: alongAxis('LogSoftmax'),

    argMax: (
      x: string,
      { axis, keepdims = true, ...naming }: Naming & { readonly axis: number; readonly keepdims?: boolean },
    ) => emit('ArgMax', [x], naming, { axis: int(axis), keepdims: int(keepdims ? 1 : 0) }),
    cast: (x: string, { to, ...naming }: Naming & { readonly to: DType }) =>
      emit('Cast', [x], naming, { to: int(DTYPES[to].code) }),
    /** Bounds are names of scalars. */
    clip: (x: string, { min = '', max = '', ...naming }: Naming & { readonly min?: string; readonly max?: string }) =>
      emit('Clip', [x, min, max], naming),
    concat: (values: readonly string[], { axis, ...naming }: Naming & { readonly axis: number }) =>
      emit('Concat', values, naming, { axis: int(axis) }),
    cumSum: (x: string, { axis, ...naming }: Naming & { readonly axis: number }) =>
      emit('CumSum', [x, constant(`int64 ${axis}`, tensorOf('int64', [], BigInt64Array.of(BigInt(axis))))], naming),
    einsum: (equation: string, values: readonly string[], naming?: Naming) =>
      emit('Einsum', values, naming, { equation: string(equation) }),
    expand: (x: string, shape: Integers, naming?: Naming) => emit('Expand', [x, integers(shape)], naming),
    gather: (x: string, indices: string, { axis = 0, ...naming }: Naming & { readonly axis?: number } = {}) =>
      emit('Gather', [x, indices], naming, { axis: int(axis) }),
    gatherElements: (x: string, indices: string, { axis, ...naming }: Naming & { readonly axis: number }) =>
      emit('GatherElements', [x, indices], naming, { axis: int(axis) }),
    /** alpha a b + beta c for matrices. */
    gemm: (
      a: string,
      b: string,
      { c, transA = false, transB = false, alpha = 1, beta = 1, ...naming }: Naming & GemmOptions = {},
    ) =>
      emit('Gemm', c === undefined ? [a, b] : [a, b, c], naming, {
        alpha: float(alpha),
        beta: float(beta),
        transA: int(transA ? 1 : 0),
        transB: int(transB ? 1 : 0),
      }),
    /** Needs opset 20. */
    gelu: (x: string, { approximate = 'none', ...naming }: Naming & { readonly approximate?: 'none' | 'tanh' } = {}) =>
      emit('Gelu', [x], naming, { approximate: string(approximate) }),
    layerNormalization: (
      x: string,
      scale: string,
      {
        bias,
        axis = -1,
        epsilon = 1e-5,
        ...naming
      }: Naming & { readonly bias?: string; readonly axis?: number; readonly epsilon?: number } = {},
    ) =>
      emit('LayerNormalization', bias === undefined ? [x, scale] : [x, scale, bias], naming, {
        axis: int(axis),
        epsilon: float(epsilon),
      }),
    /** Scalars: start, limit, step. */
    range: (start: string, limit: string, step: string, naming?: Naming) => emit('Range', [start, limit, step], naming),
    reshape: (x: string, shape: Integers, naming?: Naming) => emit('Reshape', [x, integers(shape)], naming),
    shape: (x: string, { start, end, ...naming }: Naming & { readonly start?: number; readonly end?: number } = {}) =>
      emit('Shape', [x], naming, {
        ...(start === undefined ? {} : { start: int(start) }),
        ...(end === undefined ? {} : { end: int(end) }),
      }),
    slice: (
      x: string,
      {
        starts,
        ends,
        axes,
        steps,
        ...naming
      }: Naming & {
        readonly starts: Integers;
        readonly ends: Integers;
        readonly axes: Integers;
        readonly steps?: Integers;
      },
    ) =>
      emit(
        'Slice',
        [x, integers(starts), integers(ends), integers(axes), ...(steps === undefined ? [] : [integers(steps)])],
        naming,
      ),
    /** Equal parts, or parts of the given sizes; returns their names. */
    split: (
      x: string,
      {
        axis,
        outputs,
        sizes,
        name,
      }: {
        readonly axis: number;
        readonly outputs: readonly string[];
        readonly sizes?: Integers;
        readonly name?: string;
      },
    ) =>
      node('Split', sizes === undefined ? [x] : [x, integers(sizes)], {
        outputs,
        ...(name === undefined ? {} : { name }),
        attributes: { axis: int(axis), ...(sizes === undefined ? { num_outputs: int(outputs.length) } : {}) },
      }),
    squeeze: (x: string, axes: Integers, naming?: Naming) => emit('Squeeze', [x, integers(axes)], naming),
    tile: (x: string, repeats: Integers, naming?: Naming) => emit('Tile', [x, integers(repeats)], naming),
    transpose: (x: string, perm: readonly number[], naming?: Naming) =>
      emit('Transpose', [x], naming, { perm: ints(perm) }),
    trilu: (x: string, { upper, ...naming }: Naming & { readonly upper: boolean }) =>
      emit('Trilu', [x], naming, { upper: int(upper ? 1 : 0) }),
    unsqueeze: (x: string, axes: Integers, naming?: Naming) => emit('Unsqueeze', [x, integers(axes)], naming),
    where: (condition: string, then: string, otherwise: string, naming?: Naming) =>
      emit('Where', [condition, then, otherwise], naming),
  };
}
