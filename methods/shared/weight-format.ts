/** The parameters that methods for weight-only quantization share, and what the kernels behind them can do. */
import * as v from 'valibot';
import type { Activations, QuantizedWeight } from './matmul-nbits.ts';

export const weightFormat = {
  bits: v.pipe(v.picklist([2, 4, 8]), v.description('Bits per weight.')),
  groupSize: v.optional(
    v.pipe(
      v.picklist([16, 32, 64, 128, 'channel']),
      v.description('Input features that share a scale; "channel" is one scale per output feature.'),
    ),
    'channel',
  ),
  symmetric: v.optional(
    v.pipe(v.boolean(), v.description('Grid around zero; otherwise each group also stores a zero point.')),
    true,
  ),
  activations: v.optional(
    v.pipe(
      v.picklist(['int8', 'float32']),
      v.description('What the kernel multiplies with: activations quantized to 8 bits as it runs, or as they are.'),
    ),
    'int8',
  ),
} as const;

/** Block sizes for which the CPU provider can multiply 2-bit weights by int8 activations. */
const TWO_BIT_INT8_BLOCKS: readonly number[] = [32, 64, 128];

/** A remark for the row when the CPU kernel cannot do what was asked for, else undefined. Measured with onnxruntime 1.30. */
export function kernelRemark(
  { bits, blockSize }: Pick<QuantizedWeight, 'bits' | 'blockSize'>,
  activations: Activations,
): string | undefined {
  if (bits === 4) return undefined;
  const inFloat32 = activations === 'float32' || (bits === 2 && !TWO_BIT_INT8_BLOCKS.includes(blockSize));
  if (!inFloat32) return undefined;
  const why = activations === 'float32' ? '' : ` although int8 was asked for`;
  return `${bits} bits in blocks of ${blockSize}: the CPU unpacks to float32 on every call${why}, so expect it to be slow`;
}
