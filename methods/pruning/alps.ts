/**
 * ALPS: chooses which weights to keep and their values together, as one optimization problem for each layer.
 * Meng et al. 2024, https://arxiv.org/abs/2406.07831, https://github.com/mazumder-lab/ALPS; the algorithm for one layer
 * is methods/shared/solvers/alps-layer.ts. Each block sees the outputs of the pruned blocks before it.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { alpsLayer } from '../shared/solvers/alps-layer.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { sparsityParameter } from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'alps',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Sets weights of the linear layers to zero and finds new values for the others, so that the layer’s output on calibration data changes least: it optimizes both together in a few dozen steps, whereas sparsegpt decides once. ' +
    'It uses second-order information and no gradients of the model. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'ALPS: Improved Optimization for Highly Sparse One-Shot Pruning for Large Language Models',
    authors: 'Xiang Meng, Kayhan Behdin, Haoyue Wang, Rahul Mazumder',
    year: 2024,
    url: 'https://arxiv.org/abs/2406.07831',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ sparsity: sparsityParameter, damping: dampingParameter }),
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
        alpsLayer({
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
