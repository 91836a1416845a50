/**
 * Converts multi-head attention to grouped-query or multi-query attention: the projections of several key and value
 * heads are mean-pooled into one head, which serves all their query heads.
 * Ainslie et al. 2023 (GQA), https://arxiv.org/abs/2305.13245, section 2.1, without the uptraining, which
 * methods/architecture/gqa-uptrained.ts adds. Differs from the paper: its "random" control initializes new heads at
 * random, which is meaningless without training; here "random" selects one of the old heads.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { mergeHeads, mergeParameters } from '../shared/surgery/head-merging.ts';

export default defineMethod({
  id: 'head-merge',
  family: 'architecture',
  access: 'data-free',
  revision: 2,
  random: true,
  description:
    'Replaces groups of key and value heads by their mean, so that several query heads share one. The matrices shrink, and so does the key-value cache during generation. ' +
    'No training or correction follows. ' +
    'The variants -first and -random are controls: they keep the first or a random head instead of the mean.',
  paper: {
    title: 'GQA: Training Generalized Multi-Query Transformer Models from Multi-Head Checkpoints',
    authors: 'Joshua Ainslie, James Lee-Thorp, Michiel de Jong, Yury Zemlyanskiy, Federico Lebrón, Sumit Sanghai',
    year: 2023,
    url: 'https://arxiv.org/abs/2305.13245',
  },
  licence: 'Apache-2.0',
  params: v.strictObject(mergeParameters),
  variants: {
    pairs: { merged: 2 },
    all: { merged: 'all' },
    'pairs-first': { merged: 2, by: 'first' },
    'all-first': { merged: 'all', by: 'first' },
    'pairs-random': { merged: 2, by: 'random' },
    'all-random': { merged: 'all', by: 'random' },
  },

  compress(model, { params, random, signal }) {
    signal.throwIfAborted();
    return mergeHeads(model, { ...params, random });
  },
});
