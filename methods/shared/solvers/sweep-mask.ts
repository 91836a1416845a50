/**
 * A mask for a sweep over input features: the mask of a block is chosen from its current weights when the sweep reaches
 * it.
 * Frantar & Alistarh 2023 (SparseGPT), https://arxiv.org/abs/2301.00774, section 3.3.
 */
import * as v from 'valibot';
import type { WeightShape } from '../formats/matmul-nbits.ts';
import { layerMask, type Mask, patternCounts, patternMask, type Sparsity } from './sparsity.ts';

export const maskBlockParameter = v.optional(
  v.pipe(v.picklist([32, 64, 128, 256]), v.description('Inputs among which the weights to prune are chosen together.')),
  128,
);

export interface SweepMask {
  /** Sets the pruned ones among the values [out] of one feature to zero. */
  apply(feature: number, values: Float32Array): void;
}

export interface SweepMaskOptions extends WeightShape {
  /** [in, out]; read when a block is chosen. */
  readonly weight: Float32Array;
  /** U, upper factor of the inverse moment, [in, in] */
  readonly factor: Float64Array;
  readonly sparsity: Sparsity;
  /** Features among which the weights to prune are chosen together; patterns choose within each of their groups. */
  readonly blockSize: number;
}

export function sweepMask(options: SweepMaskOptions): SweepMask {
  const { weight, factor, inFeatures, outFeatures, sparsity } = options;
  const width = typeof sparsity === 'string' ? patternCounts(sparsity).of : options.blockSize;
  let mask: Mask = new Uint8Array();
  let masked = { first: 0, end: 0 };
  const choose = (first: number, end: number) => {
    masked = { first, end };
    const scores = saliencies(weight, factor, { first, end, inFeatures, outFeatures });
    mask =
      typeof sparsity === 'string'
        ? patternMask(scores, { inFeatures: end - first, outFeatures }, sparsity)
        : layerMask(scores, sparsity);
  };
  return {
    apply(feature, values) {
      if (feature >= masked.end) choose(feature, Math.min(feature + width, inFeatures));
      const kept = (feature - masked.first) * outFeatures;
      for (let out = 0; out < outFeatures; out++) if (mask[kept + out] === 0) values[out] = 0;
    },
  };
}

/**
 * w² / [U]ᵢᵢ²: the growth of the layer's error when the weight is pruned and those after it are corrected. [end -
 * first, out]
 */
export function saliencies(
  weight: Float32Array,
  factor: Float64Array,
  rows: WeightShape & { readonly first: number; readonly end: number },
): Float32Array {
  const { first, end, inFeatures, outFeatures } = rows;
  const scores = weight.slice(first * outFeatures, end * outFeatures);
  for (let i = first; i < end; i++) {
    const pivot = factor[i * inFeatures + i]!;
    for (let at = (i - first) * outFeatures; at < (i - first + 1) * outFeatures; at++)
      scores[at] = (scores[at]! / pivot) ** 2;
  }
  return scores;
}
