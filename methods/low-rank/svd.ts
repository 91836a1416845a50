/**
 * Truncated singular value decomposition: W ≈ U_r S_r V_rᵀ, the nearest matrix of rank r (Eckart & Young 1936,
 * https://doi.org/10.1007/BF02288367), as two linear layers (Xue, Li & Gong 2013).
 * A layer stays dense where its factors would not be smaller.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import {
  type Factors,
  denseRemark,
  keepParameter,
  keepVariants,
  rankFor,
  truncate,
  withFactors,
} from '../shared/solvers/low-rank.ts';

export default defineMethod({
  id: 'svd',
  family: 'low-rank',
  access: 'data-free',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner ones, cut from its singular value decomposition, so that fewer numbers are stored and multiplied. ' +
    'It uses no data: it keeps the largest components of the weights, whatever the inputs are. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'Restructuring of Deep Neural Network Acoustic Models with Singular Value Decomposition',
    authors: 'Jian Xue, Jinyu Li, Yifan Gong',
    year: 2013,
    url: 'https://doi.org/10.21437/Interspeech.2013-552',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ keep: keepParameter }),
  variants: keepVariants,

  async compress(model, { params, signal, note, progress }) {
    const factored: { linear: LinearRole; factors: Factors }[] = [];
    const dense: LinearRole[] = [];
    for (const [index, linear] of model.linears.entries()) {
      signal.throwIfAborted();
      const rank = rankFor(linear, params.keep);
      if (rank === undefined) dense.push(linear);
      else factored.push({ linear, factors: await truncate(model.weight(linear), linear, rank) });
      progress((index + 1) / model.linears.length);
    }
    const remark = denseRemark(dense);
    if (remark !== undefined) note(remark);
    return withFactors(model, factored);
  },
});
