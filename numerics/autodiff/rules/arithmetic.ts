/**
 * Arithmetic, element by element. https://onnx.ai/onnx/operators/ — x, y, dy: broadcast together, y the output.
 *   a + b: dy, dy          a - b: dy, -dy         a b: dy b, dy a        a / b: dy / b, -dy y / b
 *   x^p: dy p x^(p-1), dy y ln x (0 where x <= 0; for p = 0 the first is 0)
 *   sqrt: dy / 2y          1/x: -dy y²            |x|: dy sign x (0 at 0)
 */
import { present } from '../../../contracts/present.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode } from '../rule.ts';

const elementwise = (op: string, backward: BackwardRule['backward'], { since = 13, domain = '' } = {}): BackwardRule =>
  defineRule({ op, domain, since, elementwise: true, backward });

function powerBase(b: GradientBuilder, node: ForwardNode, dy: string): string {
  const x = node.input(0);
  const y = node.output(0);
  const known = b.values(node.input(1));
  if (known !== undefined && known.length > 0 && known.every((item) => item === known[0])) {
    const power = present(known[0], 'known[0]');
    if (power === 1) return dy;
    if (power === 2) return b.product(b.scale(dy, 2), x);
    if (power === 3) return b.product(b.scale(dy, 3), b.mul(x, x));
    if (power === 0.5) return b.div(b.scale(dy, 0.5), y);
    if (power === 0) return b.mul(dy, b.scalarLike(x, 0));
    return b.product(b.scale(dy, power), b.pow(x, b.scalarLike(x, power - 1)));
  }
  const p = b.dtype(node.input(1)) === b.dtype(x) ? node.input(1) : b.cast(node.input(1), { to: b.dtype(x) });
  const zero = b.scalarLike(x, 0);
  const slope = b.mul(p, b.pow(x, b.sub(p, b.scalarLike(x, 1))));
  return b.mul(dy, b.where(b.equal(p, zero), zero, slope));
}

function powerExponent(b: GradientBuilder, node: ForwardNode, dy: string): string {
  const x = node.input(0);
  const zero = b.scalarLike(x, 0);
  const positive = b.greater(x, zero);
  const logarithm = b.log(b.where(positive, x, b.scalarLike(x, 1)));
  return b.mul(dy, b.mul(node.output(0), logarithm));
}

/** Each of the n inputs gets dy / n. */
const mean: BackwardRule['backward'] = (b, node, dy) => {
  const share = b.scale(dy, 1 / node.inputCount);
  return node.node.inputs.map(() => share);
};

export const arithmetic: readonly BackwardRule[] = [
  elementwise('Abs', (b, node, dy) => [b.mul(dy, b.sign(node.input(0)))]),
  elementwise('Add', (_, __, dy) => [dy, dy]),
  elementwise('Div', (b, node, dy) => {
    const share = b.div(dy, node.input(1));
    return [share, node.wants(1) ? b.neg(b.mul(share, node.output(0))) : null];
  }),
  elementwise('Mean', mean),
  elementwise('Mul', (b, node, dy) => [
    node.wants(0) ? b.mul(dy, node.input(1)) : null,
    node.wants(1) ? b.mul(dy, node.input(0)) : null,
  ]),
  elementwise('Neg', (b, _, dy) => [b.neg(dy)]),
  elementwise('Pow', (b, node, dy) => [
    node.wants(0) ? powerBase(b, node, dy) : null,
    node.wants(1) ? powerExponent(b, node, dy) : null,
  ]),
  elementwise('Reciprocal', (b, node, dy) => [b.neg(b.product(dy, node.output(0), node.output(0)))]),
  elementwise('Sqrt', (b, node, dy) => [b.div(b.scale(dy, 0.5), node.output(0))]),
  elementwise('Sub', (b, node, dy) => [dy, node.wants(1) ? b.neg(dy) : null]),
  elementwise('Sum', (_, node, dy) => node.node.inputs.map(() => dy)),
];
