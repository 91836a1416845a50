/**
 * GPTQ: round the weights of one input after another and push the error of each onto the inputs still to come.
 * Frantar et al. 2023, https://arxiv.org/abs/2210.17323: Algorithm 1 is methods/shared/compensated-sweep.ts, "Step 3" is
 * methods/shared/inverse-factor.ts; static groups and order by activation as in https://github.com/IST-DASLab/gptq
 * Departs from the paper's code: scales of a group are fitted to its weights as they stand when the sweep reaches it,
 * also inside a block; grids are those of ONNX Runtime, and its kernel quantizes activations to int8 unless told otherwise.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../harness/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../harness/contracts/method.ts';
import type { LinearRole } from '../../harness/contracts/model.ts';
import { compensatedSweep } from '../shared/compensated-sweep.ts';
import { type Grid, type GridFormat, codeOf, gridOfRange, valueOf } from '../shared/grid.ts';
import { type InverseFactor, inverseFactor } from '../shared/inverse-factor.ts';
import {
  type GroupSize,
  type QuantizedWeight,
  type WeightShape,
  blockSizeOf,
  dequantizeWeight,
  withQuantizedLinears,
} from '../shared/matmul-nbits.ts';
import { kernelRemark, weightFormat } from '../shared/weight-format.ts';

export default defineMethod({
  id: 'gptq',
  family: 'quantization',
  access: 'calibrated',
  description:
    'Rounds the weights of the linear layers input by input, and after each lets the remaining weights make up for the error on calibration data. ' +
    'One pass with second-order information, no gradients. ' +
    'Token embedding and output layer stay in float32.',
  paper: {
    title: 'GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers',
    authors: 'Elias Frantar, Saleh Ashkboos, Torsten Hoefler, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2210.17323',
  },
  params: v.strictObject({
    ...weightFormat,
    actOrder: v.optional(
      v.pipe(v.boolean(), v.description('Inputs of largest second moment first, with scales fitted beforehand.')),
      false,
    ),
    damping: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description('Share of the mean diagonal added to the second moment.')),
      0.01,
    ),
  }),
  variants: {
    w8g32: { bits: 8, groupSize: 32 },
    w4: { bits: 4 },
    'w4-asym': { bits: 4, symmetric: false },
    'w4-actorder': { bits: 4, actOrder: true },
    w4g64: { bits: 4, groupSize: 64 },
    w4g32: { bits: 4, groupSize: 32 },
    'w4g32-asym': { bits: 4, groupSize: 32, symmetric: false },
    'w4g32-actorder': { bits: 4, groupSize: 32, actOrder: true },
    'w4g32-fp32act': { bits: 4, groupSize: 32, activations: 'float32' },
    w4g16: { bits: 4, groupSize: 16 },
    w3: { bits: 3 },
    w3g32: { bits: 3, groupSize: 32 },
    w3g16: { bits: 3, groupSize: 16 },
    'w3g16-asym': { bits: 3, groupSize: 16, symmetric: false },
    w2g32: { bits: 2, groupSize: 32 },
    w2g16: { bits: 2, groupSize: 16 },
    'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { activations, damping, ...options } = params;
    const settled: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
    const remarks = new Set<string>();
    await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const moment = statistics.of('second-moment');
        const quantized = await gptq({ weight, moment, inFeatures, outFeatures, damping, where, signal, ...options });
        settled.push({ linear, quantized });
        const remark = kernelRemark(quantized, activations);
        if (remark !== undefined) remarks.add(remark);
        return dequantizeWeight(quantized);
      },
    });
    remarks.forEach(note);
    return withQuantizedLinears(model, settled, { activations });
  },
});

interface Layer extends WeightShape, GridFormat {
  /** [in, out] */
  readonly weight: Float32Array;
  readonly groupSize: GroupSize;
  readonly signal?: AbortSignal;
}

export interface GptqOptions extends Layer {
  /** Σ x xᵀ of the inputs, [in, in] */
  readonly moment: Float64Array;
  readonly actOrder: boolean;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

/** GPTQ on one layer. */
export async function gptq({ moment, actOrder, damping, where, ...layer }: GptqOptions): Promise<QuantizedWeight> {
  const size = layer.inFeatures;
  const order = actOrder ? byDescendingDiagonal(moment, size) : undefined;
  const ordered = order ? permuted(moment, size, order) : moment;
  const inverse = await inverseFactor(ordered, { size, damping, where });
  return gptqSweep({ ...layer, ...inverse, ...(order && { order }) });
}

export interface GptqSweep extends Layer, InverseFactor {
  /** Input features in the order of the sweep, to which `factor` and `dead` refer; scales are then fitted beforehand. */
  readonly order?: readonly number[];
}

/** Algorithm 1, given the factor of the inverse moment. */
export async function gptqSweep(options: GptqSweep): Promise<QuantizedWeight> {
  const { inFeatures, outFeatures, bits, symmetric, factor, dead, order } = options;
  const groupSize = blockSizeOf(options.groupSize, inFeatures);
  const groups = Math.ceil(inFeatures / groupSize);
  const dense = options.weight.slice(); // [in, out]
  for (const i of dead) dense.fill(0, (order?.[i] ?? i) * outFeatures, ((order?.[i] ?? i) + 1) * outFeatures);
  const weight = order ? permutedRows(dense, outFeatures, order) : dense; // [in, out] in the order of the sweep
  const grids: Grid[][] = []; // [groups][out]
  const fit = (group: number) => {
    const rows = { first: group * groupSize, end: Math.min((group + 1) * groupSize, inFeatures) };
    // Without an order of its own the sweep works in `dense`, so these are the corrected weights.
    grids[group] = fitRows(dense, { ...rows, outFeatures, bits, symmetric });
  };
  if (order) for (let group = 0; group < groups; group++) fit(group);

  const codes = new Uint8Array(inFeatures * outFeatures); // [in, out]
  await compensatedSweep({
    weight,
    factor,
    inFeatures,
    outFeatures,
    ...(options.signal && { signal: options.signal }),
    settle(step, settled) {
      const feature = order?.[step] ?? step;
      if (!order && feature % groupSize === 0) fit(feature / groupSize);
      const grid = grids[Math.floor(feature / groupSize)];
      const [from, to] = [step * outFeatures, feature * outFeatures];
      for (let out = 0; out < outFeatures; out++) {
        const code = codeOf(grid[out], weight[from + out]);
        codes[to + out] = code;
        settled[out] = valueOf(grid[out], code);
      }
    },
  });
  const gridAt = (at: number) => grids[at % groups][Math.floor(at / groups)];
  return {
    inFeatures,
    outFeatures,
    bits,
    symmetric,
    blockSize: groupSize,
    codes: transposedCodes(codes, inFeatures, outFeatures),
    scales: Float32Array.from({ length: outFeatures * groups }, (_, at) => gridAt(at).scale),
    zeroPoints: Uint8Array.from({ length: outFeatures * groups }, (_, at) => gridAt(at).zeroPoint),
  };
}

/** The grid of each output over the input features [first, end), [out]. */
function fitRows(
  weight: Float32Array,
  rows: GridFormat & { readonly first: number; readonly end: number; readonly outFeatures: number },
): Grid[] {
  const { first, end, outFeatures } = rows;
  const low = new Float32Array(outFeatures).fill(Infinity);
  const high = new Float32Array(outFeatures).fill(-Infinity);
  for (let i = first; i < end; i++) {
    for (let out = 0; out < outFeatures; out++) {
      const value = weight[i * outFeatures + out];
      if (value < low[out]) low[out] = value;
      if (value > high[out]) high[out] = value;
    }
  }
  return Array.from({ length: outFeatures }, (_, out) => gridOfRange(low[out], high[out], rows));
}

/** Input features, that of the largest second moment first; of equal ones the earlier. */
export function byDescendingDiagonal(moment: Float64Array, size: number): readonly number[] {
  return Array.from({ length: size }, (_, i) => i).sort((a, b) => moment[b * (size + 1)] - moment[a * (size + 1)]);
}

function permuted(matrix: Float64Array, size: number, order: readonly number[]): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) result[i * size + j] = matrix[order[i] * size + order[j]];
  }
  return result;
}

function permutedRows(matrix: Float32Array, columns: number, order: readonly number[]): Float32Array {
  const result = new Float32Array(matrix.length);
  order.forEach((from, to) => result.set(matrix.subarray(from * columns, (from + 1) * columns), to * columns));
  return result;
}

/** [in, out] → [out, in] */
function transposedCodes(codes: Uint8Array, inFeatures: number, outFeatures: number): Uint8Array {
  const transposed = new Uint8Array(codes.length);
  // Tiles keep both sides in the cache.
  for (let i0 = 0; i0 < inFeatures; i0 += 64) {
    for (let out0 = 0; out0 < outFeatures; out0 += 64) {
      for (let out = out0; out < Math.min(out0 + 64, outFeatures); out++) {
        for (let i = i0; i < Math.min(i0 + 64, inFeatures); i++) {
          transposed[out * inFeatures + i] = codes[i * outFeatures + out];
        }
      }
    }
  }
  return transposed;
}
