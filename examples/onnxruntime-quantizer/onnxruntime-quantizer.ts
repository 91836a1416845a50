/**
 * A method in another language: onnxruntime.quantization.quantize_dynamic of the Python package. To register it, move
 * both files to methods/quantization/ and add its line to methods/index.ts.
 */
import { fileURLToPath } from 'node:url';
import * as v from 'valibot';
import { defineExternalMethod } from '../../methods/shared/external/external-method.ts';

const flag = (text: string) => v.pipe(v.boolean(), v.description(text));

export default defineExternalMethod({
  id: 'onnxruntime-quantizer',
  family: 'quantization',
  access: 'data-free',
  revision: 1,
  description:
    'Eight-bit weights and activations by the dynamic quantizer that comes with onnxruntime for Python. ' +
    'Weights are rounded once, activations at run time.',
  paper: {
    title: 'Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference',
    authors:
      'Benoit Jacob, Skirmantas Kligys, Bo Chen, Menglong Zhu, Matthew Tang, Andrew Howard, Hartwig Adam, Dmitry Kalenichenko',
    year: 2018,
    url: 'https://arxiv.org/abs/1712.05877',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    perChannel: flag('One scale for each output feature instead of one for a matrix.'),
    reducedRange: v.optional(flag('Weights take 7 bits instead of 8.'), false),
    embedding: v.optional(flag('The token embedding becomes integers too.'), false),
  }),
  variants: {
    tensor: { perChannel: false },
    channel: { perChannel: true },
    'tensor-7bit': { perChannel: false, reducedRange: true },
    'channel-7bit': { perChannel: true, reducedRange: true },
    'channel-embedding': { perChannel: true, embedding: true },
  },
  command: ['python3', fileURLToPath(new URL('./quantize.py', import.meta.url))],
});
