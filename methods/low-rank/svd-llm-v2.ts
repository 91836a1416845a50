/**
 * SVD-LLM V2: truncated decompositions in the metric of the inputs, with a different rank for each layer.
 * Wang et al. 2025, https://arxiv.org/abs/2503.12340, Algorithm 1. The matrices of one type (all q, all down, …) must
 * together lose a share R of their parameters. It is distributed by the loss L = ‖(W − W') X‖ that each would have if
 * all lost the same share:
 *   R_w = R · n · (1 / log L_w) / Σ 1 / log L
 * The truncation of a matrix is methods/shared/solvers/truncate-whitened.ts: the paper's section 3.2 reaches the same
 * optimum with the eigenvectors of X Xᵀ instead of its Cholesky factor. Differs from the paper: log(1 + L), which is
 * positive for every loss; X are the inputs in the dense model.
 * It can lose to equal shares: L grows with the activations from layer to layer, so that the first layers, whose errors
 * reach all others, lose the most.
 */
import * as v from 'valibot';
import { present } from '../../contracts/present.ts';
import { secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import type { ThinSvd } from '../../numerics/tensor/thin-svd.ts';
import {
  denseRemark,
  type FactoredLinear,
  factorsOf,
  keepParameter,
  keepVariants,
  rankFor,
  withFactors,
} from '../shared/solvers/low-rank.ts';
import { dampingParameter, lostBeyond, whitenedSvd } from '../shared/solvers/truncate-whitened.ts';

export default defineMethod({
  id: 'svd-llm-v2',
  family: 'low-rank',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner ones, like svd-whitened, but lets matrices that lose more keep more: those of one kind share what is removed by their loss on calibration data. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'SVD-LLM V2: Optimizing Singular Value Truncation for Large Language Model Compression',
    authors: 'Xin Wang, Samiul Alam, Zhongwei Wan, Hui Shen, Mi Zhang',
    year: 2025,
    url: 'https://arxiv.org/abs/2503.12340',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ keep: keepParameter, damping: dampingParameter }),
  variants: keepVariants,

  async compress(model, { params: { keep, damping }, calibration, signal, note, progress }) {
    const moments = await secondMoments({ model, examples: calibration.examples, signal });
    const types = Map.groupBy(model.linears, ({ role }) => role.split('.').at(-1) ?? role);
    const factored: FactoredLinear[] = [];
    let done = 0;
    for (const linears of types.values()) {
      const decomposed: { linear: LinearRole; svd: ThinSvd }[] = [];
      for (const linear of linears) {
        signal.throwIfAborted();
        const secondMoment = present(moments.get(linear.role), `second moment of ${linear.role}`).sum;
        const layer = { weight: model.weight(linear), shape: linear, secondMoment, damping, where: linear.role };
        decomposed.push({ linear, svd: await whitenedSvd(layer) });
        progress(++done / model.linears.length);
      }
      const losses = decomposed.map(({ linear, svd }) =>
        Math.sqrt(lostBeyond(svd, rankFor(linear, keep) ?? svd.s.length)),
      );
      for (const [index, removed] of removals(losses, 1 - keep).entries()) {
        const { linear, svd } = present(decomposed[index], `decomposition ${index}`);
        const rank = rankFor(linear, 1 - removed);
        if (rank !== undefined) factored.push({ linear, factors: factorsOf(svd, linear, rank) });
      }
    }
    const replaced = new Set(factored.map(({ linear }) => linear));
    const remark = denseRemark(model.linears.filter((linear) => !replaced.has(linear)));
    if (remark !== undefined) note(remark);
    return withFactors(model, factored);
  },
});

/**
 * Share of its parameters that each matrix of a type loses, when all together lose `removal`, given the loss of each at
 * equal shares.
 */
export function removals(losses: readonly number[], removal: number): readonly number[] {
  // A matrix without loss gets the largest cut allowed.
  const ease = losses.map((loss) => 1 / Math.max(Math.log1p(loss), 1e-6));
  const sum = ease.reduce((total, each) => total + each, 0);
  return ease.map((each) => (losses.length * removal * each) / sum);
}
