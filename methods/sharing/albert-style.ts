/**
 * One layer in place of many, trained: all layers, or runs of neighbouring ones, read the same weights.
 * Lan et al. 2020 (ALBERT), https://arxiv.org/abs/1909.11942, section 3.1: shares all parameters, those of attention,
 * or those of the feed-forward network; section 4.5 also divides the layers into groups.
 * Differs from the paper: it starts from the trained layers of a model, averaged or the first of each group, whereas
 * the paper trains from scratch; biases and norms are not shared; the embedding is not factorised.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import {
  mergeParameter,
  neighbouringLayers,
  shareParameter,
  tiedLinears,
  withTiedWeights,
} from '../shared/surgery/tied-weights.ts';

export default defineMethod({
  id: 'albert-style',
  family: 'sharing',
  access: 'trained',
  revision: 2,
  description:
    'Makes the layers read one common set of weights, all of them or those of attention or the feed-forward network alone, and fine-tunes that set. ' +
    'The file shrinks because shared weights are stored once; the computation stays the same. ' +
    'Embedding, biases, norms and output layer are trained but not shared.',
  paper: {
    title: 'ALBERT: A Lite BERT for Self-supervised Learning of Language Representations',
    authors: 'Zhenzhong Lan, Mingda Chen, Sebastian Goodman, Kevin Gimpel, Piyush Sharma, Radu Soricut',
    year: 2020,
    url: 'https://arxiv.org/abs/1909.11942',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    share: shareParameter,
    distinct: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(1),
        v.description('Sets of weights, each for as many neighbouring layers.'),
      ),
      1,
    ),
    start: v.optional(mergeParameter, 'first'),
    ...budgetParameters,
  }),
  variants: ladder({
    all: { share: 'all' },
    attention: { share: 'attention' },
    'feed-forward': { share: 'feed-forward' },
    'all-x2': { share: 'all', distinct: 2 },
  }),

  async compress(model, context) {
    const { share, distinct, start } = context.params;
    const count = model.roles.layers.length;
    if (count <= distinct) {
      throw new UnsupportedError(
        `${model.id}: ${distinct} sets of weights leave its ${count} layers nothing to share; lower params.distinct or use a deeper model`,
      );
    }
    const groups = neighbouringLayers(count, distinct);
    const tied = withTiedWeights(model, tiedLinears(model, groups, share), start);
    context.note(`layers that share: ${groups.map((group) => group.join(' ')).join(', ')}`);
    const { parameters } = await fineTune(context, { model, onnx: tied.onnx });
    return tied.withOnnx(withParameters(tied.onnx, parameters));
  },
});
