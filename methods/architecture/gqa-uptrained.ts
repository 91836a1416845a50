/**
 * Grouped-query attention by mean pooling, followed by training to recover quality: both steps of Ainslie et al. 2023
 * (GQA), https://arxiv.org/abs/2305.13245, section 2.1. methods/architecture/head-merge.ts does the first step alone.
 * Differs from the paper: all parameters are trained by AdamW within the budget of this benchmark, whereas the paper
 * continues pre-training with the original optimizer for 5 % of its steps.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { mergeHeads, mergeParameters } from '../shared/surgery/head-merging.ts';

export default defineMethod({
  id: 'gqa-uptrained',
  family: 'architecture',
  access: 'trained',
  revision: 2,
  description:
    'Replaces groups of key and value heads by their mean and fine-tunes the network, so that several query heads learn to share one key-value head. ' +
    'A short training recovers most of the quality that averaging loses. ' +
    'The variants -first and -random are controls: they keep the first or a random head instead of the mean.',
  paper: {
    title: 'GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints',
    authors: 'Joshua Ainslie, James Lee-Thorp, Michiel de Jong, Yury Zemlyanskiy, Federico Lebrón, Sumit Sanghai',
    year: 2023,
    url: 'https://arxiv.org/abs/2305.13245',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ ...mergeParameters, ...budgetParameters }),
  variants: ladder({
    pairs: { merged: 2 },
    all: { merged: 'all' },
    'pairs-first': { merged: 2, by: 'first' },
    'pairs-random': { merged: 2, by: 'random' },
    'all-first': { merged: 'all', by: 'first' },
    'all-random': { merged: 'all', by: 'random' },
  }),

  async compress(model, context) {
    const merged = mergeHeads(model, { ...context.params, random: context.random });
    const { parameters } = await fineTune(context, { model, onnx: merged.onnx });
    return merged.withOnnx(withParameters(merged.onnx, parameters));
  },
});
