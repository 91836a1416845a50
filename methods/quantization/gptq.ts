/**
 * GPTQ: rounds the weights of one input after another and compensates for each error in the weights not yet rounded.
 * Frantar et al. 2023, https://arxiv.org/abs/2210.17323; the algorithm for one layer, and how it differs from the
 * paper's code, is in methods/shared/solvers/gptq-layer.ts. Each block sees the outputs of the quantized blocks before
 * it. By default the kernel quantizes activations to int8.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { gptqLayer } from '../shared/solvers/gptq-layer.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { type QuantizedWeight, dequantizeWeight } from '../shared/formats/matmul-nbits.ts';
import {
  activationBitsParameter,
  inputGrids,
  roundedInputsRemark,
  withRoundedInputs,
} from '../shared/formats/rounded-inputs.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

export default defineMethod({
  id: 'gptq',
  family: 'quantization',
  access: 'calibrated',
  revision: 2,
  description:
    'Quantizes the weights of the linear layers one input at a time, and after each adjusts the remaining weights to compensate for the error on calibration data. ' +
    'It takes one pass with second-order information and no gradients. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4, e2).',
  paper: {
    title: 'GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers',
    authors: 'Elias Frantar, Saleh Ashkboos, Torsten Hoefler, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2210.17323',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...weightFormat,
    actOrder: v.optional(
      v.pipe(
        v.boolean(),
        v.description('Process inputs in descending order of their second moment, with scales fitted beforehand.'),
      ),
      false,
    ),
    damping: dampingParameter,
    activationBits: activationBitsParameter,
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
    'w4g32-e8': { bits: 4, groupSize: 32, embedding: 'int8' },
    'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4' },
    w8a8g32: { bits: 8, activationBits: 8, groupSize: 32 },
    w8a4g32: { bits: 8, activationBits: 4, groupSize: 32 },
    w4a8g32: { bits: 4, activationBits: 8, groupSize: 32 },
    w4a4g32: { bits: 4, activationBits: 4, groupSize: 32 },
    w4g16: { bits: 4, groupSize: 16 },
    w3: { bits: 3 },
    w3g32: { bits: 3, groupSize: 32 },
    'w3g32-e4': { bits: 3, groupSize: 32, embedding: 'int4' },
    w3g16: { bits: 3, groupSize: 16 },
    'w3g16-e8': { bits: 3, groupSize: 16, embedding: 'int8' },
    'w3g16-asym': { bits: 3, groupSize: 16, symmetric: false },
    w2g32: { bits: 2, groupSize: 32 },
    'w2g32-e4': { bits: 2, groupSize: 32, embedding: 'int4' },
    'w2g32-e2': { bits: 2, groupSize: 32, embedding: 'int2' },
    w2g16: { bits: 2, groupSize: 16 },
    'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
  },

  async compress(model, { params, calibration, signal, note, simulated, progress }) {
    const { activations, embedding, damping, activationBits, ...options } = params;
    const settled: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
    const { examples } = calibration;
    const rounded = await compressLayerByLayer({
      model,
      examples,
      statistics: ['second-moment'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const moment = statistics.of('second-moment');
        const quantized = await gptqLayer({
          weight,
          moment,
          inFeatures,
          outFeatures,
          damping,
          where,
          signal,
          ...options,
        });
        settled.push({ linear, quantized });
        return dequantizeWeight(quantized);
      },
    });
    if (activationBits === undefined) return storeQuantized(model, settled, { activations, embedding, note });
    simulated(roundedInputsRemark(activationBits));
    const grids = await inputGrids({ model: rounded, examples, bits: activationBits, signal });
    return withRoundedInputs(storeQuantized(model, settled, { activations: 'float32', embedding, note }), grids);
  },
});
