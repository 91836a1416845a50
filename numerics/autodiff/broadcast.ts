/** Broadcasting gradients, and summing them over broadcast axes. https://onnx.ai/onnx/repo-docs/Broadcasting.html */
import { present } from '../../contracts/present.ts';
import { elementCount } from '../tensor/tensor.ts';
import { sameDims } from './dims.ts';
import type { GradientBuilder } from './gradient-builder.ts';

/**
 * Sums a gradient over the axes along which its input was broadcast. `gradient` has the node's output shape or
 * broadcasts to it; along an axis where gradient and input both have length 1 the sum is a multiple.
 */
export function sumTo(
  b: GradientBuilder,
  gradient: string,
  { input, output }: { readonly input: readonly number[]; readonly output: readonly number[] },
): string {
  const dims = b.dims(gradient);
  const rank = Math.max(dims.length, output.length);
  const at = (shape: readonly number[], axis: number): number => shape[axis - rank + shape.length] ?? 1;
  const axes: number[] = [];
  let copies = 1;
  for (let axis = 0; axis < rank; axis++) {
    if (at(input, axis) !== 1) continue;
    if (at(dims, axis) !== 1) axes.push(axis - rank + dims.length);
    else copies *= at(output, axis);
  }
  const sum = axes.length === 0 ? gradient : sumOver(b, gradient, { axes, input });
  const scaled = b.scale(sum, copies);
  // Leading axes of length 1 that the input does not have.
  const extra = b.dims(scaled).length - input.length;
  return extra > 0 ? b.reshapeTo(scaled, b.dims(scaled).slice(extra)) : scaled;
}

/**
 * From this many elements on, a product with a vector of ones sums rows faster than ReduceSum, about twice on two
 * cores.
 */
const MIN_PRODUCT_ELEMENTS = 2 ** 15;

/** A sign or a factor is applied after the sum, where there are fewer elements. */
function sumOver(
  b: GradientBuilder,
  value: string,
  { axes, input }: { readonly axes: readonly number[]; readonly input: readonly number[] },
): string {
  const made = b.producer(value);
  const [first = '', second = ''] = made?.domain === '' ? made.inputs : [];
  if (made?.op === 'Neg') return b.neg(sumOver(b, first, { axes, input }));
  if (made?.op === 'Mul' && elementCount(b.dims(second)) === 1 && sameDims(b.dims(first), b.dims(value))) {
    return b.mul(sumOver(b, first, { axes, input }), second);
  }
  const leading = axes.every((axis, index) => axis === index) && b.dims(value).length - axes.length === input.length;
  const count = elementCount(b.dims(value));
  if (leading && input.length === 1 && count >= MIN_PRODUCT_ELEMENTS && b.dtype(value) === 'float32') {
    const rows = count / present(input[0], 'input[0]');
    return b.matmul(b.ones([rows], 'float32'), b.reshapeTo(value, [rows, present(input[0], 'input[0]')]));
  }
  return b.reduceSum(value, { axes, keepdims: !leading });
}
