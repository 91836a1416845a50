/**
 * Truncated singular value decomposition: W ≈ U_r S_r V_rᵀ, the nearest matrix of rank r (Eckart & Young 1936,
 * https://doi.org/10.1007/BF02288367), as two linear layers (Xue, Li & Gong 2013). The square root of S_r goes to each side.
 * No layer gets a rank at which its factors are not smaller than itself.
 */
import * as v from 'valibot';
import { defineMethod } from '../../harness/contracts/method.ts';
import type { LinearRole } from '../../harness/contracts/model.ts';
import { thinSvd } from '../../harness/tensor/linear-algebra.ts';
import { type Factors, denseRemark, keepParameter, keepVariants, rankFor, withFactors } from '../shared/low-rank.ts';

export default defineMethod({
  id: 'svd',
  family: 'low-rank',
  access: 'data-free',
  description:
    'Replaces each weight matrix by the product of two thinner ones, cut from its singular value decomposition, so that fewer numbers are stored and multiplied. ' +
    'It keeps what is large in the weights, not what matters for the inputs the layer really sees. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'Restructuring of Deep Neural Network Acoustic Models with Singular Value Decomposition',
    authors: 'Jian Xue, Jinyu Li, Yifan Gong',
    year: 2013,
    url: 'https://doi.org/10.21437/Interspeech.2013-552',
  },
  params: v.strictObject({ keep: keepParameter }),
  variants: keepVariants,

  compress(model, { params, signal, note, progress }) {
    const factored: { linear: LinearRole; factors: Factors }[] = [];
    const dense: LinearRole[] = [];
    model.linears.forEach((linear, index) => {
      signal.throwIfAborted();
      const rank = rankFor(linear, params.keep);
      if (rank === undefined) dense.push(linear);
      else factored.push({ linear, factors: truncate(model.weight(linear), linear, rank) });
      progress((index + 1) / model.linears.length);
    });
    const remark = denseRemark(dense);
    if (remark !== undefined) note(remark);
    return withFactors(model, factored);
  },
});

/** weight: [in, out] → the factors of the nearest matrix of this rank. */
export function truncate(
  weight: Float32Array,
  { inFeatures, outFeatures }: Pick<LinearRole, 'inFeatures' | 'outFeatures'>,
  rank: number,
): Factors {
  const { u, s, vt } = thinSvd(Float64Array.from(weight), inFeatures, outFeatures);
  const columns = s.length;
  const down = new Float32Array(inFeatures * rank);
  const up = new Float32Array(rank * outFeatures);
  for (let r = 0; r < rank; r++) {
    const root = Math.sqrt(s[r]);
    for (let i = 0; i < inFeatures; i++) down[i * rank + r] = u[i * columns + r] * root;
    for (let o = 0; o < outFeatures; o++) up[r * outFeatures + o] = vt[r * outFeatures + o] * root;
  }
  return { rank, down, up };
}
