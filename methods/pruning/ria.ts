/**
 * RIA: prunes the weights that matter least relative to the other weights of their input and output, so that no feature
 * is cut off entirely. Zhang et al. 2024, https://openreview.net/forum?id=Tr0lPx9woF, equations 2 and 3, compared over
 * the whole layer:
 *   S_ij = (|W_ij| / Σ_i |W_ij| + |W_ij| / Σ_j |W_ij|) · ‖X_i‖₂^a        i: inputs, j: outputs
 * As in the authors' code (https://github.com/biomedical-cybernetics/Relative-importance-and-activation-pruning) each
 * block sees the outputs of the pruned blocks before it. Differs from the paper: its permutation of channels before N:M
 * is omitted.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { WeightShape } from '../shared/formats/matmul-nbits.ts';
import { type Sparsity, layerMask, patternMask, sparsityParameter } from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'ria',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Sets to zero the weights of a linear layer that are small compared with the others of the same input and output, weighted by the size of the input on calibration data. ' +
    'It corrects no weight and inverts no matrix, so it costs little more than running the model on the calibration data. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'Plug-and-Play: An Efficient Post-training Pruning Method for Large Language Models',
    authors: 'Yingtao Zhang, Haoli Bai, Haokun Lin, Jialin Zhao, Lu Hou, Carlo Vittorio Cannistraci',
    year: 2024,
    url: 'https://openreview.net/forum?id=Tr0lPx9woF',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    power: v.optional(
      v.pipe(v.number(), v.minValue(0), v.maxValue(1), v.description('a: exponent of the size of the input.')),
      0.5,
    ),
  }),
  variants: {
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s60: { sparsity: 0.6 },
    s70: { sparsity: 0.7 },
    's50-weights': { sparsity: 0.5, power: 0 },
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
        ria(weight, statistics.of('square-sum').map(Math.sqrt), { ...linear, ...params }),
    });
  },
});

/** weight: [in, out]; norms: ‖X_i‖₂, [in] → the pruned weight, [in, out]. */
export function ria(
  weight: Float32Array,
  norms: Float64Array,
  options: WeightShape & { readonly sparsity: Sparsity; readonly power: number },
): Float32Array {
  const { sparsity } = options;
  const scores = relativeImportance(weight, norms, options);
  const mask = typeof sparsity === 'string' ? patternMask(scores, options, sparsity) : layerMask(scores, sparsity);
  return weight.map((value, at) => (mask[at] === 0 ? 0 : value));
}

/** S, [in, out] */
export function relativeImportance(
  weight: Float32Array,
  norms: Float64Array,
  { inFeatures, outFeatures, power }: WeightShape & { readonly power: number },
): Float64Array {
  const [inputs, outputs] = [new Float64Array(inFeatures), new Float64Array(outFeatures)];
  for (let at = 0; at < weight.length; at++) {
    const size = Math.abs(weight[at]!);
    inputs[Math.floor(at / outFeatures)]! += size;
    outputs[at % outFeatures]! += size;
  }
  const strengths = norms.map((norm) => norm ** power);
  return Float64Array.from(weight, (value, at) => {
    const [input, output] = [Math.floor(at / outFeatures), at % outFeatures];
    // A row or column may consist of zeros.
    return value === 0 ? 0 : Math.abs(value) * (1 / outputs[output]! + 1 / inputs[input]!) * strengths[input]!;
  });
}
