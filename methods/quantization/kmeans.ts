/**
 * Weights quantized to a learned codebook: the values of a layer, or of each output, are clustered into 2ᵇ clusters,
 * whose centres need not be evenly spaced. Kim et al. 2024 (SqueezeLLM), https://arxiv.org/abs/2306.07629, section 4.1:
 * k-means in which each weight counts by the sensitivity of the model to it.
 * Differs from the paper: the sensitivity is the second moment of the weight's input, E[x_j²], and not the Fisher
 * information, so no gradients are needed; clusters are optimal, found by dynamic programming instead of Lloyd's
 * iteration; no outliers are stored separately.
 */
import * as v from 'valibot';
import { type ActivationNorms, activationNorms } from '../../engine/calibrate/activation-norms.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { type CodebookWeight, toFloat16, withCodebooks } from '../shared/formats/codebook.ts';
import type { WeightShape } from '../shared/formats/matmul-nbits.ts';
import { nearestLevel } from '../shared/formats/nearest-level.ts';
import { clusterCentres } from '../shared/solvers/one-dimensional-clusters.ts';

export default defineMethod({
  id: 'kmeans',
  family: 'quantization',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces each weight of the linear layers by the nearest of 4, 8 or 16 values, found by k-means for each layer or each output; weights on large inputs count more. ' +
    'The values follow the distribution of the weights instead of being evenly spaced. ' +
    'It saves file size, not memory or time: the weights are unpacked when the model is loaded.',
  paper: {
    title: 'SqueezeLLM: Dense-and-Sparse Quantization',
    authors:
      'Sehoon Kim, Coleman Hooper, Amir Gholami, Zhen Dong, Xiuyu Li, Sheng Shen, Michael W. Mahoney, Kurt Keutzer',
    year: 2024,
    url: 'https://arxiv.org/abs/2306.07629',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    bits: v.pipe(v.picklist([2, 3, 4]), v.description('Bits per weight; a codebook has 2^bits values.')),
    granularity: v.pipe(
      v.picklist(['layer', 'channel']),
      v.description('One codebook for a whole weight matrix, or one for each output feature.'),
    ),
    weighted: v.optional(
      v.pipe(
        v.boolean(),
        v.description('Weight each error by the second moment of its input; otherwise all weights count equally.'),
      ),
      true,
    ),
  }),
  variants: {
    'w4-layer': { bits: 4, granularity: 'layer' },
    'w4-channel': { bits: 4, granularity: 'channel' },
    'w4-channel-unweighted': { bits: 4, granularity: 'channel', weighted: false },
    'w3-layer': { bits: 3, granularity: 'layer' },
    'w3-channel': { bits: 3, granularity: 'channel' },
    'w3-channel-unweighted': { bits: 3, granularity: 'channel', weighted: false },
    'w2-channel': { bits: 2, granularity: 'channel' },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { linears } = model;
    const norms = await activationNorms({ model, examples: calibration.examples, signal });
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      const { euclidean, count } = norms.get(linear.role) as ActivationNorms;
      const importance = euclidean.map((norm) => (params.weighted ? norm ** 2 / count : 1));
      const { inFeatures, outFeatures } = linear;
      const quantized = quantizeToCodebook(model.weight(linear), { inFeatures, outFeatures, importance, ...params });
      progress((index + 1) / linears.length);
      return { linear, quantized };
    });
    note('weights are looked up when the model is loaded: resident memory and speed are those of the dense model');
    return withCodebooks(model, layers);
  },
});

/** weight: [in, out]; importance: weight of an error by its input, [in]. */
export function quantizeToCodebook(
  weight: Float32Array,
  options: WeightShape & {
    readonly importance: Float64Array;
    readonly bits: 2 | 3 | 4;
    readonly granularity: 'layer' | 'channel';
  },
): CodebookWeight {
  const { inFeatures, outFeatures, importance, bits, granularity } = options;
  const size = 2 ** bits;
  const tables = granularity === 'layer' ? 1 : outFeatures;
  const book = new Float32Array(size * tables);
  const codes = new Uint8Array(weight.length);
  for (let table = 0; table < tables; table++) {
    const stride = tables === 1 ? 1 : outFeatures;
    const positions = Array.from({ length: weight.length / tables }, (_, i) => table + i * stride);
    const centres = clusterCentres({
      values: Float64Array.from(positions, (at) => weight[at]!),
      weights: Float64Array.from(positions, (at) => importance[Math.floor(at / outFeatures)]!),
      clusters: size,
    }).map(toFloat16);
    centres.forEach((centre, code) => (book[code * tables + table] = centre));
    for (const at of positions) codes[at] = nearestLevel(centres, weight[at]!);
  }
  return { bits, inFeatures, outFeatures, codes, book };
}
