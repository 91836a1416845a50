/** Parameters and last step common to methods for weight-only quantization, and what their kernels support. */
import * as v from 'valibot';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { withQuantizedEmbedding } from './gather-block-quantized.ts';
import { type Activations, type QuantizedWeight, storedBlockSize, withQuantizedLinears } from './matmul-nbits.ts';

const EMBEDDING_GROUP_SIZE = 32;
const EMBEDDING_BITS = { int2: 2, int4: 4, int8: 8 } as const;

export const weightFormat = {
  bits: v.pipe(v.picklist([2, 3, 4, 8]), v.description('Bits per weight.')),
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
      v.description('Activations that the kernel multiplies: quantized to 8 bits at run time, or in float32.'),
    ),
    'int8',
  ),
  embedding: v.optional(
    v.pipe(
      v.picklist(['float', 'int2', 'int4', 'int8']),
      v.description(
        `Token embedding and output layer: in floating point, or rounded to nearest, symmetric in groups of ${EMBEDDING_GROUP_SIZE}.`,
      ),
    ),
    'float',
  ),
} as const;

export interface StorageFormat {
  readonly activations: Activations;
  readonly embedding: 'float' | keyof typeof EMBEDDING_BITS;
}

/**
 * The model with these layers quantized, and its embedding too where requested; notes what the kernels do not support.
 */
export function storeQuantized(
  model: Model,
  layers: readonly { readonly linear: LinearRole; readonly quantized: QuantizedWeight }[],
  { activations, embedding, note }: StorageFormat & { note(text: string): void },
): Model {
  const remarks = new Set(layers.flatMap(({ quantized }) => kernelRemark(quantized, activations) ?? []));
  remarks.forEach(note);
  return withStoredEmbedding(withQuantizedLinears(model, layers, { activations }), { activations, embedding });
}

/** The model with its token embedding and output layer stored as requested. */
export function withStoredEmbedding(model: Model, { activations, embedding }: StorageFormat): Model {
  if (embedding === 'float') return model;
  const format = { bits: EMBEDDING_BITS[embedding], groupSize: EMBEDDING_GROUP_SIZE, activations };
  return withQuantizedEmbedding(model, format);
}

/** Block sizes for which the CPU provider can multiply 2-bit weights by int8 activations. */
const TWO_BIT_INT8_BLOCKS: ReadonlySet<number> = new Set([32, 64, 128]);

/**
 * A remark for the row when the CPU provider has no kernel for the requested format, else undefined. Measured with
 * onnxruntime 1.32: 768 × 768 then takes 8 to 24 times as long, and the results are those of float32 activations.
 */
export function kernelRemark(quantized: QuantizedWeight, activations: Activations): string | undefined {
  const { bits } = quantized;
  if (quantized.zeroPoints instanceof Float32Array) {
    return 'zero points lie between codes: the CPU unpacks weights to float32 on every call, many times slower for single tokens in large layers, and activations stay float32';
  }
  if (bits === 4) return undefined;
  if (bits === 3) return '3 bits in the file; loaded as 4, whose kernel, speed and memory they share';
  const blockSize = storedBlockSize(quantized);
  const unpacks = `the CPU unpacks weights to float32 on every call, many times slower for single tokens in large layers`;
  if (activations === 'float32') return `${bits} bits with float32 activations: ${unpacks}`;
  if (bits === 8 || TWO_BIT_INT8_BLOCKS.has(blockSize)) return undefined;
  return `2 bits in blocks of ${blockSize} have no int8 kernel: ${unpacks}, and activations stay float32`;
}
