/**
 * Functions of one variable. https://onnx.ai/onnx/operators/ — x: input, y: output, any shape.
 *   exp: dy y              ln: dy / x             sin: dy cos x          cos: -dy sin x
 *   erf: dy 2/√π exp(-x²)  tanh: dy (1 - y²)      sigmoid: dy y (1 - y)  softplus: dy sigmoid(x)
 *   relu: dy where x > 0, else 0 (0 at 0)         leaky relu: dy where x > 0, else α dy
 */
import { type BackwardRule, defineRule } from '../rule.ts';

const unary = (op: string, slope: (...args: Parameters<BackwardRule['backward']>) => string): BackwardRule =>
  defineRule({ op, since: 13, elementwise: true, backward: (...args) => [slope(...args)] });

export const functions: readonly BackwardRule[] = [
  unary('Cos', (b, node, dy) => b.neg(b.mul(dy, b.sin(node.input(0))))),
  unary('Erf', (b, node, dy) => {
    const x = node.input(0);
    return b.mul(b.scale(dy, 2 / Math.sqrt(Math.PI)), b.exp(b.neg(b.mul(x, x))));
  }),
  unary('Exp', (b, node, dy) => b.mul(dy, node.output(0))),
  unary('LeakyRelu', (b, node, dy) => {
    const x = node.input(0);
    return b.where(b.greater(x, b.scalarLike(x, 0)), dy, b.scale(dy, node.float('alpha', 0.01)));
  }),
  unary('Log', (b, node, dy) => b.div(dy, node.input(0))),
  unary('Relu', (b, node, dy) => {
    const y = node.output(0);
    return b.where(b.greater(y, b.scalarLike(y, 0)), dy, b.scalarLike(y, 0));
  }),
  unary('Sigmoid', (b, node, dy) => {
    const y = node.output(0);
    return b.product(dy, b.mul(y, b.sub(b.scalarLike(y, 1), y)));
  }),
  unary('Sin', (b, node, dy) => b.mul(dy, b.cos(node.input(0)))),
  unary('Softplus', (b, node, dy) => b.mul(dy, b.sigmoid(node.input(0)))),
  unary('Tanh', (b, node, dy) => {
    const y = node.output(0);
    return b.mul(dy, b.sub(b.scalarLike(y, 1), b.mul(y, y)));
  }),
];
