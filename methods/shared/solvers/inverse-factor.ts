/**
 * The upper Cholesky factor of the damped inverse second moment of a layer's inputs, used by methods of the Optimal
 * Brain Surgeon kind. Frantar et al. 2023, https://arxiv.org/abs/2210.17323, "Step 3: Cholesky Reformulation".
 *   H = X Xᵀ + damping · mean(diag) · I,   H⁻¹ = Uᵀ U
 * The papers' H is twice that; the factor 2 cancels in every use. With J the reversal of rows or columns, J H J = L Lᵀ
 * gives U = J L⁻¹ J: one factorisation and one triangular inverse, without a full inverse.
 */
import * as v from 'valibot';
import { NumericalError } from '../../../contracts/errors.ts';
import { inverseCholesky } from '../../../engine/runtime/linear-algebra.ts';

export const dampingParameter = v.optional(
  v.pipe(v.number(), v.gtValue(0), v.description('Share of the mean diagonal added to the second moment.')),
  0.01,
);

export interface InverseFactor {
  /** U, upper triangular, [in, in] */
  readonly factor: Float64Array;
  /** Inputs that are zero on all calibration data; their weights have no effect. */
  readonly dead: readonly number[];
}

/** moment: Σ x xᵀ, [size, size]. Throws NumericalError when the damped moment is not positive definite. */
export async function inverseFactor(
  moment: Float64Array,
  options: { readonly size: number; readonly damping: number; readonly where: string },
): Promise<InverseFactor> {
  const { size, damping, where } = options;
  const diagonal = Float64Array.from({ length: size }, (_, i) => moment[i * size + i]!);
  const dead = [...diagonal.keys()].filter((i) => diagonal[i] === 0);
  for (const i of dead) diagonal[i] = 1;
  const damp = (damping * diagonal.reduce((sum, value) => sum + value, 0)) / size;
  const reversed = moment.slice().reverse(); // J H J
  for (let i = 0; i < size; i++) reversed[(size - 1 - i) * (size + 1)] = diagonal[i]! + damp;
  try {
    return { factor: (await inverseCholesky(reversed, size)).reverse(), dead };
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    throw new NumericalError(
      `second moment of the inputs of ${where} [${size}, ${size}] is not positive definite at damping ${damping}; ` +
        'raise params.damping or calibrate on more tokens',
      { cause: error },
    );
  }
}
