/** Operators that move elements without computing: reshape, transpose, concat, split, slice, pad. */
import { present } from '../../../contracts/present.ts';
import { elementCount } from '../../tensor/tensor.ts';
import {
  broadcast,
  broadcastPosition,
  normalAxis,
  pick,
  type RuleContext,
  shaped,
  type ShapeRule,
  type ShapeRules,
} from './rule.ts';

const reshape: ShapeRule = (context) => {
  const x = context.input(0);
  const asked = context.values(1);
  const allowZero = context.int('allowzero', 0) === 1;
  const dims = asked.map((dim, axis) =>
    dim === 0 && !allowZero
      ? (x.dims[axis] ?? context.fail(`0 at axis ${axis} copies a dimension that is not there`))
      : dim,
  );
  const count = elementCount(x.dims);
  const free = dims.indexOf(-1);
  if (free >= 0) {
    const rest = elementCount(dims.with(free, 1));
    if (rest === 0 || count % rest !== 0) context.fail(`${count} elements do not fit shape [${asked.join(', ')}]`);
    dims[free] = count / rest;
  }
  if (elementCount(dims) !== count) context.fail(`${count} elements do not fit shape [${asked.join(', ')}]`);
  return [shaped(x.dtype, dims, x.values)];
};

const flatten: ShapeRule = (context) => {
  const x = context.input(0);
  const axis = context.int('axis', 1);
  const at = axis < 0 ? axis + x.dims.length : axis;
  return [shaped(x.dtype, [elementCount(x.dims.slice(0, at)), elementCount(x.dims.slice(at))], x.values)];
};

/** Axes are an attribute before opset 13. */
function axesInput(context: RuleContext): readonly number[] | undefined {
  if (context.opset < 13) return context.has('axes') ? context.ints('axes') : undefined;
  return context.optional(1) && context.values(1);
}

const squeeze: ShapeRule = (context) => {
  const x = context.input(0);
  const axes = axesInput(context)?.map((axis) => normalAxis(context, axis, x.dims.length));
  const wrong = axes?.find((axis) => x.dims[axis] !== 1);
  if (wrong !== undefined) context.fail(`axis ${wrong} has length ${x.dims[wrong]}, only 1 can be squeezed`);
  return [
    shaped(
      x.dtype,
      x.dims.filter((dim, axis) => (axes ? !axes.includes(axis) : dim !== 1)),
      x.values,
    ),
  ];
};

const unsqueeze: ShapeRule = (context) => {
  const x = context.input(0);
  const axes = axesInput(context) ?? context.fail('axes are missing');
  const rank = x.dims.length + axes.length;
  const added = new Set(axes.map((axis) => normalAxis(context, axis, rank)));
  if (added.size !== axes.length) context.fail(`axes [${axes.join(', ')}] name one twice`);
  const rest = [...x.dims];
  const dims = Array.from({ length: rank }, (_, axis) => (added.has(axis) ? 1 : (rest.shift() as number)));
  return [shaped(x.dtype, dims, x.values)];
};

const transpose: ShapeRule = (context) => {
  const x = context.input(0);
  const perm = context.ints('perm', x.dims.map((_, axis) => axis).reverse());
  if (perm.length !== x.dims.length) context.fail(`perm [${perm.join(', ')}] does not fit rank ${x.dims.length}`);
  const dims = perm.map((axis) => x.dims[axis] ?? context.fail(`perm names axis ${axis}`));
  const values = pick(x, dims, (position) =>
    x.dims.map((_, axis) => present(position[perm.indexOf(axis)], 'position[perm.indexOf(axis)]')),
  );
  return [shaped(x.dtype, dims, values)];
};

const concat: ShapeRule = (context) => {
  const parts = Array.from({ length: context.inputCount }, (_, index) => context.input(index));
  const first = context.input(0);
  const axis = normalAxis(context, context.int('axis', 1), first.dims.length);
  for (const part of parts) {
    const fits =
      part.dims.length === first.dims.length && part.dims.every((dim, at) => at === axis || dim === first.dims[at]);
    if (!fits) context.fail(`parts differ beside axis ${axis}`);
  }
  const dims = first.dims.with(
    axis,
    parts.reduce((sum, part) => sum + present(part.dims[axis], 'part.dims[axis]'), 0),
  );
  const vector = dims.length === 1 && parts.every((part) => part.values !== undefined);
  return [shaped(first.dtype, dims, vector ? parts.flatMap((part) => part.values ?? []) : undefined)];
};

/** Sizes are an attribute before opset 13; without sizes the parts are equal, the last one smaller since opset 18. */
const split: ShapeRule = (context) => {
  const x = context.input(0);
  const axis = normalAxis(context, context.int('axis', 0), x.dims.length);
  const length = present(x.dims[axis], 'x.dims[axis]');
  const count = context.int('num_outputs', context.node.outputs.length);
  const part = Math.ceil(length / count);
  let sizes: readonly number[] = Array.from({ length: count }, (_, index) =>
    Math.max(0, Math.min(part, length - index * part)),
  );
  if (context.has('split')) sizes = context.ints('split');
  else if (context.optional(1)) sizes = context.values(1);
  if (sizes.reduce((sum, size) => sum + size, 0) !== length)
    context.fail(`parts [${sizes.join(', ')}] do not add up to ${length}`);
  let start = 0;
  return sizes.map((size) => {
    const from = start;
    start += size;
    const dims = x.dims.with(axis, size);
    return shaped(
      x.dtype,
      dims,
      pick(x, dims, (position) => position.with(axis, present(position[axis], 'position[axis]') + from)),
    );
  });
};

/** Everything is an attribute before opset 10. */
const slice: ShapeRule = (context) => {
  const x = context.input(0);
  const old = context.opset < 10;
  const starts = old ? context.ints('starts') : context.values(1);
  const ends = old ? context.ints('ends') : context.values(2);
  const counted = starts.map((_, axis) => axis);
  const axes = old ? context.ints('axes', counted) : context.optional(3) ? context.values(3) : counted;
  const steps = !old && context.optional(4) ? context.values(4) : starts.map(() => 1);
  const first = x.dims.map(() => 0);
  const step = x.dims.map(() => 1);
  const dims = [...x.dims];
  for (const [index, given] of axes.entries()) {
    const axis = normalAxis(context, given, x.dims.length);
    const length = present(x.dims[axis], 'x.dims[axis]');
    const by = present(steps[index], 'steps[index]');
    if (by === 0) context.fail('a step of 0');
    const absolute = (at: number): number => (at < 0 ? at + length : at);
    const [low, high] = by > 0 ? [0, length] : [-1, length - 1];
    const last = by > 0 ? length : Math.max(length - 1, 0);
    const start = Math.min(Math.max(absolute(present(starts[index], 'starts[index]')), 0), last);
    const end = Math.min(Math.max(absolute(present(ends[index], 'ends[index]')), low), high);
    first[axis] = start;
    step[axis] = by;
    dims[axis] = length === 0 ? 0 : Math.max(0, Math.ceil((end - start) / by));
  }
  const values = pick(x, dims, (position) =>
    position.map((at, axis) => present(first[axis], 'first[axis]') + at * present(step[axis], 'step[axis]')),
  );
  return [shaped(x.dtype, dims, values)];
};

const expand: ShapeRule = (context) => {
  const x = context.input(0);
  const dims = broadcast(context, x.dims, context.values(1));
  return [
    shaped(
      x.dtype,
      dims,
      pick(x, dims, (position) => broadcastPosition(x.dims, position)),
    ),
  ];
};

const tile: ShapeRule = (context) => {
  const x = context.input(0);
  const repeats = context.values(1);
  const dims = x.dims.map((dim, axis) => dim * (repeats[axis] ?? context.fail('repeats do not fit the rank')));
  return [
    shaped(
      x.dtype,
      dims,
      pick(x, dims, (position) => position.map((at, axis) => at % present(x.dims[axis], 'x.dims[axis]'))),
    ),
  ];
};

/** Padding is an attribute before opset 11; the axes input came with opset 18. */
const pad: ShapeRule = (context) => {
  const x = context.input(0);
  const pads = context.opset < 11 ? context.ints('pads') : context.values(1);
  const axes = context.optional(3)
    ? context.values(3).map((axis) => normalAxis(context, axis, x.dims.length))
    : x.dims.map((_, axis) => axis);
  const dims = [...x.dims];
  for (const [index, axis] of axes.entries()) {
    dims[axis] =
      present(dims[axis], 'dims[axis]') +
      present(pads[index], 'pads[index]') +
      present(pads[index + axes.length], 'pads[index+axes.length]');
  }
  return [shaped(x.dtype, dims)];
};

const depthToSpace: ShapeRule = (context) => {
  const [n, c, h, w] = context.input(0).dims as readonly [number, number, number, number];
  const block = context.int('blocksize');
  return [shaped(context.input(0).dtype, [n, c / (block * block), h * block, w * block])];
};

const spaceToDepth: ShapeRule = (context) => {
  const [n, c, h, w] = context.input(0).dims as readonly [number, number, number, number];
  const block = context.int('blocksize');
  return [shaped(context.input(0).dtype, [n, c * block * block, h / block, w / block])];
};

export const layout: ShapeRules = {
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Expand: expand,
  Tile: tile,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  ReverseSequence: (context) => [shaped(context.input(0).dtype, context.input(0).dims)],
};
