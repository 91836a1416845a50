/**
 * Choices between values, element by element. Comparisons and conditions have no gradient.
 *   where(c, a, b): dy where c, dy where not c
 *   max, min: dy shared evenly by the inputs that equal the output
 *   clip: dy where lo <= x <= hi (at the bounds too); lo: dy where x < lo; hi: dy where x > hi
 */
import { present } from '../../../contracts/present.ts';
import { elementCount } from '../../tensor/tensor.ts';
import { type BackwardRule, defineRule } from '../rule.ts';

const extreme = (op: string): BackwardRule =>
  defineRule({
    op,
    since: 13,
    elementwise: true,
    backward(b, node, dy) {
      if (node.inputCount === 1) return [dy];
      const y = node.output(0);
      const hits = node.node.inputs.map((input) => b.cast(b.equal(input, y), { to: b.dtype(y) }));
      const share = b.div(
        dy,
        hits.length === 2 ? b.add(present(hits[0], 'hits[0]'), present(hits[1], 'hits[1]')) : b.sum(hits),
      );
      return hits.map((hit, index) => (node.wants(index) ? b.mul(share, hit) : null));
    },
  });

export const select: readonly BackwardRule[] = [
  defineRule({
    op: 'Clip',
    since: 13,
    elementwise: true,
    backward(b, node, dy) {
      const x = node.input(0);
      const [low, high] = [node.optional(1), node.optional(2)];
      const zero = b.scalarLike(x, 0);
      const dx = b.where(b.equal(x, node.output(0)), dy, zero);
      return [
        dx,
        low !== undefined && node.wants(1) ? b.where(b.less(x, low), dy, zero) : null,
        high !== undefined && node.wants(2) ? b.where(b.greater(x, high), dy, zero) : null,
      ];
    },
  }),
  extreme('Max'),
  extreme('Min'),
  defineRule({
    op: 'Where',
    since: 9,
    elementwise: true,
    backward(b, node, dy) {
      const [condition, zero] = [node.input(0), b.scalarLike(dy, 0)];
      // A broadcast condition, as in attention masks, is cheaper as a factor: onnxruntime's Where is slow.
      const small = elementCount(b.dims(condition)) < elementCount(b.dims(dy));
      const chosen = (choice: string): string => b.mul(dy, b.cast(choice, { to: b.dtype(dy) }));
      const then = (): string => (small ? chosen(condition) : b.where(condition, dy, zero));
      const otherwise = (): string => (small ? chosen(b.not(condition)) : b.where(condition, zero, dy));
      return [null, node.wants(1) ? then() : null, node.wants(2) ? otherwise() : null];
    },
  }),
];
