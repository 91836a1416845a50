/**
 * SparseGPT: choose block by block which weights go, and let those still to come make up for each that went.
 * Frantar & Alistarh 2023, https://arxiv.org/abs/2301.00774: Algorithm 1 is methods/shared/compensated-sweep.ts, the mask is
 * that of section 3.3 (threshold over a block of inputs and all outputs) and 3.4 (N:M). https://github.com/IST-DASLab/sparsegpt
 * Departs from the paper: no joint quantization; exactly the rounded share of each block is pruned, ties by position.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../harness/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../harness/contracts/method.ts';
import { compensatedSweep } from '../shared/compensated-sweep.ts';
import { type InverseFactor, inverseFactor } from '../shared/inverse-factor.ts';
import type { WeightShape } from '../shared/matmul-nbits.ts';
import {
  type Mask,
  type Sparsity,
  layerMask,
  patternCounts,
  patternMask,
  sparsityParameter,
} from '../shared/sparsity.ts';

export default defineMethod({
  id: 'sparsegpt',
  family: 'pruning',
  access: 'calibrated',
  description:
    'Sets weights of the linear layers to zero, those whose loss the remaining weights can make up for best on calibration data, and corrects these at once. ' +
    'One pass with second-order information, no gradients. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only once the file is compressed, and no time.',
  paper: {
    title: 'SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot',
    authors: 'Elias Frantar, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2301.00774',
  },
  params: v.strictObject({
    sparsity: sparsityParameter,
    damping: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description('Share of the mean diagonal added to the second moment.')),
      0.01,
    ),
    blockSize: v.optional(
      v.pipe(
        v.picklist([32, 64, 128, 256]),
        v.description('Inputs among which the weights to prune are chosen together.'),
      ),
      128,
    ),
  }),
  variants: {
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s60: { sparsity: 0.6 },
    s70: { sparsity: 0.7 },
    s80: { sparsity: 0.8 },
    '2-of-4': { sparsity: '2:4' },
    '4-of-8': { sparsity: '4:8' },
  },

  compress(model, { params, calibration, signal, progress }) {
    return compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      compressLinear: ({ role: where, inFeatures, outFeatures }, weight, statistics) =>
        sparsegpt({
          weight,
          moment: statistics.of('second-moment'),
          inFeatures,
          outFeatures,
          where,
          signal,
          ...params,
        }),
    });
  },
});

interface Layer extends WeightShape {
  /** [in, out] */
  readonly weight: Float32Array;
  readonly sparsity: Sparsity;
  readonly blockSize: number;
  readonly signal?: AbortSignal;
}

export interface SparsegptOptions extends Layer {
  /** Σ x xᵀ of the inputs, [in, in] */
  readonly moment: Float64Array;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

/** SparseGPT on one layer: the pruned and corrected weight, [in, out]. */
export async function sparsegpt({ moment, damping, where, ...layer }: SparsegptOptions): Promise<Float32Array> {
  return sparsegptSweep({ ...layer, ...(await inverseFactor(moment, { size: layer.inFeatures, damping, where })) });
}

/** Algorithm 1, given the factor of the inverse moment. */
export async function sparsegptSweep(options: Layer & InverseFactor): Promise<Float32Array> {
  const { inFeatures, outFeatures, sparsity, blockSize, factor, dead } = options;
  const weight = options.weight.slice();
  for (const i of dead) weight.fill(0, i * outFeatures, (i + 1) * outFeatures);

  const width = typeof sparsity === 'string' ? patternCounts(sparsity).of : blockSize;
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
  await compensatedSweep({
    weight,
    factor,
    inFeatures,
    outFeatures,
    ...(options.signal && { signal: options.signal }),
    settle(feature, settled) {
      if (feature >= masked.end) choose(feature, Math.min(feature + width, inFeatures));
      const kept = (feature - masked.first) * outFeatures;
      const row = feature * outFeatures;
      for (let out = 0; out < outFeatures; out++) settled[out] = mask[kept + out] === 0 ? 0 : weight[row + out];
    },
  });
  return weight;
}

/** w² / [U]ᵢᵢ²: what the layer's error grows by when the weight goes and those after it are corrected. [end - first, out] */
export function saliencies(
  weight: Float32Array,
  factor: Float64Array,
  rows: WeightShape & { readonly first: number; readonly end: number },
): Float32Array {
  const { first, end, inFeatures, outFeatures } = rows;
  const scores = weight.slice(first * outFeatures, end * outFeatures);
  for (let i = first; i < end; i++) {
    const pivot = factor[i * inFeatures + i];
    for (let at = (i - first) * outFeatures; at < (i - first + 1) * outFeatures; at++)
      scores[at] = (scores[at] / pivot) ** 2;
  }
  return scores;
}
