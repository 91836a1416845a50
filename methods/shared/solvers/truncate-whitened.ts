/**
 * The truncated singular value decomposition of a weight in the metric of its inputs. Wang et al. 2024 (SVD-LLM),
 * https://arxiv.org/abs/2403.07378, section 3.1; with L Lᵀ = X Xᵀ:  Lᵀ W = U Σ Vᵀ  →  W' = L⁻ᵀ U_r Σ_r Vᵀ_r
 */
import * as v from 'valibot';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { choleskyPair, matmul, thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import { type Factors, factorsOf } from './low-rank.ts';

export const dampingParameter = v.optional(
  v.pipe(
    v.number(),
    v.minValue(0),
    v.description('Share of the mean of the second moments’ diagonal that is added to the diagonal.'),
  ),
  1e-6,
);

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
  for (let i = 0; i < size; i++) trace += moment[i * size + i]!;
  for (let i = 0; i < size; i++) result[i * size + i]! += (damping * trace) / size;
  return result;
}
