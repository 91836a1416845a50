/**
 * The change of a linear layer's output caused by a change of its weight, ‖X ΔW‖², computed from the second moment Xᵀ X
 * of its inputs.
 */
import { matmul } from '../../../engine/runtime/linear-algebra.ts';
import type { WeightShape } from '../formats/matmul-nbits.ts';

/** The squared error of each output, [out]. difference: ΔW, [in, out]; moment: Σ x xᵀ, [in, in]. */
export async function outputErrors(
  difference: Float64Array,
  moment: Float64Array,
  { inFeatures, outFeatures }: WeightShape,
): Promise<Float64Array> {
  const shape = { rows: inFeatures, inner: inFeatures, columns: outFeatures };
  const moved = await matmul({ left: moment, right: difference, ...shape });
  const errors = new Float64Array(outFeatures);
  for (let at = 0; at < moved.length; at++) errors[at % outFeatures]! += difference[at]! * moved[at]!;
  return errors;
}
