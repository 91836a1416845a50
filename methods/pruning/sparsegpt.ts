/**
 * SparseGPT: chooses block by block which weights to prune; the weights not yet processed compensate for each pruned
 * one.
 * Frantar & Alistarh 2023, https://arxiv.org/abs/2301.00774, https://github.com/IST-DASLab/sparsegpt; the algorithm for
 * one layer is methods/shared/solvers/sparsegpt-layer.ts, with the masks of section 3.3 (threshold over a block of
 * inputs and all outputs) and 3.4 (N:M).
 * Differs from the paper: exactly the rounded share of each block is pruned, ties broken by position. The paper's joint
 * quantization is methods/combined/prune-quantize.ts.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { sparsegptLayer } from '../shared/solvers/sparsegpt-layer.ts';
import { sparsityParameter } from '../shared/solvers/sparsity.ts';
import { maskBlockParameter } from '../shared/solvers/sweep-mask.ts';

export default defineMethod({
  id: 'sparsegpt',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Sets to zero the weights of the linear layers whose removal the remaining weights can best compensate for on calibration data, and corrects the remaining weights in the same pass. ' +
    'It takes one pass with second-order information and no gradients. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'SparseGPT: Massive Language Models Can Be Accurately Pruned in One-Shot',
    authors: 'Elias Frantar, Dan Alistarh',
    year: 2023,
    url: 'https://arxiv.org/abs/2301.00774',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    damping: dampingParameter,
    blockSize: maskBlockParameter,
  }),
  variants: {
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s60: { sparsity: 0.6 },
    s70: { sparsity: 0.7 },
    s80: { sparsity: 0.8 },
    '2-of-4': { sparsity: '2:4' },
    '4-of-8': { sparsity: '4:8' },
  },

  compress(model, { params, calibration, signal, progress }) {
    return compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      compressLinear: ({ role: where, inFeatures, outFeatures }, weight, statistics) =>
        sparsegptLayer({
          weight,
          moment: statistics.of('second-moment'),
          inFeatures,
          outFeatures,
          where,
          signal,
          ...params,
        }),
    });
  },
});
