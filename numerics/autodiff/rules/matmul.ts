/**
 * Matrix products. https://onnx.ai/onnx/operators/onnx__MatMul.html, onnx__Gemm.html; FusedMatMul of onnxruntime's
 * ContribOperators.md
 *   Y = A B        dA = dY Bᵀ        dB = Aᵀ dY            A: [..., m, k], B: [..., k, n], Y: [..., m, n]
 *   Y = αA B + βC  dA = α dY Bᵀ      dB = α Aᵀ dY    dC = β dY
 * For a matrix shared by a whole stack, the stack is treated as one tall matrix; a vector is a matrix of one row or
 * column.
 */
import { present } from '../../../contracts/present.ts';
import { elementCount } from '../../tensor/tensor.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode } from '../rule.ts';

interface Operand {
  readonly value: string;
  readonly transposed: boolean;
}

interface Product {
  readonly a: Operand;
  readonly b: Operand;
  readonly alpha: number;
}

/** A stack of matrices as one matrix, their rows concatenated. */
function tall(b: GradientBuilder, value: string): string {
  const dims = b.dims(value);
  const columns = present(dims.at(-1), 'last of dims');
  return b.reshapeTo(value, [elementCount(dims.slice(0, -1)), columns]);
}

function gradientOfA(b: GradientBuilder, dy: string, { a, b: right, alpha }: Product): string {
  // The gradient of Aᵀ is B dYᵀ.
  if (a.transposed) {
    return b.matrixProduct(right.value, dy, { transA: right.transposed, transB: true, alpha });
  }
  return b.matrixProduct(dy, right.value, { transB: !right.transposed, alpha });
}

function gradientOfB(b: GradientBuilder, dy: string, { a, b: right, alpha }: Product): string {
  const shared = b.dims(right.value).length === 2 && b.dims(a.value).length > 2 && !a.transposed;
  const [left, tallDy] = shared ? [tall(b, a.value), tall(b, dy)] : [a.value, dy];
  if (right.transposed) return b.matrixProduct(tallDy, left, { transA: true, transB: a.transposed, alpha });
  return b.matrixProduct(left, tallDy, { transA: !a.transposed, alpha });
}

/** Vectors as matrices, and the gradient of the output in the matching shape. */
function backward(b: GradientBuilder, node: ForwardNode, dy: string): readonly (string | null)[] {
  const [aDims, bDims] = [node.dims(0), node.dims(1)];
  const asRow = aDims.length === 1 ? b.reshapeTo(node.input(0), [1, ...aDims]) : node.input(0);
  const asColumn = bDims.length === 1 ? b.reshapeTo(node.input(1), [...bDims, 1]) : node.input(1);
  const outer = [...node.outputDims()];
  if (aDims.length === 1) outer.splice(bDims.length === 1 ? outer.length : outer.length - 1, 0, 1);
  if (bDims.length === 1) outer.push(1);
  const product: Product = {
    a: { value: asRow, transposed: node.int('transA', 0) === 1 },
    b: { value: asColumn, transposed: node.int('transB', 0) === 1 },
    alpha: node.float('alpha', 1),
  };
  const full = b.reshapeTo(dy, outer);
  const da = node.wants(0) ? gradientOfA(b, full, product) : null;
  const db = node.wants(1) ? gradientOfB(b, full, product) : null;
  return [
    da !== null && aDims.length === 1 ? vectorOf(b, da, aDims) : da,
    db !== null && bDims.length === 1 ? vectorOf(b, db, bDims) : db,
  ];
}

/** A gradient [..., n] of a vector [n], from rows or columns of one element. */
function vectorOf(b: GradientBuilder, gradient: string, [length = 0]: readonly number[]): string {
  const stack = elementCount(b.dims(gradient)) / Math.max(length, 1);
  return b.reshapeTo(gradient, stack === 1 ? [length] : [stack, length]);
}

export const matmul: readonly BackwardRule[] = [
  defineRule({
    op: 'Gemm',
    since: 13,
    backward(b, node, dy) {
      const [a, right] = [node.input(0), node.input(1)];
      const [transA, transB] = [node.int('transA', 0) === 1, node.int('transB', 0) === 1];
      const product = {
        a: { value: a, transposed: transA },
        b: { value: right, transposed: transB },
        alpha: node.float('alpha', 1),
      };
      return [
        node.wants(0) ? gradientOfA(b, dy, product) : null,
        node.wants(1) ? gradientOfB(b, dy, product) : null,
        node.wants(2) ? b.scale(dy, node.float('beta', 1)) : null,
      ];
    },
  }),
  defineRule({ op: 'MatMul', since: 13, backward }),
  defineRule({
    op: 'FusedMatMul',
    domain: 'com.microsoft',
    since: 1,
    backward(b, node, dy) {
      if (node.int('transBatchA', 0) === 1 || node.int('transBatchB', 0) === 1) {
        return node.unsupported('transBatchA and transBatchB have no gradient here');
      }
      return backward(b, node, dy);
    },
  }),
];
