/**
 * SparseGPT on one layer. Frantar & Alistarh 2023, https://arxiv.org/abs/2301.00774: Algorithm 1 is
 * methods/shared/solvers/compensated-sweep.ts with the masks of methods/shared/solvers/sweep-mask.ts.
 */
import { compensatedSweep } from './compensated-sweep.ts';
import { type InverseFactor, inverseFactor } from './inverse-factor.ts';
import type { WeightShape } from '../formats/matmul-nbits.ts';
import type { Sparsity } from './sparsity.ts';
import { sweepMask } from './sweep-mask.ts';

interface Layer extends WeightShape {
  /** [in, out] */
  readonly weight: Float32Array;
  readonly sparsity: Sparsity;
  /** Inputs among which the weights to prune are chosen together. */
  readonly blockSize: number;
  readonly signal?: AbortSignal;
}

export interface SparsegptOptions extends Layer {
  /** Σ x xᵀ of the inputs, [in, in] */
  readonly moment: Float64Array;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

/** The pruned and corrected weight, [in, out]. */
export async function sparsegptLayer({ moment, damping, where, ...layer }: SparsegptOptions): Promise<Float32Array> {
  return sparsegptSweep({ ...layer, ...(await inverseFactor(moment, { size: layer.inFeatures, damping, where })) });
}

/** Algorithm 1, given the factor of the inverse moment. */
export async function sparsegptSweep({ signal, ...options }: Layer & InverseFactor): Promise<Float32Array> {
  const { outFeatures, dead } = options;
  const weight = options.weight.slice();
  for (const i of dead) weight.fill(0, i * outFeatures, (i + 1) * outFeatures);
  const mask = sweepMask({ ...options, weight });
  const settle = (feature: number, settled: Float32Array) => mask.apply(feature, settled);
  await compensatedSweep({ ...options, weight, settle, ...(signal && { signal }) });
  return weight;
}
