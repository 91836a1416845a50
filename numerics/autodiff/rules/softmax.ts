/**
 * https://onnx.ai/onnx/operators/onnx__Softmax.html, onnx__LogSoftmax.html — x, y, dy: [..., n, ...] along `axis`
 *   y = exp(x) / Σ exp(x)         dx = y (dy - Σ dy y)
 *   y = x - ln Σ exp(x)           dx = dy - exp(y) Σ dy              sums over `axis`
 */
import { type BackwardRule, defineRule } from '../rule.ts';

export const softmax: readonly BackwardRule[] = [
  defineRule({
    op: 'LogSoftmax',
    since: 13,
    backward(b, node, dy) {
      const sum = b.reduceSum(dy, { axes: [node.int('axis', -1)] });
      return [b.sub(dy, b.mul(b.exp(node.output(0)), sum))];
    },
  }),
  defineRule({
    op: 'Softmax',
    since: 13,
    backward(b, node, dy) {
      const y = node.output(0);
      const sum = b.reduceSum(b.mul(dy, y), { axes: [node.int('axis', -1)] });
      return [b.mul(y, b.sub(dy, sum))];
    },
  }),
];
