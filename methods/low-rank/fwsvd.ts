/**
 * Fisher-weighted singular value decomposition. Hsu et al. 2022, https://arxiv.org/abs/2207.00112, section 4:
 *   min ‖D (W − A B)‖,   D = diag(√Î_1, …),   Î_i = Σ_j E[(∂L/∂W_ij)²]
 * with one importance for each row of W [in, out] (an input feature), because then there is a closed form: D W = U Σ
 * Vᵀ, then A = D⁻¹ U_r Σ_r^½, B = Σ_r^½ Vᵀ_r. The Fisher information is the empirical one, of the task's loss on
 * calibration examples.
 * Differs from the paper: an importance is at least a millionth of the mean, so that D is invertible; no fine-tuning
 * follows.
 */
import { NumericalError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import * as v from 'valibot';
import { weightFisher } from '../../engine/calibrate/fisher.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import {
  denseRemark,
  type FactoredLinear,
  factorsOf,
  keepParameter,
  keepVariants,
  rankFor,
  scaledSvd,
  withFactors,
} from '../shared/solvers/low-rank.ts';

/** Lower bound of an importance, as a share of the mean importance of the layer's rows. */
const SMALLEST_IMPORTANCE = 1e-6;

export default defineMethod({
  id: 'fwsvd',
  family: 'low-rank',
  access: 'gradient',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner ones, like svd, but approximates more closely the rows to which the loss is most sensitive, measured by squared gradients on calibration examples. ' +
    'The gradients only weight the rows; no weight is trained. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'Language model compression with weighted low-rank factorization',
    authors: 'Yen-Chang Hsu, Ting Hua, Sungen Chang, Qian Lou, Yilin Shen, Hongxia Jin',
    year: 2022,
    url: 'https://arxiv.org/abs/2207.00112',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({ keep: keepParameter }),
  variants: keepVariants,

  async compress(model, { params, calibration, signal, note, progress }) {
    const ranks = new Map(model.linears.map((linear) => [linear, rankFor(linear, params.keep)]));
    const linears = model.linears.filter((linear) => ranks.get(linear) !== undefined);
    const remark = denseRemark(model.linears.filter((linear) => !linears.includes(linear)));
    if (remark !== undefined) note(remark);
    const fisher = await weightFisher({ model, examples: calibration.examples, linears, signal });
    const factored: FactoredLinear[] = [];
    for (const linear of linears) {
      signal.throwIfAborted();
      const scales = rowScales(present(fisher.get(linear.role), `Fisher information of ${linear.role}`), linear);
      if (!scales.every(Number.isFinite)) {
        throw new NumericalError(
          `fwsvd: the squared gradients of ${linear.role} are not finite on the calibration examples; ` +
            'check that the loss of the dense model is finite on them',
        );
      }
      const svd = await scaledSvd(model.weight(linear), linear, scales);
      factored.push({ linear, factors: factorsOf(svd, linear, ranks.get(linear) as number) });
      progress(factored.length / linears.length);
    }
    return withFactors(model, factored);
  },
});

/** √Î_i, [in], from the squared gradients [in, out]. These may be sums over examples: a common factor cancels. */
export function rowScales(
  fisher: Float64Array,
  { inFeatures, outFeatures }: Pick<LinearRole, 'inFeatures' | 'outFeatures'>,
): Float64Array {
  const importance = new Float64Array(inFeatures);
  fisher.forEach((square, at) => (importance[Math.floor(at / outFeatures)]! += square));
  const mean = importance.reduce((sum, value) => sum + value, 0) / inFeatures;
  // Where all gradients are zero, all rows get the same weight.
  if (mean === 0) return importance.fill(1);
  return importance.map((value) => Math.sqrt(Math.max(value, SMALLEST_IMPORTANCE * mean)));
}
