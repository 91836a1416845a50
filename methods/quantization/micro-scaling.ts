/**
 * Micro-scaling: weights as four-bit floating-point numbers (E2M1), with an 8-bit scale for every 32 or 16 inputs of an
 * output.
 * Rouhani et al. 2023, https://arxiv.org/abs/2310.10537 (MXFP4), rounded to nearest with the scale of its section 4;
 * NVFP4 is NVIDIA's format of the same kind. Both are in methods/shared/formats/micro-scaling.ts.
 * Differs from the paper: activations are not rounded, and no kernel here multiplies such codes.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { quantizeMicro, withMicroScaledLinears } from '../shared/formats/micro-scaling.ts';
import { weightFormat, withStoredEmbedding } from '../shared/formats/weight-format.ts';

export default defineMethod({
  id: 'micro-scaling',
  family: 'quantization',
  access: 'data-free',
  revision: 1,
  description:
    'Rounds each weight of the linear layers to the nearest of fifteen floating-point numbers of four bits, which lie closer together near zero, with a scale of eight bits for each 16 or 32 inputs of an output. ' +
    'New graphics processors multiply such weights directly; here they are unpacked when the file is loaded, so memory and time are those of the dense model. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'Microscaling Data Formats for Deep Learning',
    authors: 'Bita Darvish Rouhani, Ritchie Zhao, Ankit More, Mathew Hall and others',
    year: 2023,
    url: 'https://arxiv.org/abs/2310.10537',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    format: v.pipe(
      v.picklist(['mxfp4', 'nvfp4']),
      v.description('MXFP4: powers of two for 32 inputs. NVFP4: numbers of eight bits for 16 inputs.'),
    ),
    embedding: weightFormat.embedding,
  }),
  variants: {
    mxfp4: { format: 'mxfp4' },
    'mxfp4-e8': { format: 'mxfp4', embedding: 'int8' },
    'mxfp4-e4': { format: 'mxfp4', embedding: 'int4' },
    nvfp4: { format: 'nvfp4' },
    'nvfp4-e8': { format: 'nvfp4', embedding: 'int8' },
    'nvfp4-e4': { format: 'nvfp4', embedding: 'int4' },
  },

  compress(model, { params: { format, embedding }, signal, simulated, progress }) {
    simulated(
      'weights of four-bit floating-point numbers are unpacked when the file is loaded: no kernel here multiplies them',
    );
    const { linears } = model;
    const layers = linears.map((linear, index) => {
      signal.throwIfAborted();
      const { inFeatures, outFeatures } = linear;
      const quantized = quantizeMicro(model.weight(linear), { inFeatures, outFeatures, format });
      progress((index + 1) / linears.length);
      return { linear, quantized };
    });
    return withStoredEmbedding(withMicroScaledLinears(model, layers), { activations: 'float32', embedding });
  },
});
