/**
 * Half-quadratic quantization: finds zero points that minimize the weight error in an ℓp norm with p < 1, which
 * tolerates a few large errors. Badri & Shaji 2023, https://mobiusml.github.io/hqq_blog/, "Half-Quadratic Solver";
 * https://github.com/mobiusml/hqq, optimize_weights_proximal with groups along the inputs (axis=1).
 *   min over z of ‖W − s (Q − z)‖ₚ,  Q = clamp(round(W / s + z)),  p < 1; alternately
 *   E ← shrink(W − s (Q − z)),  shrink(x) = sign(x) · max(0, |x| − |x|^(p−1) / β),   z ← mean over the group of Q − (W − E) / s
 * The scale stays that of the smallest and largest weight of the group. As in the authors' code the first zero point is
 * rounded for 4-bit codes, and a layer's iterations end when its mean absolute error grows.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { type Bits } from '../shared/formats/grid.ts';
import { blockSizeOf, type GroupSize, type QuantizedWeight, type WeightShape } from '../shared/formats/matmul-nbits.ts';
import { roundHalfToEven } from '../shared/formats/round-half-to-even.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

export default defineMethod({
  id: 'hqq',
  family: 'quantization',
  access: 'data-free',
  revision: 2,
  description:
    'Rounds the weights of the linear layers like rtn, but first moves the zero point of each group of inputs to where most of its weights have small errors, at the expense of a few. ' +
    'It uses no data and takes seconds. ' +
    'Zero points lie between codes and are stored as floating-point numbers; token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'Half-Quadratic Quantization of Large Machine Learning Models',
    authors: 'Hicham Badri, Appu Shaji',
    year: 2023,
    url: 'https://mobiusml.github.io/hqq_blog/',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    bits: v.pipe(v.picklist([2, 3, 4]), v.description('Bits per weight.')),
    groupSize: weightFormat.groupSize,
    embedding: weightFormat.embedding,
    norm: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.maxValue(1),
        v.description('p of the norm: the smaller p is, the less large errors count.'),
      ),
      0.7,
    ),
    iterations: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Maximum number of updates of the zero points.')),
      20,
    ),
  }),
  variants: {
    w4g64: { bits: 4, groupSize: 64 },
    w4g32: { bits: 4, groupSize: 32 },
    'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4' },
    w3g64: { bits: 3, groupSize: 64 },
    w3g32: { bits: 3, groupSize: 32 },
    w3g16: { bits: 3, groupSize: 16 },
    'w3g32-e4': { bits: 3, groupSize: 32, embedding: 'int4' },
    w2g32: { bits: 2, groupSize: 32 },
    w2g16: { bits: 2, groupSize: 16 },
  },

  compress(model, { params, signal, note, progress }) {
    const { embedding, ...options } = params;
    const { linears } = model;
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      const { inFeatures, outFeatures } = linear;
      const quantized = halfQuadratic(model.weight(linear), { inFeatures, outFeatures, ...options });
      progress((index + 1) / linears.length);
      return { linear, quantized };
    });
    return storeQuantized(model, layers, { activations: 'float32', embedding, note });
  },
});

/** β of the first iteration, and the factor by which each iteration multiplies it. */
const BETA = { first: 10, growth: 1.01 };
/** Ranges below the first value get scale 1; no scale is below the second. */
const SMALLEST = { range: 1e-4, scale: 1 / 2e4 };

export interface HalfQuadraticOptions extends WeightShape {
  readonly bits: Exclude<Bits, 8>;
  readonly groupSize: GroupSize;
  /** p */
  readonly norm: number;
  readonly iterations: number;
}

/** weight: [in, out] */
export function halfQuadratic(weight: Float32Array, options: HalfQuadraticOptions): QuantizedWeight {
  const { inFeatures, outFeatures, bits, norm, iterations } = options;
  const blockSize = blockSizeOf(options.groupSize, inFeatures);
  const blocks = Math.ceil(inFeatures / blockSize);
  const layer: Layer = { ...options, weight: transposed(weight, options), blockSize, blocks, maxCode: 2 ** bits - 1 };
  const { inverses, zeroPoints } = firstGrids(layer);
  let least = Infinity;
  let beta = BETA.first;
  for (let iteration = 0; iteration < iterations; iteration++, beta *= BETA.growth) {
    const error = moveZeroPoints(layer, inverses, zeroPoints, { beta, norm });
    if (!(error < least)) break;
    least = error;
  }
  const codes = new Uint8Array(weight.length); // [out, in]
  eachGroup(layer, (group, from, to) => {
    for (let at = from; at < to; at++)
      codes[at] = codeOf(layer.weight[at]! * inverses[group]! + zeroPoints[group]!, layer.maxCode);
  });
  const scales = inverses.map((inverse) => 1 / inverse);
  return { inFeatures, outFeatures, bits, symmetric: false, blockSize, codes, scales, zeroPoints };
}

interface Layer extends WeightShape {
  /** [out, in] */
  readonly weight: Float32Array;
  readonly bits: Bits;
  readonly blockSize: number;
  /** Groups of an output. */
  readonly blocks: number;
  readonly maxCode: number;
}

/** Calls back with the number of each group and its position in [out, in]. */
function eachGroup({ inFeatures, outFeatures, blockSize, blocks }: Layer, visit: (...group: Group) => void): void {
  for (let group = 0; group < outFeatures * blocks; group++) {
    const from = Math.floor(group / blocks) * inFeatures + (group % blocks) * blockSize;
    const end = (Math.floor(group / blocks) + 1) * inFeatures;
    visit(group, from, Math.min(from + blockSize, end));
  }
}
type Group = readonly [group: number, from: number, to: number];

/** 1 / s and z of the grid that covers the range of each group. */
function firstGrids(layer: Layer): { readonly inverses: Float32Array; readonly zeroPoints: Float32Array } {
  const groups = layer.outFeatures * layer.blocks;
  const [inverses, zeroPoints] = [new Float32Array(groups), new Float32Array(groups)];
  eachGroup(layer, (group, from, to) => {
    let [low, high] = [Infinity, -Infinity];
    for (let at = from; at < to; at++) {
      low = Math.min(low, layer.weight[at]!);
      high = Math.max(high, layer.weight[at]!);
    }
    const range = Math.fround(high - low);
    inverses[group] = Math.min(range <= SMALLEST.range ? 1 : layer.maxCode / range, 1 / SMALLEST.scale);
    const zeroPoint = Math.fround(-low * inverses[group]!);
    zeroPoints[group] = layer.bits === 4 ? roundHalfToEven(zeroPoint) : zeroPoint;
  });
  return { inverses, zeroPoints };
}

/** One iteration; returns the layer's mean absolute error before it. */
function moveZeroPoints(
  layer: Layer,
  inverses: Float32Array,
  zeroPoints: Float32Array,
  { beta, norm }: { readonly beta: number; readonly norm: number },
): number {
  const { weight, maxCode } = layer;
  let errors = 0;
  eachGroup(layer, (group, from, to) => {
    const [inverse, zeroPoint] = [inverses[group]!, zeroPoints[group]!];
    let sum = 0;
    for (let at = from; at < to; at++) {
      const value = weight[at]!;
      const code = codeOf(value * inverse + zeroPoint, maxCode);
      const error = value - (code - zeroPoint) / inverse;
      const size = Math.abs(error);
      errors += size;
      const left = size === 0 ? 0 : Math.max(0, size - size ** (norm - 1) / beta);
      sum += code - (value - (error < 0 ? -left : left)) * inverse;
    }
    zeroPoints[group] = sum / (to - from);
  });
  return errors / weight.length;
}

function codeOf(position: number, maxCode: number): number {
  const code = roundHalfToEven(Math.fround(position));
  return code < 0 ? 0 : code > maxCode ? maxCode : code;
}

/** [in, out] → [out, in] */
function transposed(weight: Float32Array, { inFeatures, outFeatures }: WeightShape): Float32Array {
  const rows = new Float32Array(weight.length);
  for (let i = 0; i < inFeatures; i++)
    for (let out = 0; out < outFeatures; out++) rows[out * inFeatures + i] = weight[i * outFeatures + out]!;
  return rows;
}
