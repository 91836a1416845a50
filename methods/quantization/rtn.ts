/**
 * Round to nearest: each weight becomes the nearest point of its group's grid, without regard to the output.
 * The baseline in Frantar et al. 2023 (GPTQ), https://arxiv.org/abs/2210.17323, section 5 ("RTN").
 * Differs from it: grids are those of ONNX Runtime's own weight-only quantizer, bit for bit; and by default the kernel
 * quantizes activations to int8, as in deployments.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { quantizeWeight } from '../shared/formats/matmul-nbits.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

export default defineMethod({
  id: 'rtn',
  family: 'quantization',
  access: 'data-free',
  revision: 2,
  description:
    'Rounds each weight of the linear layers to the nearest of 4, 8, 16 or 256 evenly spaced values, one scale per output or per small group of inputs. ' +
    'It uses no data and takes milliseconds, so it is the baseline for every other quantizer. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4, e2).',
  paper: {
    title: 'GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers',
    authors: 'Elias Frantar, Saleh Ashkboos, Torsten Hoefler, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2210.17323',
  },
  licence: 'Apache-2.0',
  params: v.strictObject(weightFormat),
  variants: {
    w8: { bits: 8 },
    w8g32: { bits: 8, groupSize: 32 },
    'w8g32-e8': { bits: 8, groupSize: 32, embedding: 'int8' },
    'w8g32-fp32act': { bits: 8, groupSize: 32, activations: 'float32' },
    w4: { bits: 4 },
    'w4-asym': { bits: 4, symmetric: false },
    w4g64: { bits: 4, groupSize: 64 },
    w4g32: { bits: 4, groupSize: 32 },
    w4g16: { bits: 4, groupSize: 16 },
    'w4g32-asym': { bits: 4, groupSize: 32, symmetric: false },
    'w4g32-fp32act': { bits: 4, groupSize: 32, activations: 'float32' },
    'w4g32-e8': { bits: 4, groupSize: 32, embedding: 'int8' },
    'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4' },
    w3: { bits: 3 },
    w3g32: { bits: 3, groupSize: 32 },
    w3g16: { bits: 3, groupSize: 16 },
    'w3g16-asym': { bits: 3, groupSize: 16, symmetric: false },
    w2g32: { bits: 2, groupSize: 32 },
    'w2g32-e4': { bits: 2, groupSize: 32, embedding: 'int4' },
    'w2g32-e2': { bits: 2, groupSize: 32, embedding: 'int2' },
    w2g16: { bits: 2, groupSize: 16 },
    'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
  },

  compress(model, { params, signal, note, progress }) {
    const { embedding, activations, ...format } = params;
    const { linears } = model;
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      const { inFeatures, outFeatures } = linear;
      const quantized = quantizeWeight(model.weight(linear), { inFeatures, outFeatures, ...format });
      progress((index + 1) / linears.length);
      return { linear, quantized };
    });
    return storeQuantized(model, layers, { activations, embedding, note });
  },
});
