/**
 * Round to nearest: every weight goes to the nearest point of its group's grid, whatever it does to the output.
 * The baseline in Frantar et al. 2023 (GPTQ), https://arxiv.org/abs/2210.17323, section 5 ("RTN").
 * Departs from it: grids are those of ONNX Runtime's own weight-only quantizer, bit for bit; and the kernel quantizes
 * activations to int8 unless told otherwise, as deployments run it.
 */
import * as v from 'valibot';
import { defineMethod } from '../../harness/contracts/method.ts';
import { withQuantizedEmbedding } from '../shared/gather-block-quantized.ts';
import { type QuantizedWeight, quantizeWeight, withQuantizedLinears } from '../shared/matmul-nbits.ts';
import { kernelRemark, weightFormat } from '../shared/weight-format.ts';

const EMBEDDING_GROUP_SIZE = 32;

export default defineMethod({
  id: 'rtn',
  family: 'quantization',
  access: 'data-free',
  description:
    'Rounds each weight of the linear layers to the nearest of 4, 8, 16 or 256 evenly spaced values, one scale per output or per small group of inputs. ' +
    'It looks at nothing but the weights and takes milliseconds, so it is the bar for every other quantizer. ' +
    'Token embedding and output layer stay in float32 unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'GPTQ: Accurate Post-Training Quantization for Generative Pre-trained Transformers',
    authors: 'Elias Frantar, Saleh Ashkboos, Torsten Hoefler, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2210.17323',
  },
  params: v.strictObject({
    ...weightFormat,
    embedding: v.optional(
      v.pipe(
        v.picklist(['float32', 'int4', 'int8']),
        v.description(
          `Token embedding and output layer: as they are, or symmetric in groups of ${EMBEDDING_GROUP_SIZE}.`,
        ),
      ),
      'float32',
    ),
  }),
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
    w2g16: { bits: 2, groupSize: 16 },
    'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
  },

  compress(model, { params, signal, note, progress }) {
    const { embedding, activations, ...format } = params;
    const quantized: { linear: (typeof model.linears)[number]; quantized: QuantizedWeight }[] = [];
    const remarks = new Set<string>();
    for (const linear of model.linears) {
      signal.throwIfAborted();
      const { inFeatures, outFeatures } = linear;
      const rounded = quantizeWeight(model.weight(linear), { inFeatures, outFeatures, ...format });
      quantized.push({ linear, quantized: rounded });
      const remark = kernelRemark(rounded, activations);
      if (remark !== undefined) remarks.add(remark);
      progress(quantized.length / model.linears.length);
    }
    remarks.forEach(note);
    const smaller = withQuantizedLinears(model, quantized, { activations });
    if (embedding === 'float32') return smaller;
    const bits = embedding === 'int4' ? 4 : 8;
    return withQuantizedEmbedding(smaller, { bits, groupSize: EMBEDDING_GROUP_SIZE, activations });
  },
});
