/** The weight of a linear layer by least squares, held near one it had. */
import type { Reconstruction } from '../../harness/calibrate/reconstruction.ts';
import { solvePositiveDefinite } from '../../harness/runtime/linear-algebra.ts';

/** Share of the mean diagonal by which the weight is held near the old one: enough to make any moment invertible. */
const HOLD = 1e-5;

export interface LeastSquares extends Reconstruction {
  /** W₀, [in, out] */
  readonly weight: Float32Array | Float64Array;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/**
 * The W [in, out] that minimises Σ ‖x W − t‖² + λ ‖W − W₀‖²: (xᵀx + λ I) W = xᵀt + λ W₀. On the data that the sums are of its
 * error is at most that of W₀.
 */
export async function leastSquares(problem: LeastSquares): Promise<Float32Array> {
  const { weight, moment, cross, inFeatures, outFeatures } = problem;
  const a = moment.slice();
  const diagonal = Array.from({ length: inFeatures }, (_, i) => i * (inFeatures + 1));
  // Where no input was ever anything, the old weight is as good as any.
  const hold = (HOLD * diagonal.reduce((sum, at) => sum + moment[at], 0)) / inFeatures || 1;
  for (const at of diagonal) a[at] += hold;
  const right = cross.map((value, at) => value + hold * weight[at]);
  return Float32Array.from(await solvePositiveDefinite({ a, size: inFeatures, right, columns: outFeatures }));
}
