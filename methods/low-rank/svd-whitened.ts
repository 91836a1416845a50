/**
 * Singular value decomposition after whitening the inputs, which minimizes the error of the layer's output instead of
 * the weight's.
 * Wang et al. 2024 (SVD-LLM), https://arxiv.org/abs/2403.07378, section 3.1; the same optimum as Chen et al. 2021
 * (DRONE).
 *   S Sᵀ = X Xᵀ (Cholesky),   W S = U Σ Vᵀ,   W' = U_r Σ_r V_rᵀ S⁻¹,   ‖(W - W') X‖² = Σ_{i>r} σ_i²
 * Here W is stored transposed, [in, out], so Sᵀ W = P Σ Qᵀ is decomposed and S⁻ᵀ P_r Σ_r^½ is the first factor.
 * X are the inputs in the dense model. Differs from the paper: X Xᵀ is damped on its diagonal, and the paper's later
 * update of U is omitted.
 */
import * as v from 'valibot';
import { type SecondMoment, secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import {
  type Factors,
  denseRemark,
  keepParameter,
  keepVariants,
  rankFor,
  withFactors,
} from '../shared/solvers/low-rank.ts';
import { dampingParameter, truncateWhitened } from '../shared/solvers/truncate-whitened.ts';

export default defineMethod({
  id: 'svd-whitened',
  family: 'low-rank',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner ones, like svd, but first weights each direction by the size of real inputs along it. ' +
    'The truncation then has the smallest possible error of the layer’s output on the calibration text. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'SVD-LLM: Truncation-aware Singular Value Decomposition for Large Language Model Compression',
    authors: 'Xin Wang, Yu Zheng, Zhongwei Wan, Mi Zhang',
    year: 2024,
    url: 'https://arxiv.org/abs/2403.07378',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: keepParameter,
    damping: dampingParameter,
  }),
  variants: keepVariants,

  async compress(model, { params, calibration, signal, note, progress }) {
    const ranks = new Map(model.linears.map((linear) => [linear, rankFor(linear, params.keep)]));
    const linears = model.linears.filter((linear) => ranks.get(linear) !== undefined);
    const remark = denseRemark(model.linears.filter((linear) => !linears.includes(linear)));
    if (remark !== undefined) note(remark);
    const moments = await secondMoments({ model, examples: calibration.examples, linears, signal });
    const factored: { linear: LinearRole; factors: Factors }[] = [];
    for (const linear of linears) {
      signal.throwIfAborted();
      const factors = await truncateWhitened({
        weight: model.weight(linear),
        shape: linear,
        secondMoment: (moments.get(linear.role) as SecondMoment).sum,
        damping: params.damping,
        rank: ranks.get(linear) as number,
        where: linear.role,
      });
      factored.push({ linear, factors });
      progress(factored.length / linears.length);
    }
    return withFactors(model, factored);
  },
});
