/** The principal components of a segment of the residual stream. */
import { symmetricEigen, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { type Basis, leadingFeatures } from './stream-draft.ts';

/**
 * moment: Σ x xᵀ, [width, width]. `centres`: of features from which their mean over the features of a position is
 * subtracted.
 */
export function principalBasis(
  moment: Float64Array,
  { width, features, centres }: { readonly width: number; readonly features: number; readonly centres: boolean },
): Basis {
  const observed = centres ? centredBothWays(moment, width) : moment;
  const { vectors } = symmetricEigen(observed, width);
  return leadingFeatures(transpose(vectors, width, width), width, features);
}

/** C M C with C = I − 11ᵀ / width. */
function centredBothWays(moment: Float64Array, width: number): Float64Array {
  const means = Float64Array.from({ length: width }, (_, row) => {
    let sum = 0;
    for (let column = 0; column < width; column++) sum += moment[row * width + column]!;
    return sum / width;
  });
  const mean = means.reduce((sum, value) => sum + value, 0) / width;
  return moment.map((value, at) => value - means[Math.floor(at / width)]! - means[at % width]! + mean);
}
