/**
 * Magnitude pruning in one shot: the weights of smallest absolute value become zero.
 * Han et al. 2015, https://arxiv.org/abs/1506.02626, without retraining; the scopes as compared by Gale, Elsen & Hooker
 * 2019, https://arxiv.org/abs/1902.09574; N:M patterns as in Mishra et al. 2021, https://arxiv.org/abs/2104.08378.
 */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { type Mask, layerMask, patternMask, sparsityParameter, withMask } from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'magnitude',
  family: 'pruning',
  access: 'data-free',
  revision: 2,
  description:
    'Sets the weights of smallest absolute value in the linear layers to zero, the same share in every layer or the smallest of the whole network. ' +
    'It looks at no data, so it cannot know that a small weight on a strong input matters. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'Learning both Weights and Connections for Efficient Neural Networks',
    authors: 'Song Han, Jeff Pool, John Tran, William J. Dally',
    year: 2015,
    url: 'https://arxiv.org/abs/1506.02626',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    scope: v.optional(
      v.pipe(
        v.picklist(['layer', 'global']),
        v.description('Compare weights within a layer, or over all layers together.'),
      ),
      'layer',
    ),
  }),
  variants: {
    s10: { sparsity: 0.1 },
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s60: { sparsity: 0.6 },
    s70: { sparsity: 0.7 },
    s80: { sparsity: 0.8 },
    s90: { sparsity: 0.9 },
    's50-global': { sparsity: 0.5, scope: 'global' },
    's70-global': { sparsity: 0.7, scope: 'global' },
    '2-of-4': { sparsity: '2:4' },
    '4-of-8': { sparsity: '4:8' },
  },

  compress(model, { params: { sparsity, scope }, signal, progress }) {
    if (scope === 'global') {
      if (typeof sparsity !== 'number') {
        throw new InputError(
          `magnitude: pattern ${sparsity} is local by definition; leave out scope: 'global' or give a share`,
        );
      }
      return pruneGlobally(model, sparsity, signal);
    }
    let pruned = model;
    model.linears.forEach((linear, index) => {
      signal.throwIfAborted();
      const scores = model.weight(linear).map(Math.abs);
      const mask = typeof sparsity === 'number' ? layerMask(scores, sparsity) : patternMask(scores, linear, sparsity);
      pruned = withMask(pruned, linear, mask);
      progress((index + 1) / model.linears.length);
    });
    return pruned;
  },
});

function pruneGlobally(model: Model, sparsity: number, signal: AbortSignal): Model {
  const weights = model.linears.map((linear) => model.weight(linear));
  const scores = new Float32Array(weights.reduce((sum, weight) => sum + weight.length, 0));
  let at = 0;
  for (const weight of weights) {
    scores.set(weight.map(Math.abs), at);
    at += weight.length;
  }
  signal.throwIfAborted();
  const mask = layerMask(scores, sparsity);
  at = 0;
  return model.linears.reduce((pruned, linear, index) => {
    const own: Mask = mask.subarray(at, at + weights[index]!.length);
    at += weights[index]!.length;
    return withMask(pruned, linear, own);
  }, model);
}
