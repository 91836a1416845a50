/** A random mask of the same sparsity: the control that a pruning method must beat. */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { layerMask, patternMask, sparsityParameter, withMask } from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'random-mask',
  family: 'pruning',
  access: 'data-free',
  revision: 2,
  control: true,
  random: true,
  description:
    'Sets randomly chosen weights of the linear layers to zero, the same share in every layer. ' +
    'It is a control: a pruning method that is no better gains nothing from looking at the weights or the data.',
  paper: {
    title: 'What is the State of Neural Network Pruning?',
    authors: 'Davis Blalock, Jose Javier Gonzalez Ortiz, Jonathan Frankle, John Guttag',
    year: 2020,
    url: 'https://arxiv.org/abs/2003.03033',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ sparsity: sparsityParameter }),
  variants: {
    s10: { sparsity: 0.1 },
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s70: { sparsity: 0.7 },
    s90: { sparsity: 0.9 },
    '2-of-4': { sparsity: '2:4' },
  },

  compress(model, { params: { sparsity }, random, signal, progress }) {
    let pruned = model;
    model.linears.forEach((linear, index) => {
      signal.throwIfAborted();
      const stream = random.fork(linear.role);
      const scores = Float64Array.from({ length: linear.inFeatures * linear.outFeatures }, () => stream.next());
      const mask = typeof sparsity === 'number' ? layerMask(scores, sparsity) : patternMask(scores, linear, sparsity);
      pruned = withMask(pruned, linear, mask);
      progress((index + 1) / model.linears.length);
    });
    return pruned;
  },
});
