/**
 * Writing by index; indices have no gradient. x: data, u: updates, i: indices
 *   y = x with y[i] = u      dx = dy with dx[i] = 0      du = dy[i]     indices must be distinct, as the operator requires
 *   y = x with y[i] += u     dx = dy                     du = dy[i]
 * https://onnx.ai/onnx/operators/onnx__ScatterND.html, onnx__ScatterElements.html
 */
import { int } from '../../onnx/attributes.ts';
import { type BackwardRule, defineRule, type ForwardNode } from '../rule.ts';
import { present } from '../../../contracts/present.ts';

function adds(node: ForwardNode): boolean {
  const reduction = node.text('reduction', 'none');
  if (reduction === 'none') return false;
  return reduction === 'add' || node.unsupported(`reduction ${reduction} has no gradient here, only none and add`);
}

export const scatter: readonly BackwardRule[] = [
  defineRule({
    op: 'ScatterElements',
    since: 13,
    backward(b, node, dy) {
      const indices = node.input(1);
      const axis = node.int('axis', 0);
      const cleared = (): string =>
        present(
          b.node('ScatterElements', [dy, indices, b.zeros(node.dims(1), b.dtype(dy))], {
            attributes: { axis: int(axis) },
          })[0],
          'the output of ScatterElements',
        );
      const added = adds(node);
      return [
        !node.wants(0) || added ? dy : cleared(),
        null,
        node.wants(2) ? b.gatherElements(dy, indices, { axis }) : null,
      ];
    },
  }),
  defineRule({
    op: 'ScatterND',
    since: 13,
    backward(b, node, dy) {
      const indices = node.input(1);
      const cleared = (): string =>
        present(b.node('ScatterND', [dy, indices, b.zeros(node.dims(2), b.dtype(dy))])[0], 'the output of ScatterND');
      const added = adds(node);
      return [
        !node.wants(0) || added ? dy : cleared(),
        null,
        node.wants(2) ? present(b.node('GatherND', [dy, indices])[0], 'the output of GatherND') : null,
      ];
    },
  }),
];
