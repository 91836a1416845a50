/**
 * The weight of a linear layer by least squares. W [in, out] minimises Σ ‖x W − t‖² + λ ‖W − W₀‖² over calibration
 * positions:
 *   (Σ xᵀ x + λ I) W = Σ xᵀ t + λ W₀
 * The solution never increases the first sum above its value at W₀.
 */
import type { Reconstruction } from '../../../engine/calibrate/reconstruction.ts';
import type { LinearRole } from '../../../engine/definitions/model.ts';
import { solvePositiveDefinite } from '../../../engine/runtime/linear-algebra.ts';

/** Default ridge penalty, as a share of the mean diagonal. */
const HOLD = 1e-5;

export interface RebuildingProblem extends Reconstruction, Pick<LinearRole, 'inFeatures' | 'outFeatures'> {
  /** W₀, [in, out] */
  readonly weight: Float32Array | Float64Array;
  /** λ as a share of the mean diagonal of Σ xᵀ x; the default is enough to make the matrix invertible. */
  readonly hold?: number;
}

export async function rebuiltWeight(problem: RebuildingProblem): Promise<Float32Array> {
  const { weight, inFeatures, outFeatures, moment, cross, hold = HOLD } = problem;
  let trace = 0;
  for (let at = 0; at < moment.length; at += inFeatures + 1) trace += moment[at]!;
  // Inputs that are always zero: the weight stays.
  const held = (hold * trace) / inFeatures || 1;
  const a = moment.slice();
  for (let at = 0; at < a.length; at += inFeatures + 1) a[at]! += held;
  const right = cross.map((value, at) => value + held * weight[at]!);
  return Float32Array.from(await solvePositiveDefinite({ a, size: inFeatures, right, columns: outFeatures }));
}
