/**
 * Reductions over `axes`. x: [..., n, ...], y and dy: the same with the axes of length 1; dy broadcasts back by itself.
 *   sum: dy    mean: dy / n    sum of squares: 2 dy x    L1: dy sign x    L2: dy x / y (0 where y = 0)
 *   log-sum: dy exp(-y)        log-sum-exp: dy exp(x - y)
 *   max, min: dy shared evenly by the elements that equal y
 *   prod: dy times the product of the others, exact where elements are 0
 * https://onnx.ai/onnx/operators/onnx__ReduceSum.html and the others; axes are an attribute before opset 18 (ReduceSum: 13).
 */
import { present } from '../../../contracts/present.ts';
import { elementCount } from '../../tensor/tensor.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode, fromStart } from '../rule.ts';

interface Reduction {
  readonly x: string;
  /** The output with its axes kept. */
  readonly y: string;
  readonly dy: string;
  readonly axes: readonly number[];
  /** Number of elements that each element of the output reduces. */
  readonly count: number;
}

function axesOf(node: ForwardNode): readonly number[] {
  const rank = node.dims(0).length;
  const given = node.optional(1) === undefined ? node.ints('axes', []) : node.values(1);
  if (given.length > 0) return given.map((axis) => fromStart(axis, rank));
  return node.int('noop_with_empty_axes', 0) === 1 ? [] : node.dims(0).map((_, axis) => axis);
}

const reduction = (op: string, gradient: (b: GradientBuilder, parts: Reduction) => string): BackwardRule =>
  defineRule({
    op,
    since: 13,
    backward(b, node, dy) {
      const dims = node.dims(0);
      const axes = axesOf(node);
      const kept = dims.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
      const count = elementCount(axes.map((axis) => present(dims[axis], 'dims[axis]')));
      const parts = { x: node.input(0), y: b.reshapeTo(node.output(0), kept), dy: b.reshapeTo(dy, kept), axes, count };
      return [gradient(b, parts)];
    },
  });

function extreme(b: GradientBuilder, { x, y, dy, axes }: Reduction): string {
  if (axes.length === 0) return dy;
  const hits = b.cast(b.equal(x, y), { to: b.dtype(x) });
  return b.mul(hits, b.div(dy, b.reduceSum(hits, { axes })));
}

function product(b: GradientBuilder, { x, y, dy, axes }: Reduction): string {
  if (axes.length === 0) return dy;
  const [zero, one] = [b.scalarLike(x, 0), b.scalarLike(x, 1)];
  const isZero = b.equal(x, zero);
  const filled = b.where(isZero, one, x);
  const zeros = b.reduceSum(b.cast(isZero, { to: b.dtype(x) }), { axes });
  const others = b.reduceProd(filled, { axes });
  const single = b.where(b.equal(zeros, one), others, zero);
  return b.mul(dy, b.where(isZero, single, b.div(y, filled)));
}

export const reduce: readonly BackwardRule[] = [
  reduction('ReduceL1', (b, { x, dy }) => b.mul(dy, b.sign(x))),
  reduction('ReduceL2', (b, { x, y, dy }) => {
    const safe = b.where(b.equal(y, b.scalarLike(y, 0)), b.scalarLike(y, 1), y);
    return b.mul(b.div(dy, safe), x);
  }),
  reduction('ReduceLogSum', (b, { y, dy }) => b.mul(dy, b.exp(b.neg(y)))),
  reduction('ReduceLogSumExp', (b, { x, y, dy }) => b.mul(dy, b.exp(b.sub(x, y)))),
  reduction('ReduceMax', extreme),
  reduction('ReduceMean', (b, { dy, count }) => b.scale(dy, 1 / count)),
  reduction('ReduceMin', extreme),
  reduction('ReduceProd', product),
  reduction('ReduceSum', (_, { dy }) => dy),
  reduction('ReduceSumSquare', (b, { x, dy }) => b.mul(b.scale(dy, 2), x)),
];
