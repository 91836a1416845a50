/** Reductions, softmax and similar operators along axes. */
import { present } from '../../../contracts/present.ts';
import { elementCount } from '../../tensor/tensor.ts';
import {
  normalAxis,
  type RuleContext,
  sameAsFirst,
  shaped,
  type ShapedValue,
  type ShapeRule,
  type ShapeRules,
} from './rule.ts';

/** Axes came as an attribute until opset 17 (ReduceSum: 12), as an input since. */
function axesOf(context: RuleContext, rank: number): ReadonlySet<number> {
  const given = context.optional(1) ? context.values(1) : context.ints('axes', []);
  if (given.length === 0) {
    const all = context.int('noop_with_empty_axes', 0) === 1 ? [] : Array.from({ length: rank }, (_, axis) => axis);
    return new Set(all);
  }
  return new Set(given.map((axis) => normalAxis(context, axis, rank)));
}

/** Folds only reductions of a vector, or of everything, to one element, as in products over a shape. */
function reduction(fold?: (values: readonly number[]) => number): ShapeRule {
  return (context) => {
    const x = context.input(0);
    const axes = axesOf(context, x.dims.length);
    const keep = context.int('keepdims', 1) === 1;
    const dims = x.dims.flatMap((dim, axis) => (axes.has(axis) ? (keep ? [1] : []) : [dim]));
    const toOne = axes.size === x.dims.length && elementCount(dims) === 1;
    return [shaped(x.dtype, dims, toOne && x.values && fold ? [fold(x.values)] : undefined)];
  };
}

const argument: ShapeRule = (context) => {
  const { dims } = context.input(0);
  const axis = normalAxis(context, context.int('axis', 0), dims.length);
  const kept = context.int('keepdims', 1) === 1 ? [1] : [];
  return [shaped('int64', [...dims.slice(0, axis), ...kept, ...dims.slice(axis + 1)])];
};

/** k came as an attribute before opset 10. */
const topK: ShapeRule = (context) => {
  const x = context.input(0);
  const k = context.opset < 10 ? context.int('k') : present(context.values(1)[0], 'context.values(1)[0]');
  const axis = normalAxis(context, context.int('axis', -1), x.dims.length);
  const dims = x.dims.with(axis, k);
  return [shaped(x.dtype, dims), shaped('int64', dims)];
};

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const multiply = (values: readonly number[]): number => values.reduce((total, value) => total * value, 1);

const crossEntropy: ShapeRule = (context) => {
  const scores: ShapedValue = context.input(0);
  const labels = context.input(1).dims;
  const loss = context.text('reduction', 'mean') === 'none' ? labels : [];
  return [shaped(scores.dtype, loss), shaped(scores.dtype, scores.dims)];
};

export const reductions: ShapeRules = {
  ReduceL1: reduction(),
  ReduceL2: reduction(),
  ReduceLogSum: reduction(),
  ReduceLogSumExp: reduction(),
  ReduceMax: reduction((values) => Math.max(...values)),
  ReduceMean: reduction(),
  ReduceMin: reduction((values) => Math.min(...values)),
  ReduceProd: reduction(multiply),
  ReduceSum: reduction(sum),
  ReduceSumSquare: reduction(),
  ArgMax: argument,
  ArgMin: argument,
  TopK: topK,
  Softmax: sameAsFirst,
  LogSoftmax: sameAsFirst,
  CumSum: sameAsFirst,
  CumProd: sameAsFirst,
  SoftmaxCrossEntropyLoss: crossEntropy,
  NegativeLogLikelihoodLoss: crossEntropy,
};
