/**
 * The uniform quantization grid: value = (code - zeroPoint) · scale, with codes of 2, 3, 4 or 8 bits.
 * Bit for bit that of ONNX Runtime's quantize_matmul_{2,4,8}bits (onnxruntime/core/mlas/lib/q4_dq.cpp), and the same
 * formula for 3 bits, which ONNX Runtime does not have: arithmetic in float32, multiplication by the reciprocal of the
 * scale, halves rounded away from zero.
 * https://github.com/microsoft/onnxruntime/blob/main/onnxruntime/core/mlas/lib/q4_dq.cpp
 */
import { NumericalError } from '../../../contracts/errors.ts';
export type Bits = 2 | 3 | 4 | 8;

export interface GridFormat {
  readonly bits: Bits;
  /**
   * Symmetric: the zero point is the middle code and zero is exact; otherwise zero point and scale fit the smallest and
   * largest value.
   */
  readonly symmetric: boolean;
}

/** The grid of one group of values that share a scale. */
export interface Grid {
  /**
   * A float32 number; negative where a symmetric group's extreme value is positive, since negative codes reach one step
   * further.
   */
  readonly scale: number;
  readonly zeroPoint: number;
  readonly maxCode: number;
  /** float32 1 / scale; 0 where the scale is 0, infinite where the scale is below 2^-128 in magnitude. */
  readonly reciprocal: number;
}

/** `count` values from `start`, `stride` apart. */
export interface Span {
  readonly start: number;
  readonly stride: number;
  readonly count: number;
}

/**
 * The grid with this scale and zero point; `scale` is rounded to float32. Throws NumericalError when the scale is
 * not finite.
 */
export function gridOf({ bits, scale, zeroPoint }: { bits: Bits; scale: number; zeroPoint: number }): Grid {
  const rounded = Math.fround(scale);
  if (!Number.isFinite(rounded)) {
    throw new NumericalError(
      `quantization grid of ${bits} bits: the scale of a group is ${rounded}, expected a finite float32 number; ` +
        'the group holds a weight that is not finite, or its range exceeds float32',
    );
  }
  const maxCode = 2 ** bits - 1;
  return { scale: rounded, zeroPoint, maxCode, reciprocal: rounded === 0 ? 0 : Math.fround(1 / rounded) };
}

/** The grid that covers a group of float32 values. A group of zeros gets scale 0. Throws NumericalError when a value is not finite. */
export function fitGrid(values: Float32Array, span: Span, format: GridFormat): Grid {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0, at = span.start; i < span.count; i++, at += span.stride) {
    const value = values[at]!;
    if (Number.isNaN(value)) return gridOfRange(NaN, NaN, format);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return gridOfRange(low, high, format);
}

/** The grid that covers [low, high], both float32. Throws NumericalError when either is not finite. */
export function gridOfRange(low: number, high: number, { bits, symmetric }: GridFormat): Grid {
  const maxCode = 2 ** bits - 1;
  if (symmetric) {
    const middle = 2 ** (bits - 1);
    const extreme = Math.abs(high) > Math.abs(low) ? high : low;
    return gridOf({ bits, scale: extreme / -middle, zeroPoint: middle });
  }
  const from = Math.min(low, 0);
  const to = Math.max(high, 0);
  const scale = Math.fround(Math.fround(to - from) / maxCode);
  const zeroPoint = scale === 0 ? 0 : Math.floor(Math.fround(-from / scale) + 0.5);
  return gridOf({ bits, scale, zeroPoint: Math.min(Math.max(zeroPoint, 0), maxCode) });
}

/**
 * The code of the grid point nearest to a float32 value. Where the reciprocal is infinite, values saturate as in ONNX
 * Runtime, except that zero gets the zero point (0 · Infinity is NaN).
 */
export function codeOf(grid: Grid, value: number): number {
  const position = Math.fround((value === 0 ? 0 : Math.fround(value * grid.reciprocal)) + grid.zeroPoint);
  const code = Math.floor(position + 0.5);
  return code < 0 ? 0 : code > grid.maxCode ? grid.maxCode : code;
}

/** The float32 value a code stands for. */
export function valueOf(grid: Grid, code: number): number {
  return Math.fround((code - grid.zeroPoint) * grid.scale);
}
