/**
 * QuaRot: turns the features of a decoder by random Hadamard matrices, which changes no output but spreads large weights
 * and activations over all features, and quantizes the weights of the turned model by GPTQ or to the nearest.
 * Ashkboos et al. 2024, https://arxiv.org/abs/2404.00456; https://github.com/spcl/QuaRot
 * Those rotations that can be merged into weights: of the residual stream, once norms have given theirs to the layers
 * after them (methods/shared/surgery/stream-basis.ts), and of the values of attention
 * (methods/shared/surgery/value-basis.ts). They are R₁ and R₂ of SpinQuant (Liu et al. 2024,
 * https://arxiv.org/abs/2405.16406), whose learning of them is left out.
 * Differs from the paper: no rotation at run time, inside the feed-forward block and of queries and keys; scales of
 * activations are those of the kernel; sizes that are not a power of two: methods/shared/solvers/random-hadamard.ts.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import type { Random } from '../../numerics/tensor/random.ts';
import { dequantizeWeight, type QuantizedWeight, quantizeWeight } from '../shared/formats/matmul-nbits.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';
import { gptqLayer } from '../shared/solvers/gptq-layer.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { randomHadamard } from '../shared/solvers/random-hadamard.ts';
import { segmentsOf } from '../shared/surgery/pre-norm-stream.ts';
import { withStreamBases } from '../shared/surgery/stream-basis.ts';
import { withValueBases } from '../shared/surgery/value-basis.ts';

export default defineMethod({
  id: 'quarot',
  family: 'quantization',
  access: 'calibrated',
  revision: 1,
  description:
    'Turns the features inside a decoder by a random Hadamard matrix before it quantizes the weights like gptq or rtn. ' +
    'The turned model computes the same, but no weight or activation is much larger than the others, so that a grid of few points fits better. ' +
    'A model whose output layer is its transposed embedding gets one more matrix before the logits, with LayerNorm another after the embedding. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'QuaRot: Outlier-Free 4-Bit Inference in Rotated LLMs',
    authors:
      'Saleh Ashkboos, Amirkeivan Mohtashami, Maximilian L. Croci, Bo Li, Pashmina Cameron, Martin Jaggi, Dan Alistarh, Torsten Hoefler, James Hensman',
    year: 2024,
    url: 'https://arxiv.org/abs/2404.00456',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...weightFormat,
    rounding: v.optional(
      v.pipe(v.picklist(['gptq', 'nearest']), v.description('How the turned weights are rounded.')),
      'gptq',
    ),
    damping: dampingParameter,
  }),
  variants: {
    w4: { bits: 4 },
    'w4-nearest': { bits: 4, rounding: 'nearest' },
    w4g32: { bits: 4, groupSize: 32 },
    'w4g32-nearest': { bits: 4, groupSize: 32, rounding: 'nearest' },
    'w4g32-e8': { bits: 4, groupSize: 32, embedding: 'int8' },
    'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4' },
    w3: { bits: 3 },
    'w3-nearest': { bits: 3, rounding: 'nearest' },
    w3g32: { bits: 3, groupSize: 32 },
    'w3g32-e4': { bits: 3, groupSize: 32, embedding: 'int4' },
    w2: { bits: 2 },
    w2g32: { bits: 2, groupSize: 32 },
    'w2g32-nearest': { bits: 2, groupSize: 32, rounding: 'nearest' },
    'w2g32-e4': { bits: 2, groupSize: 32, embedding: 'int4' },
    w2g16: { bits: 2, groupSize: 16 },
  },

  async compress(dense, { params, calibration, random, signal, note, progress }) {
    const { activations, embedding, damping, rounding, ...format } = params;
    const model = rotated(dense, random);
    const settled: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
    if (rounding === 'nearest') {
      for (const [index, linear] of model.linears.entries()) {
        signal.throwIfAborted();
        const { inFeatures, outFeatures } = linear;
        const quantized = quantizeWeight(model.weight(linear), { inFeatures, outFeatures, ...format });
        settled.push({ linear, quantized });
        progress((index + 1) / model.linears.length);
      }
      return storeQuantized(model, settled, { activations, embedding, note });
    }
    await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const moment = statistics.of('second-moment');
        const layer = { weight, moment, inFeatures, outFeatures, damping, where, signal, ...format };
        const quantized = await gptqLayer(layer);
        settled.push({ linear, quantized });
        return dequantizeWeight(quantized);
      },
    });
    return storeQuantized(model, settled, { activations, embedding, note });
  },
});

/** The model with its stream turned by one Hadamard matrix, and the values of each layer by another. */
export function rotated(model: Model, random: Random): Model {
  const features = model.roles.width;
  const basis = { features, matrix: randomHadamard(features, random.fork('stream')) };
  const turned = withStreamBases(
    model,
    segmentsOf(model).map(() => basis),
  );
  const values = random.fork('values');
  return withValueBases(turned, (size) => randomHadamard(size, values));
}
