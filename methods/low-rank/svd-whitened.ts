/**
 * Singular value decomposition after whitening the inputs, so that what is cut is what the layer's output misses least.
 * Wang et al. 2024 (SVD-LLM), https://arxiv.org/abs/2403.07378, section 3.1; the same optimum as Chen et al. 2021 (DRONE).
 *   S Sᵀ = X Xᵀ (Cholesky),   W S = U Σ Vᵀ,   W' = U_r Σ_r V_rᵀ S⁻¹,   ‖(W - W') X‖² = Σ_{i>r} σ_i²
 * Here W is stored transposed, [in, out], so Sᵀ W = P Σ Qᵀ is decomposed and S⁻ᵀ P_r Σ_r^½ is the first factor.
 * X are the inputs in the dense model. Departs from the paper: X Xᵀ is damped on its diagonal, and the paper's later update
 * of U is left out.
 */
import * as v from 'valibot';
import { type SecondMoment, secondMoments } from '../../harness/calibrate/second-moments.ts';
import { defineMethod } from '../../harness/contracts/method.ts';
import type { LinearRole } from '../../harness/contracts/model.ts';
import { choleskyPair, matmul, thinSvd } from '../../harness/runtime/linear-algebra.ts';
import {
  type Factors,
  denseRemark,
  factorsOf,
  keepParameter,
  keepVariants,
  rankFor,
  withFactors,
} from '../shared/low-rank.ts';

export default defineMethod({
  id: 'svd-whitened',
  family: 'low-rank',
  access: 'calibrated',
  description:
    'Replaces each weight matrix by the product of two thinner ones, like svd, but first weighs directions by how strongly real inputs use them. ' +
    'What it cuts is then exactly what the layer output misses least on the calibration text. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'SVD-LLM: Truncation-aware Singular Value Decomposition for Large Language Model Compression',
    authors: 'Xin Wang, Yu Zheng, Zhongwei Wan, Mi Zhang',
    year: 2024,
    url: 'https://arxiv.org/abs/2403.07378',
  },
  params: v.strictObject({
    keep: keepParameter,
    damping: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.description('Share of the mean of the second moments’ diagonal that is added to the diagonal.'),
      ),
      1e-6,
    ),
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
      });
      factored.push({ linear, factors });
      progress(factored.length / linears.length);
    }
    return withFactors(model, factored);
  },
});

/**
 * The factors of rank `rank` whose layer output is nearest on inputs with this second moment.
 * weight: [in, out], secondMoment: X Xᵀ [in, in] up to a factor. `lost` is ‖(W - W') X‖², the sum of the cut σ².
 */
export async function truncateWhitened(options: {
  readonly weight: Float32Array;
  readonly shape: Pick<LinearRole, 'inFeatures' | 'outFeatures'>;
  readonly secondMoment: Float64Array;
  readonly damping: number;
  readonly rank: number;
}): Promise<Factors & { readonly lost: number }> {
  const { weight, shape, secondMoment, damping, rank } = options;
  const { inFeatures, outFeatures } = shape;
  const { factor, inverse } = await choleskyPair(damped(secondMoment, inFeatures, damping), inFeatures);
  const square = { rows: inFeatures, inner: inFeatures, transposeLeft: true };
  const whitened = await matmul({ left: factor, right: Float64Array.from(weight), ...square, columns: outFeatures });
  const { u, s, vt } = await thinSvd(whitened, inFeatures, outFeatures);
  const unwhitened = await matmul({ left: inverse, right: u, ...square, columns: s.length });
  const lost = s.subarray(rank).reduce((sum, value) => sum + value * value, 0);
  return { ...factorsOf({ u: unwhitened, s, vt }, shape, rank), lost };
}

function damped(moment: Float64Array, size: number, damping: number): Float64Array {
  const result = moment.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += moment[i * size + i];
  for (let i = 0; i < size; i++) result[i * size + i] += (damping * trace) / size;
  return result;
}
