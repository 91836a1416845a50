/**
 * Reading by index; indices have no gradient, and elements read several times get the sum.
 *   gather:          dx[i[j], ...] += dy[j, ...]     x: [..., n, ...] along `axis`, i: any shape in its place
 *   gather elements: dx[.., i[..j..], ..] += dy[..j..]
 *   gather nd:       dx[i[j], ...] += dy[j, ...]     i: [..., depth]
 * https://onnx.ai/onnx/operators/onnx__Gather.html and the others
 */
import { present } from '../../../contracts/present.ts';
import { int, string } from '../../onnx/attributes.ts';
import { elementCount } from '../../tensor/tensor.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode, fromStart } from '../rule.ts';
import { padWithZeros } from './pad-with-zeros.ts';

/** Scatter operators support addition since opset 16. */
const SCATTER_ADDS = 16;
/** Up to this many rows, a product with an indicator matrix is faster than adding element by element. */
const MAX_INDICATOR_ROWS = 256;

/**
 * Adds rows dy[j] to row i[j] of [rows, ...]. dy: [count, ...], i: [count]. Does not use ScatterND: in onnxruntime 1.30
 * it adds in several threads at once and loses updates where indices repeat. ScatterElements adds sequentially.
 */
export function addRows(b: GradientBuilder, dy: string, { indices, rows }: { indices: string; rows: number }): string {
  const [count = 0, ...rest] = b.dims(dy);
  const width = elementCount(rest);
  const flat = b.reshapeTo(dy, [count, width]);
  const column = b.reshapeTo(indices, [count, 1]);
  let sums: string;
  if (b.opset < SCATTER_ADDS || rows <= MAX_INDICATOR_ROWS) {
    const length = b.scalarLike(indices, rows);
    const positive = b.where(b.less(column, b.scalarLike(column, 0)), b.add(column, length), column);
    const every = b.range(b.scalarLike(indices, 0), length, b.scalarLike(indices, 1)); // [rows]
    const hits = b.cast(b.equal(positive, every), { to: b.dtype(dy) }); // [count, rows]
    sums = b.matrixProduct(hits, flat, { transA: true });
  } else {
    const attributes = { axis: int(0), reduction: string('add') };
    const zeros = b.zeros([rows, width], b.dtype(dy));
    sums = present(
      b.node('ScatterElements', [zeros, b.expandTo(column, [count, width]), flat], { attributes })[0],
      'the output of ScatterElements',
    );
  }
  return b.reshapeTo(sums, [rows, ...rest]);
}

function gatherBackward(b: GradientBuilder, node: ForwardNode, dy: string): string {
  const dims = node.dims(0);
  const axis = fromStart(node.int('axis', 0), dims.length);
  const length = present(dims[axis], 'dims[axis]');
  const indices = node.input(1);
  const known = b.values(indices);
  if (known?.length === 1) {
    const at = fromStart(present(known[0], 'known[0]'), length);
    const single = b.reshapeTo(dy, dims.with(axis, 1));
    return padWithZeros(b, single, { axes: [axis], before: [at], after: [length - 1 - at] });
  }
  const count = elementCount(b.dims(indices));
  const flat = b.reshapeTo(dy, [...dims.slice(0, axis), count, ...dims.slice(axis + 1)]);
  if (axis === 0) return addRows(b, flat, { indices, rows: length });
  const others = dims.map((_, at) => at).filter((at) => at !== axis);
  const front = [axis, ...others];
  const rows = addRows(b, b.transpose(flat, front), { indices, rows: length });
  return b.transpose(
    rows,
    dims.map((_, at) => front.indexOf(at)),
  );
}

function gatherElementsBackward(b: GradientBuilder, node: ForwardNode, dy: string): string {
  const axis = fromStart(node.int('axis', 0), node.dims(0).length);
  const single = node.dims(1)[axis] === 1;
  if (!single && b.opset < SCATTER_ADDS) {
    return node.unsupported(`indices along axis ${axis} may repeat; summing them needs opset ${SCATTER_ADDS}`);
  }
  const attributes = { axis: int(axis), ...(single ? {} : { reduction: string('add') }) };
  const zeros = b.zeros(node.dims(0), b.dtype(dy));
  return present(
    b.node('ScatterElements', [zeros, node.input(1), dy], { attributes })[0],
    'the output of ScatterElements',
  );
}

export const gather: readonly BackwardRule[] = [
  defineRule({ op: 'Gather', since: 13, backward: (b, node, dy) => [gatherBackward(b, node, dy)] }),
  defineRule({ op: 'GatherElements', since: 13, backward: (b, node, dy) => [gatherElementsBackward(b, node, dy)] }),
  defineRule({
    op: 'GatherND',
    since: 13,
    backward(b, node, dy) {
      if (node.int('batch_dims', 0) !== 0) return node.unsupported('batch_dims has no gradient here');
      const dims = node.dims(0);
      const depth = present(node.dims(1).at(-1), 'last of node.dims(1)');
      const [outer, inner] = [dims.slice(0, depth), dims.slice(depth)];
      const indices = node.input(1);
      const steps = b.integers(outer.map((_, axis) => elementCount(outer.slice(axis + 1))));
      const positive = b.where(b.less(indices, b.scalarLike(indices, 0)), b.add(indices, b.integers(outer)), indices);
      const flat = b.reduceSum(b.mul(positive, steps), { axes: [-1], keepdims: false });
      const count = elementCount(b.dims(flat));
      const updates = b.reshapeTo(dy, [count, ...inner]);
      return [b.reshapeTo(addRows(b, updates, { indices: flat, rows: elementCount(outer) }), dims)];
    },
  }),
];
