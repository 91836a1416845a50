/** How far the output of a linear layer moves when its weight does: ‖X ΔW‖², from the second moment Xᵀ X of its inputs alone. */
import { matmul } from '../../../engine/runtime/linear-algebra.ts';
import type { WeightShape } from '../formats/matmul-nbits.ts';

/** Of each output, [out]. difference: ΔW, [in, out]; moment: Σ x xᵀ, [in, in]. */
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
