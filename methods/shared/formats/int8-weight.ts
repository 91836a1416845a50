/**
 * Weights as 8-bit integers, symmetric on [-127, 127]: codes and scales are those of
 * onnxruntime.quantization.quantize_dynamic(weight_type=QInt8).
 */
import { NumericalError } from '../../../contracts/errors.ts';
import { roundHalfToEven } from './round-half-to-even.ts';

/** Below this a scale is not a normal float32, and the quantizer uses 1 instead. */
const SMALLEST_SCALE = 2 ** -126;

export interface Int8Weight {
  /** [in, out], in [-127, 127] or [-64, 64] */
  readonly codes: Int8Array;
  /** [out], or [1] for the whole matrix */
  readonly scales: Float32Array;
}

/** weight: [in, out]; value = code · scale. Throws NumericalError when a weight is not finite. */
export function quantizeInt8(
  weight: Float32Array,
  options: {
    readonly inFeatures: number;
    readonly outFeatures: number;
    readonly granularity: 'tensor' | 'channel';
    readonly reducedRange: boolean;
  },
): Int8Weight {
  const { outFeatures, granularity, reducedRange } = options;
  const channels = granularity === 'channel' ? outFeatures : 1;
  const largest = new Float64Array(channels);
  weight.forEach((value, at) => {
    largest[at % channels] = Math.max(largest[at % channels]!, Math.abs(value));
  });
  const odd = largest.find((value) => !Number.isFinite(value));
  if (odd !== undefined) {
    throw new NumericalError(
      `int8 weights: the largest magnitude of a channel is ${odd}; expected finite float32 weights`,
    );
  }
  const limit = reducedRange ? 64 : 127;
  const scales = Float32Array.from(largest, (value) => (value / limit < SMALLEST_SCALE ? 1 : value / limit));
  const codes = Int8Array.from(weight, (value, at) => {
    const code = roundHalfToEven(Math.fround(value / scales[at % channels]!));
    return Math.min(Math.max(code, -128), 127);
  });
  return { codes, scales };
}
