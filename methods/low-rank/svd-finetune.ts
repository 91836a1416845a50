/**
 * Truncated singular value decomposition, then fine-tuning of the factors and of all other parameters: the complete
 * method of Xue, Li & Gong 2013, https://doi.org/10.21437/Interspeech.2013-552. methods/low-rank/svd.ts is its first
 * step.
 * Differs from the paper: AdamW instead of stochastic gradient descent. A layer stays dense where its factors would not
 * be smaller.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import {
  type Factors,
  denseRemark,
  factorNames,
  keepParameter,
  rankFor,
  truncate,
  withFactors,
} from '../shared/solvers/low-rank.ts';

export default defineMethod({
  id: 'svd-finetune',
  family: 'low-rank',
  access: 'trained',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner ones, cut from its singular value decomposition, and fine-tunes the network with them in place. ' +
    'Training recovers quality lost by the cut, so lower ranks remain useful. ' +
    'Embedding, norms and output layer are trained but not made smaller.',
  paper: {
    title: 'Restructuring of Deep Neural Network Acoustic Models with Singular Value Decomposition',
    authors: 'Jian Xue, Jinyu Li, Yifan Gong',
    year: 2013,
    url: 'https://doi.org/10.21437/Interspeech.2013-552',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ keep: keepParameter, ...budgetParameters }),
  variants: {
    ...ladder({
      p75: { keep: 0.75 },
      p50: { keep: 0.5 },
      p25: { keep: 0.25 },
    }),
    ...ladder({ p50: { keep: 0.5 } }, ['t30m']),
  },

  async compress(model, context) {
    const factored: { linear: LinearRole; factors: Factors }[] = [];
    const dense: LinearRole[] = [];
    for (const linear of model.linears) {
      context.signal.throwIfAborted();
      const rank = rankFor(linear, context.params.keep);
      if (rank === undefined) dense.push(linear);
      else factored.push({ linear, factors: await truncate(model.weight(linear), linear, rank) });
    }
    const remark = denseRemark(dense);
    if (remark !== undefined) context.note(remark);
    const { onnx } = withFactors(model, factored);
    const factors = factored.flatMap(({ linear }) => factorNames(linear));
    const { parameters } = await fineTune(context, { model, onnx, parameters: [...parameterNames(onnx), ...factors] });
    return model.withOnnx(withParameters(onnx, parameters));
  },
});
