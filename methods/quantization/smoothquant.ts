/**
 * SmoothQuant: moves outlier features, which are much larger than the rest and hard to quantize, from activations to
 * weights, s_j = max|X_j|^α / max|W_j|^(1 − α), before both become 8-bit integers.
 * Xiao et al. 2023, https://arxiv.org/abs/2211.10438, equation 4. Like its code
 * (https://github.com/mit-han-lab/smoothquant) it scales the outputs of norms: the inputs of query, key and value, and
 * those of the feed-forward block.
 * Differs from the paper: where the norm cannot absorb the division (encoders that normalise after the residual sum),
 * it is a separate multiplication; weights have a scale per output.
 */
import * as v from 'valibot';
import { type ActivationNorms, activationNorms } from '../../engine/calibrate/activation-norms.ts';
import { activationRanges } from '../../engine/calibrate/activation-ranges.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { withGraph } from '../../numerics/onnx/edit.ts';
import { withIntegerMatMuls } from '../shared/formats/dynamic-int8.ts';
import { layersByInput, type Scaled, withInputScales } from '../shared/surgery/input-scales.ts';
import { quantizeInt8 } from '../shared/formats/int8-weight.ts';
import type { WeightShape } from '../shared/formats/matmul-nbits.ts';
import { withStaticIntegers } from '../shared/formats/static-int8.ts';

/** Lower bound as in the paper's code, for features or weights that are almost zero. */
const SMALLEST_SCALE = 1e-5;

export default defineMethod({
  id: 'smoothquant',
  family: 'quantization',
  access: 'calibrated',
  revision: 2,
  description:
    'Divides activation features with outliers by a scale and multiplies the matching weights by it, so that both are easier to represent in 8-bit integers. ' +
    'The parameter alpha sets how much is moved. Without outlier features it gains little over int8-dynamic and int8-static. ' +
    'Norms, token embedding and output layer stay in floating point.',
  paper: {
    title: 'SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models',
    authors: 'Guangxuan Xiao, Ji Lin, Mickael Seznec, Hao Wu, Julien Demouth, Song Han',
    year: 2023,
    url: 'https://arxiv.org/abs/2211.10438',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    alpha: v.pipe(
      v.number(),
      v.minValue(0),
      v.maxValue(1),
      v.description('Migration strength α: 0 evens out the weights, 1 the activations.'),
    ),
    activations: v.optional(
      v.pipe(
        v.picklist(['dynamic', 'static']),
        v.description('Ranges of activations: found at each call, or fixed by calibration.'),
      ),
      'dynamic',
    ),
    layers: v.optional(
      v.pipe(
        v.picklist(['after-norms', 'all']),
        v.description('Which inputs are smoothed: the outputs of norms, or the inputs of all linear layers.'),
      ),
      'after-norms',
    ),
  }),
  variants: {
    a25: { alpha: 0.25 },
    a50: { alpha: 0.5 },
    a75: { alpha: 0.75 },
    'a50-all': { alpha: 0.5, layers: 'all' },
    'a25-static': { alpha: 0.25, activations: 'static' },
    'a50-static': { alpha: 0.5, activations: 'static' },
    'a75-static': { alpha: 0.75, activations: 'static' },
    'a50-static-all': { alpha: 0.5, activations: 'static', layers: 'all' },
  },

  async compress(dense, { params, calibration, signal, note, progress }) {
    const run = { model: dense, examples: calibration.examples, signal };
    const { model, linears, remark } = smooth(dense, await activationNorms(run), params);
    if (remark !== undefined) note(remark);
    const quantized = linears.map((linear, index) => {
      signal.throwIfAborted();
      progress((index + 1) / linears.length);
      const format = { granularity: 'channel', reducedRange: false } as const;
      return { linear, weight: quantizeInt8(model.weight(linear), { ...linear, ...format }) };
    });
    const { graph } = model.onnx;
    if (params.activations === 'dynamic') {
      return model.withOnnx(withGraph(model.onnx, withIntegerMatMuls(graph, quantized)));
    }
    const values = [...new Set(linears.map(({ input }) => input))];
    const ranges = await activationRanges({ ...run, model, values, rule: { kind: 'min-max' } });
    return model.withOnnx(withGraph(model.onnx, withStaticIntegers(graph, quantized, ranges)));
  },
});

/** The model with scales moved into its weights; it computes the same function. */
export function smooth(
  model: Model,
  norms: ReadonlyMap<string, ActivationNorms>,
  { alpha, layers }: { readonly alpha: number; readonly layers: 'after-norms' | 'all' },
): Scaled {
  const chosen = layers === 'all' ? model.linears : afterNorms(model);
  const groups = layersByInput(chosen).map((linears) => {
    const { largestAbsolute } = norms.get(linears[0]!.role) as ActivationNorms;
    const weights = linears.map((linear) => ({ ...linear, weight: model.weight(linear) }));
    return { linears, scales: smoothingScales(largestAbsolute, weights, alpha) };
  });
  return withInputScales(model, groups);
}

function afterNorms({ roles }: Model): readonly LinearRole[] {
  return roles.layers.flatMap(({ q, k, v: value, gate, up }) => [q, k, value, ...(gate ? [gate] : []), up]);
}

/** s_j of layers that read the same input, their weights taken together. largestAbsolute: max|X_j|, [in]. */
export function smoothingScales(
  largestAbsolute: Float64Array,
  layers: readonly (WeightShape & { readonly weight: Float32Array })[],
  alpha: number,
): Float32Array {
  const largestWeight = new Float64Array(largestAbsolute.length).fill(SMALLEST_SCALE);
  for (const { weight, outFeatures } of layers) {
    weight.forEach((value, at) => {
      const j = Math.floor(at / outFeatures);
      largestWeight[j] = Math.max(largestWeight[j]!, Math.abs(value));
    });
  }
  return Float32Array.from(largestAbsolute, (largest, j) =>
    Math.max(Math.max(largest, SMALLEST_SCALE) ** alpha / largestWeight[j]! ** (1 - alpha), SMALLEST_SCALE),
  );
}
