/**
 * Operators that move or repeat elements.
 *   reshape and similar: dy in the shape of x        transpose: dy transposed back
 *   expand: dy, summed by the engine                 tile: dy summed over the repeats
 */
import { present } from '../../../contracts/present.ts';
import { type BackwardRule, defineRule } from '../rule.ts';

const reshaping = (op: string): BackwardRule =>
  defineRule({ op, since: 13, backward: (b, node, dy) => [b.reshapeTo(dy, node.dims(0))] });

export const layout: readonly BackwardRule[] = [
  defineRule({ op: 'Expand', since: 13, elementwise: true, backward: (_, __, dy) => [dy] }),
  reshaping('Flatten'),
  defineRule({ op: 'Identity', since: 13, elementwise: true, backward: (_, __, dy) => [dy] }),
  reshaping('Reshape'),
  reshaping('Squeeze'),
  defineRule({
    op: 'Tile',
    since: 13,
    backward(b, node, dy) {
      const dims = node.dims(0);
      const repeats = node.outputDims().map((dim, axis) => dim / Math.max(present(dims[axis], 'dims[axis]'), 1));
      const pairs = b.reshapeTo(
        dy,
        dims.flatMap((dim, axis) => [present(repeats[axis], 'repeats[axis]'), dim]),
      );
      return [b.reduceSum(pairs, { axes: dims.map((_, axis) => 2 * axis), keepdims: false })];
    },
  }),
  defineRule({
    op: 'Transpose',
    since: 13,
    backward(b, node, dy) {
      const perm = node.ints(
        'perm',
        node
          .dims(0)
          .map((_, axis) => axis)
          .reverse(),
      );
      return [
        b.transpose(
          dy,
          perm.map((_, axis) => perm.indexOf(axis)),
        ),
      ];
    },
  }),
  reshaping('Unsqueeze'),
];
