/** Operators that work element by element, with broadcasting. https://onnx.ai/onnx/operators/ */
import { present } from '../../../contracts/present.ts';
import type { DType } from '../../tensor/dtype.ts';
import {
  broadcast,
  broadcastPosition,
  dtypeAttribute,
  pick,
  type RuleContext,
  sameAsFirst,
  shaped,
  type ShapedValue,
  type ShapeRule,
  type ShapeRules,
} from './rule.ts';

const FLOATS: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

type Fold = (...elements: readonly number[]) => number;

function folded(inputs: readonly ShapedValue[], dims: readonly number[], fold: Fold): readonly number[] | undefined {
  const columns = inputs.map((input) => pick(input, dims, (position) => broadcastPosition(input.dims, position)));
  if (columns.some((column) => column === undefined)) return undefined;
  const length = columns[0]?.length ?? 0;
  return Array.from({ length }, (_, i) => fold(...columns.map((column) => present(column?.[i], 'an element'))));
}

/** All inputs broadcast together; the element type is that of input `typeFrom`, or `dtype`. */
function broadcasting(
  fold?: (context: RuleContext, dtype: DType) => Fold,
  { dtype, typeFrom = 0 }: { dtype?: DType; typeFrom?: number } = {},
): ShapeRule {
  return (context) => {
    const inputs = Array.from({ length: context.inputCount }, (_, index) => context.input(index));
    const dims = broadcast(context, ...inputs.map((input) => input.dims));
    const type = context.input(typeFrom).dtype;
    return [shaped(dtype ?? type, dims, fold && folded(inputs, dims, fold(context, type)))];
  };
}

const unary = (fold: Fold): ShapeRule => broadcasting(() => fold);
const binary = unary;
const comparison = (fold: Fold): ShapeRule => broadcasting(() => fold, { dtype: 'bool' });

const divide = (_: RuleContext, dtype: DType): Fold =>
  FLOATS.has(dtype) ? (a = 0, b = 0) => a / b : (a = 0, b = 0) => Math.trunc(a / b);

/** fmod = 1 takes the dividend's sign, 0 the divisor's. */
const modulo = (context: RuleContext): Fold =>
  context.int('fmod', 0) === 1 ? (a = 0, b = 0) => a % b : (a = 0, b = 0) => ((a % b) + b) % b;

const cast: ShapeRule = (context) => {
  const x = context.input(0);
  const to = dtypeAttribute(context, 'to', x.dtype);
  return [shaped(to, x.dims, x.values && castValues(x.values, to))];
};

/** Folds only the casts that shapes need: integers. A float outside the type's range is left to the runtime. */
function castValues(values: readonly number[], to: DType): readonly number[] | undefined {
  if (to === 'bool') return values.map((value) => (value === 0 ? 0 : 1));
  if (to === 'int64' || to === 'int32') {
    const whole = values.map(Math.trunc);
    return whole.every((value) => Number.isSafeInteger(value) && (to === 'int64' || value === (value | 0)))
      ? whole
      : undefined;
  }
  if (to === 'float64') return values;
  if (to === 'float32') return values.map(Math.fround);
  return undefined;
}

const where: ShapeRule = (context) => {
  const inputs = [context.input(0), context.input(1), context.input(2)];
  const dims = broadcast(context, ...inputs.map((input) => input.dims));
  return [
    shaped(
      context.input(1).dtype,
      dims,
      folded(inputs, dims, (c = 0, a = 0, b = 0) => (c === 0 ? b : a)),
    ),
  ];
};

const dropout: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  return [shaped(dtype, dims, context.input(0).values), shaped('bool', dims)];
};

const boolean: ShapeRule = (context) => [shaped('bool', context.input(0).dims)];

/** Inputs: A, its scale and zero point, B, its scale and zero point, then those of the result. */
const quantizedPair: ShapeRule = (context) => [
  shaped(context.input(0).dtype, broadcast(context, context.input(0).dims, context.input(3).dims)),
];

/** Not folded: activations and similar operators never compute shapes. */
const UNARY =
  'Acos Acosh Asin Asinh Atan Atanh BitwiseNot Celu Cos Cosh Elu Erf Exp Gelu HardSigmoid HardSwish Hardmax LeakyRelu Log Mish Relu Selu Sigmoid Sign Sin Sinh Softplus Softsign Swish Tan Tanh ThresholdedRelu Clip LpNormalization LRN MeanVarianceNormalization Shrink Bernoulli';

export const elementwise: ShapeRules = {
  ...Object.fromEntries(UNARY.split(' ').map((op) => [op, sameAsFirst])),
  Abs: unary((x = 0) => Math.abs(x)),
  Ceil: unary((x = 0) => Math.ceil(x)),
  Floor: unary((x = 0) => Math.floor(x)),
  Identity: unary((x = 0) => x),
  Neg: unary((x = 0) => -x),
  Not: unary((x = 0) => (x === 0 ? 1 : 0)),
  Reciprocal: unary((x = 0) => 1 / x),
  Round: sameAsFirst,
  Sqrt: unary((x = 0) => Math.sqrt(x)),

  Add: binary((a = 0, b = 0) => a + b),
  Sub: binary((a = 0, b = 0) => a - b),
  Mul: binary((a = 0, b = 0) => a * b),
  Div: broadcasting(divide),
  Mod: broadcasting(modulo),
  Pow: binary((a = 0, b = 0) => a ** b),
  PRelu: broadcasting(),
  Max: binary((...xs) => Math.max(...xs)),
  Min: binary((...xs) => Math.min(...xs)),
  Sum: binary((...xs) => xs.reduce((sum, x) => sum + x, 0)),
  Mean: broadcasting(),
  BitShift: broadcasting(),
  BitwiseAnd: broadcasting(),
  BitwiseOr: broadcasting(),
  BitwiseXor: broadcasting(),

  Equal: comparison((a, b) => (a === b ? 1 : 0)),
  Greater: comparison((a = 0, b = 0) => (a > b ? 1 : 0)),
  GreaterOrEqual: comparison((a = 0, b = 0) => (a >= b ? 1 : 0)),
  Less: comparison((a = 0, b = 0) => (a < b ? 1 : 0)),
  LessOrEqual: comparison((a = 0, b = 0) => (a <= b ? 1 : 0)),
  And: comparison((a, b) => (a !== 0 && b !== 0 ? 1 : 0)),
  Or: comparison((a, b) => (a !== 0 || b !== 0 ? 1 : 0)),
  Xor: comparison((a, b) => ((a !== 0) !== (b !== 0) ? 1 : 0)),
  IsInf: boolean,
  IsNaN: boolean,

  Cast: cast,
  CastLike: (context) => [shaped(context.input(1).dtype, context.input(0).dims)],
  Dropout: dropout,
  Where: where,

  BitCast: (context) => [shaped(dtypeAttribute(context, 'to', context.input(0).dtype), context.input(0).dims)],
  SwiGLU: sameAsFirst,

  'com.microsoft:BiasAdd': sameAsFirst,
  'com.microsoft:BiasDropout': dropout,
  'com.microsoft:BiasGelu': sameAsFirst,
  'com.microsoft:BiasSplitGelu': (context) => {
    const { dtype, dims } = context.input(0);
    return [shaped(dtype, [...dims.slice(0, -1), (dims.at(-1) ?? 0) / 2])];
  },
  'com.microsoft:FastGelu': sameAsFirst,
  'com.microsoft:Gelu': sameAsFirst,
  'com.microsoft:QuickGelu': sameAsFirst,
  'com.microsoft:BiasSoftmax': sameAsFirst,
  'com.microsoft:QLinearAdd': quantizedPair,
  'com.microsoft:QLinearMul': quantizedPair,
  'com.microsoft:QLinearLeakyRelu': sameAsFirst,
  'com.microsoft:QLinearSigmoid': sameAsFirst,
  'com.microsoft:QLinearSoftmax': sameAsFirst,
};
