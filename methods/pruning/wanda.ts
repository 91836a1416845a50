/**
 * Wanda: prunes, within each output, the weights with the smallest product of absolute value and input norm.
 * Sun, Liu, Bair & Kolter 2024, https://arxiv.org/abs/2306.11695, Algorithm 1: S_ij = |W_ij| · ‖X_j‖₂, no correction.
 * As in the authors' code (https://github.com/locuslab/wanda) each block sees the outputs of the pruned blocks before
 * it.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { WeightShape } from '../shared/formats/matmul-nbits.ts';
import { type Sparsity, outputMask, patternMask, sparsityParameter } from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'wanda',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Sets to zero, for every output of a linear layer, the weights whose size times the size of their input on calibration data is smallest. ' +
    'It corrects no weight and inverts no matrix, so it costs little more than running the model on the calibration data. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'A Simple and Effective Pruning Approach for Large Language Models',
    authors: 'Mingjie Sun, Zhuang Liu, Anna Bair, J. Zico Kolter',
    year: 2024,
    url: 'https://arxiv.org/abs/2306.11695',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ sparsity: sparsityParameter }),
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
      statistics: ['square-sum'],
      signal,
      progress,
      compressLinear: (linear, weight, statistics) =>
        wanda(weight, statistics.of('square-sum').map(Math.sqrt), { ...linear, ...params }),
    });
  },
});

/** weight: [in, out]; norms: ‖X_j‖₂, [in] → the pruned weight, [in, out]. */
export function wanda(
  weight: Float32Array,
  norms: Float64Array,
  options: WeightShape & { readonly sparsity: Sparsity },
): Float32Array {
  const { outFeatures, sparsity } = options;
  const scores = Float64Array.from(weight, (value, at) => Math.abs(value) * norms[Math.floor(at / outFeatures)]!);
  const mask =
    typeof sparsity === 'string' ? patternMask(scores, options, sparsity) : outputMask(scores, options, sparsity);
  return weight.map((value, at) => (mask[at] === 0 ? 0 : value));
}
