/**
 * GELU and its approximations. x, y, dy: any shape. Hendrycks & Gimpel 2016, https://arxiv.org/abs/1606.08415
 *   none:  y = x Φ(x)                         dx = dy (Φ(x) + x φ(x)),   Φ(x) = (1 + erf(x/√2)) / 2,  φ(x) = exp(-x²/2) / √2π
 *   tanh:  y = x (1 + tanh(v/2)) / 2 = x s    dx = dy (s + s (1 - s) x v')
 *          s = sigmoid(v), v = 2k (x + c x³)  v' = 2k (1 + 3c x²),   k = √(2/π), c = 0.044715
 *   quick: y = x s, s = sigmoid(αx)           dx = dy (s + α y (1 - s))
 */
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ExpandRule } from '../rule.ts';

const CUBIC = 0.044715;
const SLOPE = Math.sqrt(2 / Math.PI);

function geluGradient(b: GradientBuilder, x: string, dy: string): string {
  const u = b.scale(x, Math.SQRT1_2);
  const density = b.mul(b.scale(u, 2 / Math.sqrt(Math.PI)), b.exp(b.neg(b.mul(u, u)))); // 2 x φ(x)
  const twice = b.add(b.add(b.erf(u), b.scalarLike(x, 1)), density);
  return b.mul(b.scale(dy, 0.5), twice);
}

function tanhGeluGradient(b: GradientBuilder, x: string, dy: string): string {
  const square = b.mul(x, x);
  const slope = b.scalarLike(x, 2 * SLOPE);
  const s = b.sigmoid(b.mul(x, b.add(b.scale(square, 2 * SLOPE * CUBIC), slope)));
  const inner = b.mul(x, b.add(b.scale(square, 6 * SLOPE * CUBIC), slope)); // x v'
  const share = b.mul(dy, s);
  return b.add(share, b.mul(share, b.sub(inner, b.mul(s, inner))));
}

function quickGeluGradient(
  b: GradientBuilder,
  x: string,
  { y, dy, alpha }: { y: string; dy: string; alpha: number },
): string {
  const s = b.sigmoid(b.scale(x, alpha));
  return b.mul(dy, b.add(s, b.mul(b.scale(y, alpha), b.sub(b.scalarLike(x, 1), s))));
}

const MICROSOFT = 'com.microsoft';

export const gelu: readonly (BackwardRule | ExpandRule)[] = [
  defineRule({
    op: 'Gelu',
    since: 20,
    elementwise: true,
    backward(b, node, dy) {
      const tanh = node.text('approximate', 'none') === 'tanh';
      return [(tanh ? tanhGeluGradient : geluGradient)(b, node.input(0), dy)];
    },
  }),
  defineRule({
    op: 'Gelu',
    domain: MICROSOFT,
    since: 1,
    elementwise: true,
    backward: (b, node, dy) => [geluGradient(b, node.input(0), dy)],
  }),
  defineRule({
    op: 'BiasGelu',
    domain: MICROSOFT,
    since: 1,
    expand: (b, node) => b.node('Gelu', [b.add(node.input(0), node.input(1))], { domain: MICROSOFT }),
  }),
  defineRule({
    op: 'FastGelu',
    domain: MICROSOFT,
    since: 1,
    elementwise: true,
    backward(b, node, dy) {
      const bias = node.optional(1);
      const x = bias === undefined ? node.input(0) : b.add(node.input(0), bias);
      const dx = tanhGeluGradient(b, x, dy);
      return [dx, dx];
    },
  }),
  defineRule({
    op: 'QuickGelu',
    domain: MICROSOFT,
    since: 1,
    elementwise: true,
    backward: (b, node, dy) => [
      quickGeluGradient(b, node.input(0), { y: node.output(0), dy, alpha: node.float('alpha', 1.702) }),
    ],
  }),
];
