/**
 * Operators that split and join along axes.
 *   concat: the parts of dy       split: dys joined       slice: dy between zeros       pad: dy without the padding
 * A slice with steps inserts |step| - 1 zeros after each element; one that runs backwards reverses dy first.
 */
import { present } from '../../../contracts/present.ts';
import type { GradientBuilder } from '../gradient-builder.ts';
import { type BackwardRule, defineRule, type ForwardNode, fromStart } from '../rule.ts';
import { padWithZeros } from './pad-with-zeros.ts';

/** Ranges within the axis, whatever its length. */
const TO_START = Number.MIN_SAFE_INTEGER;

interface Cut {
  readonly axis: number;
  /** First element taken. */
  readonly start: number;
  readonly step: number;
}

/** As https://onnx.ai/onnx/operators/onnx__Slice.html clamps them. */
function cutsOf(node: ForwardNode): readonly Cut[] {
  const dims = node.dims(0);
  const starts = node.values(1);
  const axes = node.optional(3) === undefined ? starts.map((_, axis) => axis) : node.values(3);
  const steps = node.optional(4) === undefined ? starts.map(() => 1) : node.values(4);
  return axes.map((given, index) => {
    const axis = fromStart(given, dims.length);
    const length = present(dims[axis], 'dims[axis]');
    const step = present(steps[index], 'steps[index]');
    const at = present(starts[index], 'starts[index]');
    const last = step > 0 ? length : Math.max(length - 1, 0);
    return { axis, step, start: Math.min(Math.max(at < 0 ? at + length : at, 0), last) };
  });
}

/** Elements `step` apart along an axis, zeros between them. */
function spread(b: GradientBuilder, value: string, { axis, step }: { axis: number; step: number }): string {
  const dims = b.dims(value);
  const count = present(dims[axis], 'dims[axis]');
  const apart = b.reshapeTo(value, dims.toSpliced(axis + 1, 0, 1));
  const filled = padWithZeros(b, apart, { axes: [axis + 1], before: [0], after: [step - 1] });
  const joined = b.reshapeTo(filled, dims.with(axis, count * step));
  return b.slice(joined, { starts: [0], ends: [(count - 1) * step + 1], axes: [axis] });
}

function sliceBackward(b: GradientBuilder, node: ForwardNode, dy: string): string {
  const dims = node.dims(0);
  if (b.dims(dy).includes(0)) return b.zeros(dims, b.dtype(dy));
  let gradient = dy;
  const cuts = cutsOf(node);
  const backwards = cuts.filter(({ step }) => step < 0).map(({ axis }) => axis);
  if (backwards.length > 0) {
    const all = (value: number): readonly number[] => backwards.map(() => value);
    gradient = b.slice(gradient, { starts: all(-1), ends: all(TO_START), axes: backwards, steps: all(-1) });
  }
  const before: number[] = [];
  const after: number[] = [];
  for (const { axis, start, step } of cuts) {
    const count = present(b.dims(dy)[axis], 'b.dims(dy)[axis]');
    if (Math.abs(step) > 1 && count > 1) gradient = spread(b, gradient, { axis, step: Math.abs(step) });
    const first = step > 0 ? start : start + step * (count - 1);
    before.push(first);
    after.push(present(dims[axis], 'dims[axis]') - first - present(b.dims(gradient)[axis], 'b.dims(gradient)[axis]'));
  }
  return padWithZeros(b, gradient, { axes: cuts.map(({ axis }) => axis), before, after });
}

function padBackward(b: GradientBuilder, node: ForwardNode, dy: string): readonly (string | null)[] {
  const mode = node.text('mode', 'constant');
  if (mode !== 'constant') return node.unsupported(`mode ${mode} has no gradient here, only constant`);
  if (node.wants(2)) return node.unsupported('the padding value has no gradient here');
  const dims = node.dims(0);
  const pads = node.values(1);
  const axes =
    node.optional(3) === undefined
      ? dims.map((_, axis) => axis)
      : node.values(3).map((axis) => fromStart(axis, dims.length));
  const first = (index: number): number => present(pads[index], 'pads[index]');
  const last = (index: number): number => present(pads[index + axes.length], 'pads[index+axes.length]');
  const outer = axes.map((axis, index) => first(index) + last(index) + present(dims[axis], 'dims[axis]'));
  const inner = b.slice(dy, {
    starts: axes.map((_, index) => Math.max(first(index), 0)),
    ends: axes.map((_, index) => present(outer[index], 'outer[index]') - Math.max(last(index), 0)),
    axes,
  });
  const dx = padWithZeros(b, inner, {
    axes,
    before: axes.map((_, index) => Math.max(-first(index), 0)),
    after: axes.map((_, index) => Math.max(-last(index), 0)),
  });
  return [dx];
}

export const pieces: readonly BackwardRule[] = [
  defineRule({
    op: 'Concat',
    since: 13,
    backward(b, node, dy) {
      const axis = fromStart(node.int('axis'), node.outputDims().length);
      const sizes = node.node.inputs.map((_, index) => present(node.dims(index)[axis], 'node.dims(index)[axis]'));
      if (node.node.inputs.every((_, index) => node.wants(index)) && sizes.length > 1) {
        return b.split(dy, { axis, sizes, outputs: sizes.map((_, index) => `part_${index}`), name: 'Split' });
      }
      let start = 0;
      return sizes.map((size, index) => {
        const [from, to] = [start, start + size];
        start = to;
        return node.wants(index) ? b.slice(dy, { starts: [from], ends: [to], axes: [axis] }) : null;
      });
    },
  }),
  defineRule({ op: 'Pad', since: 13, backward: padBackward }),
  defineRule({ op: 'Slice', since: 13, backward: (b, node, dy) => [sliceBackward(b, node, dy)] }),
  defineRule({
    op: 'Split',
    since: 13,
    severalOutputs: true,
    backward: (b, node, _, dys) => [b.concat(dys, { axis: node.int('axis', 0) })],
  }),
];
