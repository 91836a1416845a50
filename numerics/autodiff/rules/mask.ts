/**
 * Operators that keep some elements and set the others to zero.
 *   trilu: the same triangle of dy
 *   dropout: dy mask / (1 - ratio) in training, dy otherwise (Srivastava et al. 2014); the mask is the forward node's
 *   cumulative sum: dy summed in the opposite direction
 */
import { int } from '../../onnx/attributes.ts';
import { type BackwardRule, defineRule } from '../rule.ts';

export const mask: readonly BackwardRule[] = [
  defineRule({
    op: 'CumSum',
    since: 13,
    backward(b, node, dy) {
      const attributes = { exclusive: int(node.int('exclusive', 0)), reverse: int(1 - node.int('reverse', 0)) };
      return b.node('CumSum', [dy, node.input(1)], { attributes });
    },
  }),
  defineRule({
    op: 'Dropout',
    since: 13,
    backward(b, node, dy) {
      const training = node.optional(2);
      if (training === undefined || b.values(training)?.[0] === 0) return [dy];
      const ratio = node.optional(1);
      const dtype = b.dtype(dy);
      const dropped = ratio === undefined ? b.scalarLike(dy, 0.5) : b.cast(ratio, { to: dtype });
      const one = b.scalarLike(dy, 1);
      const factor = b.reciprocal(b.sub(one, dropped));
      // Outside of training the mask is all true and values are not scaled.
      const applied = b.values(training)?.[0] === 1 ? factor : b.where(training, factor, one);
      return [b.mul(b.mul(dy, applied), b.cast(node.output(1), { to: dtype }))];
    },
  }),
  defineRule({
    op: 'Trilu',
    since: 14,
    backward(b, node, dy) {
      const offset = node.optional(1);
      const attributes = { upper: int(node.int('upper', 1)) };
      return b.node('Trilu', offset === undefined ? [dy] : [dy, offset], { attributes });
    },
  }),
];
