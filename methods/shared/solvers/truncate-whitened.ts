/**
 * The truncated singular value decomposition of a weight in the metric of its inputs. Wang et al. 2024 (SVD-LLM),
 * https://arxiv.org/abs/2403.07378, section 3.1; with L Lᵀ = X Xᵀ:  Lᵀ W = U Σ Vᵀ  →  W' = L⁻ᵀ U_r Σ_r Vᵀ_r
 */
import { NumericalError } from '../../../contracts/errors.ts';
import * as v from 'valibot';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { type CholeskyPair, choleskyPair, matmul, thinSvd } from '../../../engine/runtime/linear-algebra.ts';
import type { ThinSvd } from '../../../numerics/tensor/thin-svd.ts';
import { type Factors, factorsOf } from './low-rank.ts';

export const dampingParameter = v.optional(
  v.pipe(
    v.number(),
    v.minValue(0),
    v.description('Share of the mean of the second moments’ diagonal that is added to the diagonal.'),
  ),
  1e-6,
);

interface WhitenedLayer {
  readonly weight: Float32Array;
  readonly shape: Pick<LinearRole, 'inFeatures' | 'outFeatures'>;
  readonly secondMoment: Float64Array;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

/**
 * The factors of rank `rank` with the smallest output error on inputs with this second moment.
 * weight: [in, out], secondMoment: X Xᵀ [in, in] up to a factor. `lost` is ‖(W - W') X‖², the sum of the truncated σ².
 * Where all inputs are zero the metric is the identity. Throws NumericalError naming the layer when the damped moment
 * is not positive definite.
 */
export async function truncateWhitened(
  options: WhitenedLayer & { readonly rank: number },
): Promise<Factors & { readonly lost: number }> {
  const { shape, rank } = options;
  const svd = await whitenedSvd(options);
  return { ...factorsOf(svd, shape, rank), lost: lostBeyond(svd, rank) };
}

/** L⁻ᵀ U, Σ and Vᵀ: the first r terms are the weight of rank r of truncateWhitened. */
export async function whitenedSvd({ weight, shape, secondMoment, damping, where }: WhitenedLayer): Promise<ThinSvd> {
  const { inFeatures, outFeatures } = shape;
  const { factor, inverse } = await whitening({ secondMoment, size: inFeatures, damping, where });
  const square = { rows: inFeatures, inner: inFeatures, transposeLeft: true };
  const whitened = await matmul({ left: factor, right: Float64Array.from(weight), ...square, columns: outFeatures });
  const { u, s, vt } = await thinSvd(whitened, inFeatures, outFeatures);
  return { u: await matmul({ left: inverse, right: u, ...square, columns: s.length }), s, vt };
}

/** ‖(W - W') X‖² when the terms from `rank` on are truncated. */
export function lostBeyond({ s }: Pick<ThinSvd, 's'>, rank: number): number {
  return s.subarray(rank).reduce((sum, value) => sum + value * value, 0);
}

interface Whitening {
  readonly secondMoment: Float64Array;
  readonly size: number;
  readonly damping: number;
  readonly where: string;
}

/** L and L⁻¹ of the damped second moment. */
async function whitening({ secondMoment, size, damping, where }: Whitening): Promise<CholeskyPair> {
  const damped = secondMoment.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += secondMoment[i * size + i]!;
  const added = trace === 0 ? 1 : (damping * trace) / size;
  for (let i = 0; i < size; i++) damped[i * size + i]! += added;
  try {
    return await choleskyPair(damped, size);
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    throw new NumericalError(
      `second moment of the inputs of ${where} [${size}, ${size}] is not positive definite at damping ${damping}; ` +
        'raise the damping or calibrate on more tokens',
      { cause: error },
    );
  }
}
