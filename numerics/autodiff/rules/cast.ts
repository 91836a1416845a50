/** Casts between floating-point types: dy in the type of x. Casts to integers and booleans have no gradient. */
import { type BackwardRule, defineRule } from '../rule.ts';

const cast = (op: string, since: number): BackwardRule =>
  defineRule({
    op,
    since,
    elementwise: true,
    backward: (b, node, dy) => [b.dtype(dy) === node.dtype(0) ? dy : b.cast(dy, { to: node.dtype(0) })],
  });

export const casts: readonly BackwardRule[] = [cast('Cast', 13), cast('CastLike', 15)];
