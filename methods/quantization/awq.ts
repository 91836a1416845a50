/**
 * Activation-aware weight quantization: inputs with strong activations are divided by a scale and their weights
 * multiplied by it, which reduces the rounding error of these weights. Lin et al. 2024,
 * https://arxiv.org/abs/2306.00978, equations 4 and 5, s = E|X|^α with α by grid search, and its code,
 * https://github.com/mit-han-lab/llm-awq (auto_scale.py, auto_clip.py): after that the range of each group is shrunk as
 * long as the error falls.
 * Differs from the code: errors are those of the layers' own outputs, computed from second moments, also where the code
 * uses the output of a whole attention block; a shrunk range is kept only where the error of the whole output falls, so
 * that no layer gets worse; query and key are clipped like the rest; scales before shared value heads and GELU are
 * separate multiplications.
 */
import * as v from 'valibot';
import { type ActivationNorms, activationNorms } from '../../engine/calibrate/activation-norms.ts';
import { type SecondMoment, secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { GridFormat } from '../shared/formats/grid.ts';
import { layersByInput, withInputScales } from '../shared/surgery/input-scales.ts';
import { dequantizeWeight, type GroupSize, quantizeWeight, type WeightShape } from '../shared/formats/matmul-nbits.ts';
import { outputErrors } from '../shared/solvers/output-error.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

/** Steps of α between 0 and 1. */
const SCALE_STEPS = 20;
/** A range may shrink by up to a half, in steps of a twentieth. */
const CLIP_STEPS = 20;
const MOST_CLIPPED = 0.5;
const SMALLEST_SCALE = 1e-4;

export default defineMethod({
  id: 'awq',
  family: 'quantization',
  access: 'calibrated',
  revision: 2,
  description:
    'Finds the inputs of a layer that are large on calibration data, and scales their weights up and the inputs down before quantization; a search picks the scales with the smallest output error. ' +
    'The scaling alone does not change what the model computes; it reduces the rounding error of the weights that matter most. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'AWQ: Activation-aware Weight Quantization for LLM Compression and Acceleration',
    authors:
      'Ji Lin, Jiaming Tang, Haotian Tang, Shang Yang, Wei-Ming Chen, Wei-Chen Wang, Guangxuan Xiao, Xingyu Dang, Chuang Gan, Song Han',
    year: 2024,
    url: 'https://arxiv.org/abs/2306.00978',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...weightFormat,
    clip: v.optional(
      v.pipe(v.boolean(), v.description('Clip the range of each group where that reduces the output error.')),
      true,
    ),
  }),
  variants: {
    w4: { bits: 4 },
    w4g64: { bits: 4, groupSize: 64 },
    w4g32: { bits: 4, groupSize: 32 },
    'w4g32-asym': { bits: 4, groupSize: 32, symmetric: false },
    'w4g32-noclip': { bits: 4, groupSize: 32, clip: false },
    'w4g32-e8': { bits: 4, groupSize: 32, embedding: 'int8' },
    'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4' },
    w4g16: { bits: 4, groupSize: 16 },
    w3g32: { bits: 3, groupSize: 32 },
    w3g16: { bits: 3, groupSize: 16 },
    w2g32: { bits: 2, groupSize: 32 },
    'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { activations, embedding, clip, ...format } = params;
    const run = { model, examples: calibration.examples, signal };
    const norms = await activationNorms(run);
    const moments = await secondMoments(run);
    const groups = layersByInput(model.linears);
    const scales = new Map<string, Float32Array>();
    const chosen = [];
    for (const [index, linears] of groups.entries()) {
      signal.throwIfAborted();
      const { role } = linears[0]!;
      const { meanAbsolute } = norms.get(role) as ActivationNorms;
      const { sum: moment } = moments.get(role) as SecondMoment;
      const layers = linears.map((linear) => ({ ...linear, weight: model.weight(linear) }));
      const found = await searchScales({ layers, meanAbsolute, moment, format });
      for (const linear of linears) scales.set(linear.role, found);
      chosen.push({ linears, scales: found });
      progress((index + 1) / (2 * groups.length));
    }
    const scaled = withInputScales(model, chosen);
    if (scaled.remark !== undefined) note(scaled.remark);

    const quantized = [];
    for (const linear of scaled.linears) {
      signal.throwIfAborted();
      const { role } = linear;
      const moment = scaledMoment((moments.get(role) as SecondMoment).sum, scales.get(role) as Float32Array);
      const layer = { ...linear, weight: scaled.model.weight(linear), moment, format };
      const weight = clip ? await searchClipping(layer) : layer.weight;
      quantized.push({ linear, quantized: quantizeWeight(weight, { ...linear, ...format }) });
      progress(0.5 + quantized.length / (2 * scaled.linears.length));
    }
    return storeQuantized(scaled.model, quantized, { activations, embedding, note });
  },
});

interface Layer extends WeightShape {
  /** [in, out] */
  readonly weight: Float32Array;
}

type Format = GridFormat & { readonly groupSize: GroupSize };

/** The scales [in] of layers that read the same input; α = 0, at which all scales are 1, is among the values tried. */
export async function searchScales(options: {
  readonly layers: readonly Layer[];
  /** E|X|, [in] */
  readonly meanAbsolute: Float64Array;
  /** Σ x xᵀ, [in, in] */
  readonly moment: Float64Array;
  readonly format: Format;
}): Promise<Float32Array> {
  const { layers, meanAbsolute, moment, format } = options;
  let best: { readonly scales: Float32Array; readonly error: number } = { scales: new Float32Array(), error: Infinity };
  for (let step = 0; step < SCALE_STEPS; step++) {
    const scales = scalesOf(meanAbsolute, step / SCALE_STEPS);
    let error = 0;
    for (const layer of layers) error += await errorWith(scales, { layer, moment, format });
    if (error < best.error) best = { scales, error };
  }
  return best.scales;
}

/** E|X|^α, divided by the geometric mean of the largest and smallest. */
export function scalesOf(meanAbsolute: Float64Array, alpha: number): Float32Array {
  const powers = meanAbsolute.map((mean) => Math.max(mean ** alpha, SMALLEST_SCALE));
  const middle = Math.sqrt(Math.max(...powers) * Math.min(...powers));
  return Float32Array.from(powers, (power) => power / middle);
}

/** ‖X W - (X / s) Q(diag(s) W)‖² */
async function errorWith(
  scales: Float32Array,
  options: { readonly layer: Layer; readonly moment: Float64Array; readonly format: Format },
): Promise<number> {
  const { layer, moment, format } = options;
  const { weight, outFeatures } = layer;
  const scaled = weight.map((value, at) => value * scales[Math.floor(at / outFeatures)]!);
  const rounded = dequantizeWeight(quantizeWeight(scaled, { ...layer, ...format }));
  const difference = Float64Array.from(
    rounded,
    (value, at) => value / scales[Math.floor(at / outFeatures)]! - weight[at]!,
  );
  const errors = await outputErrors(difference, moment, layer);
  return errors.reduce((sum, error) => sum + error, 0);
}

/** The second moment of x / s. */
function scaledMoment(moment: Float64Array, scales: Float32Array): Float64Array {
  const size = scales.length;
  return moment.map((value, at) => value / (scales[Math.floor(at / size)]! * scales[at % size]!));
}

export interface ClipSearch extends Layer {
  readonly moment: Float64Array;
  readonly format: Format;
}

/**
 * The weight with each group clipped to the range that minimizes the rounding error of the group's own contribution to
 * the output.
 * Outputs whose total error grows keep their groups unchanged.
 */
export async function searchClipping({ weight, moment, format, ...shape }: ClipSearch): Promise<Float32Array> {
  const { inFeatures, outFeatures } = shape;
  const { blockSize } = quantizeWeight(weight, { ...shape, ...format });
  const round = (values: Float32Array) => dequantizeWeight(quantizeWeight(values, { ...shape, ...format }));
  const groups = Math.ceil(inFeatures / blockSize);
  const groupOf = (at: number) => (at % outFeatures) * groups + Math.floor(at / outFeatures / blockSize);
  const largest = new Float32Array(outFeatures * groups);
  weight.forEach((value, at) => (largest[groupOf(at)] = Math.max(largest[groupOf(at)]!, Math.abs(value))));

  const kept = new Float32Array(outFeatures * groups).fill(1);
  const least = new Float64Array(outFeatures * groups).fill(Infinity);
  for (let step = 0; step < MOST_CLIPPED * CLIP_STEPS; step++) {
    const share = 1 - step / CLIP_STEPS;
    const clipped = clip(weight, (at) => share * largest[groupOf(at)]!);
    const errors = groupErrors(differenceOf(round(clipped), weight), { moment, blockSize, ...shape });
    errors.forEach((error, group) => {
      if (error >= least[group]!) return;
      least[group] = error;
      kept[group] = share;
    });
  }
  const clipped = clip(weight, (at) => kept[groupOf(at)]! * largest[groupOf(at)]!);
  const before = await outputErrors(differenceOf(round(weight), weight), moment, shape);
  const after = await outputErrors(differenceOf(round(clipped), weight), moment, shape);
  return weight.map((value, at) => (after[at % outFeatures]! < before[at % outFeatures]! ? clipped[at]! : value));
}

function clip(weight: Float32Array, limitAt: (at: number) => number): Float32Array {
  return weight.map((value, at) => Math.sign(value) * Math.min(Math.abs(value), limitAt(at)));
}

function differenceOf(a: Float32Array, b: Float32Array): Float64Array {
  return Float64Array.from(a, (value, at) => value - b[at]!);
}

/** ‖X_g ΔW_g‖² for the inputs of each group alone, [out, groups] */
function groupErrors(
  difference: Float64Array,
  {
    moment,
    blockSize,
    inFeatures,
    outFeatures,
  }: WeightShape & { readonly moment: Float64Array; readonly blockSize: number },
): Float64Array {
  const groups = Math.ceil(inFeatures / blockSize);
  const errors = new Float64Array(outFeatures * groups);
  for (let i = 0; i < inFeatures; i++) {
    const group = Math.floor(i / blockSize);
    for (let j = group * blockSize; j < Math.min((group + 1) * blockSize, inFeatures); j++) {
      const coupling = moment[i * inFeatures + j]!;
      for (let out = 0; out < outFeatures; out++) {
        errors[out * groups + group]! +=
          coupling * difference[i * outFeatures + out]! * difference[j * outFeatures + out]!;
      }
    }
  }
  return errors;
}
