/**
 * NormalFloat: 4 bits whose sixteen levels are spaced like the quantiles of a normal distribution, scaled to the
 * largest magnitude of each block. Dettmers et al. 2023 (QLoRA), https://arxiv.org/abs/2305.14314, section 3, "4-bit
 * NormalFloat Quantization" and "Double Quantization": methods/shared/formats/matmul-bnb4.ts and
 * methods/shared/formats/nested-absmax.ts.
 * The FP4 variants use sixteen floating-point numbers instead, with which the paper compares. Activations stay in
 * float32.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { quantizeBnb4, withBnb4Linears } from '../shared/formats/matmul-bnb4.ts';

export default defineMethod({
  id: 'nf4',
  family: 'quantization',
  access: 'data-free',
  revision: 2,
  description:
    'Rounds each weight of the linear layers to the nearest of sixteen levels that are closely spaced around zero, where most weights are, and widely spaced far from it. ' +
    'It saves file size and memory, not time: the CPU unpacks the weights on every call. ' +
    'Token embedding and output layer stay in floating point.',
  paper: {
    title: 'QLoRA: Efficient Finetuning of Quantized LLMs',
    authors: 'Tim Dettmers, Artidoro Pagnoni, Ari Holtzman, Luke Zettlemoyer',
    year: 2023,
    url: 'https://arxiv.org/abs/2305.14314',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    blockSize: v.pipe(v.picklist([16, 32, 64, 128, 256]), v.description('Weights that share a scale.')),
    type: v.optional(
      v.pipe(v.picklist(['nf4', 'fp4']), v.description('Levels of a normal distribution, or floating-point numbers.')),
      'nf4',
    ),
    nested: v.optional(
      v.pipe(v.boolean(), v.description('Double quantization: scales take 8 bits instead of 32.')),
      false,
    ),
  }),
  variants: {
    b128: { blockSize: 128 },
    b64: { blockSize: 64 },
    b32: { blockSize: 32 },
    b16: { blockSize: 16 },
    'b64-nested': { blockSize: 64, nested: true },
    'b32-nested': { blockSize: 32, nested: true },
    'b16-nested': { blockSize: 16, nested: true },
    'b64-fp4': { blockSize: 64, type: 'fp4' },
    'b32-fp4': { blockSize: 32, type: 'fp4' },
  },

  compress(model, { params, signal, progress }) {
    const { linears } = model;
    const quantized = linears.map((linear, index) => {
      signal.throwIfAborted();
      const { inFeatures, outFeatures } = linear;
      const weight = quantizeBnb4(model.weight(linear), { inFeatures, outFeatures, ...params });
      progress((index + 1) / linears.length);
      return { linear, quantized: weight };
    });
    return withBnb4Linears(model, quantized);
  },
});
