/** Convolutions, pooling, resizing and recurrent layers, [batch, channels, …space]. https://onnx.ai/onnx/operators/onnx__Conv.html */
import { present } from '../../../contracts/present.ts';
import type { DType } from '../../tensor/dtype.ts';
import { floatsAttribute } from '../attributes.ts';
import { type RuleContext, shaped, type ShapeRule, type ShapeRules } from './rule.ts';

interface Window {
  readonly kernel: readonly number[];
  readonly ceil: boolean;
}

/** Lengths after sliding a window over the space axes. */
function slide(context: RuleContext, space: readonly number[], { kernel, ceil }: Window): readonly number[] {
  const rank = space.length;
  const strides = context.ints('strides', Array(rank).fill(1));
  const dilations = context.ints('dilations', Array(rank).fill(1));
  const automatic = context.text('auto_pad', 'NOTSET');
  const pads = context.ints('pads', Array(2 * rank).fill(0));
  return space.map((length, axis) => {
    const stride = present(strides[axis], 'strides[axis]');
    const covered = (present(kernel[axis], 'kernel[axis]') - 1) * present(dilations[axis], 'dilations[axis]') + 1;
    if (automatic.startsWith('SAME')) return Math.ceil(length / stride);
    const begin = automatic === 'VALID' ? 0 : present(pads[axis], 'pads[axis]');
    const padded = length + begin + (automatic === 'VALID' ? 0 : present(pads[axis + rank], 'pads[axis+rank]'));
    const steps = (padded - covered) / stride;
    if (steps < 0) context.fail(`a window of ${covered} does not fit length ${padded}`);
    if (!ceil) return Math.floor(steps) + 1;
    // A window that would start in the trailing padding is omitted.
    const count = Math.ceil(steps) + 1;
    return (count - 1) * stride >= length + begin ? count - 1 : count;
  });
}

const convolution =
  (weightInput: number, dtype: (context: RuleContext) => DType): ShapeRule =>
  (context) => {
    const [batch, , ...space] = context.input(0).dims as readonly [number, number, ...number[]];
    const [channels, , ...kernel] = context.input(weightInput).dims as readonly [number, number, ...number[]];
    return [shaped(dtype(context), [batch, channels, ...slide(context, space, { kernel, ceil: false })])];
  };

const transposed: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const [batch, , ...space] = dims as readonly [number, number, ...number[]];
  const [, perGroup, ...kernel] = context.input(1).dims as readonly [number, number, ...number[]];
  const ones = space.map(() => 1);
  const strides = context.ints('strides', ones);
  const dilations = context.ints('dilations', ones);
  const pads = context.ints('pads', Array(2 * space.length).fill(0));
  const extra = context.ints(
    'output_padding',
    space.map(() => 0),
  );
  const same = context.text('auto_pad', 'NOTSET').startsWith('SAME');
  const grown = space.map((length, axis) => {
    const stride = present(strides[axis], 'strides[axis]');
    if (same) return length * stride;
    const covered = (present(kernel[axis], 'kernel[axis]') - 1) * present(dilations[axis], 'dilations[axis]') + 1;
    const padding = present(pads[axis], 'pads[axis]') + present(pads[axis + space.length], 'pads[axis+space.length]');
    return stride * (length - 1) + present(extra[axis], 'extra[axis]') + covered - padding;
  });
  const lengths = context.has('output_shape') ? context.ints('output_shape').slice(-space.length) : grown;
  return [shaped(dtype, [batch, perGroup * context.int('group', 1), ...lengths])];
};

const pool: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const [batch, channels, ...space] = dims as readonly [number, number, ...number[]];
  const lengths = slide(context, space, {
    kernel: context.ints('kernel_shape'),
    ceil: context.int('ceil_mode', 0) === 1,
  });
  return [shaped(dtype, [batch, channels, ...lengths]), shaped('int64', [batch, channels, ...lengths])];
};

const globalPool: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  return [
    shaped(
      dtype,
      dims.map((dim, axis) => (axis < 2 ? dim : 1)),
    ),
  ];
};

/** Since opset 11 roi, scales and sizes are inputs, with either scales or sizes given; before, scales is input 1. */
const resize: ShapeRule = (context) => {
  const x = context.input(0);
  const old = context.opset < 11 || context.node.op === 'Upsample';
  const axes = context.ints(
    'axes',
    x.dims.map((_, axis) => axis),
  );
  const dims = [...x.dims];
  const sizes = !old && context.optional(3);
  if (sizes && sizes.dims[0] !== 0) {
    const policy = context.text('keep_aspect_ratio_policy', 'stretch');
    const asked = context.values(3);
    const ratios = axes.map(
      (axis, index) => present(asked[index], 'asked[index]') / present(x.dims[axis], 'x.dims[axis]'),
    );
    const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
    for (const [index, axis] of axes.entries()) {
      // Rounds halves up.
      dims[axis] =
        policy === 'stretch'
          ? present(asked[index], 'asked[index]')
          : Math.floor(ratio * present(x.dims[axis], 'x.dims[axis]') + 0.5);
    }
    return [shaped(x.dtype, dims)];
  }
  const scales = old && context.has('scales') ? floatsAttribute(context.node, 'scales') : context.values(old ? 1 : 2);
  for (const [index, axis] of axes.entries())
    dims[axis] = Math.floor(
      present(x.dims[axis], 'x.dims[axis]') * Math.fround(present(scales[index], 'scales[index]')),
    );
  return [shaped(x.dtype, dims)];
};

/** LSTM, GRU, RNN: x [sequence, batch, in], or [batch, sequence, in] with layout 1; outputs all steps, the last one, its cell. */
const recurrent: ShapeRule = (context) => {
  const { dtype, dims } = context.input(0);
  const batchFirst = context.int('layout', 0) === 1;
  const [sequence, batch] = (batchFirst ? [dims[1], dims[0]] : dims) as readonly [number, number];
  const directions = present(context.input(1).dims[0], 'context.input(1).dims[0]');
  const hidden = present(context.input(2).dims[2], 'context.input(2).dims[2]');
  const last = shaped(dtype, batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]);
  return [
    shaped(dtype, batchFirst ? [batch, sequence, directions, hidden] : [sequence, directions, batch, hidden]),
    last,
    last,
  ];
};

export const convolutions: ShapeRules = {
  Conv: convolution(1, (context) => context.input(0).dtype),
  'com.microsoft:FusedConv': convolution(1, (context) => context.input(0).dtype),
  ConvInteger: convolution(1, () => 'int32'),
  QLinearConv: convolution(3, (context) => context.input(7).dtype),
  ConvTranspose: transposed,
  Resize: resize,
  Upsample: resize,
  LSTM: recurrent,
  GRU: recurrent,
  RNN: recurrent,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
};
