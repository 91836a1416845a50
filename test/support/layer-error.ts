/** How far the output of a linear layer moves when its weight does, on given inputs. */
import { multiply } from '../../numerics/tensor/linear-algebra.ts';

/**
 * ‖X W' - X W‖² / ‖X W‖², from the second moment XᵀX alone. dense, changed: [in, out]; secondMoment: [in, in].
 */
export function relativeOutputError(options: {
  readonly dense: Float32Array;
  readonly changed: ArrayLike<number>;
  readonly secondMoment: Float64Array;
  readonly inFeatures: number;
  readonly outFeatures: number;
}): number {
  const { dense, changed, ...layer } = options;
  const difference = Float64Array.from(dense, (value, at) => changed[at]! - value);
  return outputEnergy(difference, layer) / outputEnergy(Float64Array.from(dense), layer);
}

/** ‖X W‖² = Σ W ∘ (XᵀX W) */
function outputEnergy(
  weight: Float64Array,
  layer: { readonly secondMoment: Float64Array; readonly inFeatures: number; readonly outFeatures: number },
): number {
  const { secondMoment, inFeatures, outFeatures } = layer;
  const product = multiply({
    left: secondMoment,
    right: weight,
    rows: inFeatures,
    inner: inFeatures,
    columns: outFeatures,
  });
  return weight.reduce((sum, value, at) => sum + value * product[at]!, 0);
}
