/**
 * Pruning and quantization in one sweep over the inputs of a layer: each weight becomes zero or the nearest point of
 * its grid, and the weights not yet processed compensate for both errors.
 * Frantar & Alistarh 2023 (SparseGPT), https://arxiv.org/abs/2301.00774, section 3.5 "Joint Sparsification &
 * Quantization".
 * At sparsity 0 it equals GPTQ, without rounding it equals SparseGPT; it uses their parts in methods/shared/solvers.
 * Differs from the paper: there is one grid per group of inputs, as in methods/quantization/gptq.ts, fitted to all
 * weights of the group.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { compensatedSweep } from '../shared/solvers/compensated-sweep.ts';
import type { GridFormat } from '../shared/formats/grid.ts';
import { dampingParameter, type InverseFactor, inverseFactor } from '../shared/solvers/inverse-factor.ts';
import {
  dequantizeWeight,
  type GroupSize,
  type QuantizedWeight,
  type WeightShape,
} from '../shared/formats/matmul-nbits.ts';
import { type Sparsity, sparsityParameter } from '../shared/solvers/sparsity.ts';
import { sweepGrids } from '../shared/solvers/sweep-grids.ts';
import { maskBlockParameter, sweepMask } from '../shared/solvers/sweep-mask.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

export default defineMethod({
  id: 'prune-quantize',
  family: 'combined',
  access: 'calibrated',
  revision: 2,
  description:
    'Sets weights of the linear layers to zero and quantizes the others to few bits in one pass; weights not yet processed compensate for both errors. ' +
    'Zeros are stored as ordinary codes: they save space when the file is compressed, but no time. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot',
    authors: 'Elias Frantar, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2301.00774',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    ...weightFormat,
    damping: dampingParameter,
    blockSize: maskBlockParameter,
  }),
  variants: {
    's30-w4g32': { sparsity: 0.3, bits: 4, groupSize: 32 },
    's30-w4g32-e8': { sparsity: 0.3, bits: 4, groupSize: 32, embedding: 'int8' },
    's50-w4g32-e4': { sparsity: 0.5, bits: 4, groupSize: 32, embedding: 'int4' },
    's50-w4g32': { sparsity: 0.5, bits: 4, groupSize: 32 },
    's70-w4g32': { sparsity: 0.7, bits: 4, groupSize: 32 },
    '2-of-4-w4g32': { sparsity: '2:4', bits: 4, groupSize: 32 },
    's50-w8g32': { sparsity: 0.5, bits: 8, groupSize: 32 },
    's30-w3g32': { sparsity: 0.3, bits: 3, groupSize: 32 },
    's50-w3g32': { sparsity: 0.5, bits: 3, groupSize: 32 },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { activations, embedding, damping, ...options } = params;
    const settled: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
    await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const moment = statistics.of('second-moment');
        const inverse = await inverseFactor(moment, { size: inFeatures, damping, where });
        const quantized = await jointSweep({ weight, inFeatures, outFeatures, signal, ...inverse, ...options });
        settled.push({ linear, quantized });
        return dequantizeWeight(quantized);
      },
    });
    return storeQuantized(model, settled, { activations, embedding, note });
  },
});

export interface JointSweep extends WeightShape, GridFormat, InverseFactor {
  /** [in, out] */
  readonly weight: Float32Array;
  readonly groupSize: GroupSize;
  readonly sparsity: Sparsity;
  readonly blockSize: number;
  readonly signal?: AbortSignal;
}

/** SparseGPT's Algorithm 1 with the rounding of section 3.5. */
export async function jointSweep({ signal, ...options }: JointSweep): Promise<QuantizedWeight> {
  const { outFeatures, dead } = options;
  const weight = options.weight.slice();
  for (const i of dead) weight.fill(0, i * outFeatures, (i + 1) * outFeatures);
  const mask = sweepMask({ ...options, weight });
  const grids = sweepGrids({ ...options, weight });
  await compensatedSweep({
    ...options,
    weight,
    ...(signal && { signal }),
    settle(feature, settled) {
      mask.apply(feature, settled);
      grids.round(feature, settled);
    },
  });
  return grids.quantized();
}
