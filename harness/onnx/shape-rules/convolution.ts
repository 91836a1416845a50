/** Convolutions and pooling, [batch, channels, …space]. https://onnx.ai/onnx/operators/onnx__Conv.html */
import type { DType } from '../../tensor/dtype.ts';
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
    const stride = strides[axis] as number;
    const covered = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    if (automatic.startsWith('SAME')) return Math.ceil(length / stride);
    const begin = automatic === 'VALID' ? 0 : (pads[axis] as number);
    const padded = length + begin + (automatic === 'VALID' ? 0 : (pads[axis + rank] as number));
    const steps = (padded - covered) / stride;
    if (steps < 0) context.fail(`a window of ${covered} does not fit length ${padded}`);
    if (!ceil) return Math.floor(steps) + 1;
    // A window that would start in the padding behind the input is left out.
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
    const stride = strides[axis] as number;
    if (same) return length * stride;
    const covered = ((kernel[axis] as number) - 1) * (dilations[axis] as number) + 1;
    const padding = (pads[axis] as number) + (pads[axis + space.length] as number);
    return stride * (length - 1) + (extra[axis] as number) + covered - padding;
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

export const convolutions: ShapeRules = {
  Conv: convolution(1, (context) => context.input(0).dtype),
  ConvInteger: convolution(1, () => 'int32'),
  QLinearConv: convolution(3, (context) => context.input(7).dtype),
  ConvTranspose: transposed,
  MaxPool: pool,
  AveragePool: pool,
  LpPool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  GlobalLpPool: globalPool,
};
