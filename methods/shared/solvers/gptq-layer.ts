/**
 * GPTQ on one layer. Frantar et al. 2023, https://arxiv.org/abs/2210.17323: Algorithm 1 is
 * methods/shared/solvers/compensated-sweep.ts, "Step 3" is methods/shared/solvers/inverse-factor.ts; static groups and
 * activation order as in https://github.com/IST-DASLab/gptq Differs from the paper's code: the scales of a group are
 * fitted to its current weights when the sweep reaches it, also within a block; grids are those of ONNX Runtime.
 */
import { compensatedSweep } from './compensated-sweep.ts';
import type { GridFormat } from '../formats/grid.ts';
import { type InverseFactor, inverseFactor } from './inverse-factor.ts';
import type { GroupSize, QuantizedWeight, WeightShape } from '../formats/matmul-nbits.ts';
import type { Mask } from './sparsity.ts';
import { sweepGrids } from './sweep-grids.ts';

interface Layer extends WeightShape, GridFormat {
  /** [in, out] */
  readonly weight: Float32Array;
  readonly groupSize: GroupSize;
  /** Mask of weights that stay zero, [in, out]; the errors that the sweep would add to them are passed on. */
  readonly mask?: Mask;
  readonly signal?: AbortSignal;
}

export interface GptqOptions extends Layer {
  /** Σ x xᵀ of the inputs, [in, in] */
  readonly moment: Float64Array;
  /** Process inputs with the largest second moment first; default false. */
  readonly actOrder?: boolean;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

export async function gptqLayer(options: GptqOptions): Promise<QuantizedWeight> {
  const { moment, actOrder = false, damping, where, ...layer } = options;
  const size = layer.inFeatures;
  const order = actOrder ? byDescendingDiagonal(moment, size) : undefined;
  const ordered = order ? permuted(moment, size, order) : moment;
  const inverse = await inverseFactor(ordered, { size, damping, where });
  return gptqSweep({ ...layer, ...inverse, ...(order && { order }) });
}

export interface GptqSweep extends Layer, InverseFactor {
  /**
   * Input features in the order of the sweep, to which `factor` and `dead` refer; scales are fitted beforehand then.
   */
  readonly order?: readonly number[];
}

/** Algorithm 1, given the factor of the inverse moment. */
export async function gptqSweep({ signal, order, mask, ...options }: GptqSweep): Promise<QuantizedWeight> {
  const { inFeatures, outFeatures, factor, dead } = options;
  const dense = options.weight.slice(); // [in, out]
  for (const i of dead) dense.fill(0, (order?.[i] ?? i) * outFeatures, ((order?.[i] ?? i) + 1) * outFeatures);
  const weight = order ? permutedRows(dense, outFeatures, order) : dense; // [in, out] in the order of the sweep
  // In the natural order the sweep works in `dense` itself, so groups are fitted to corrected weights.
  const grids = sweepGrids({ ...options, weight: dense, beforehand: order !== undefined });
  await compensatedSweep({
    weight,
    factor,
    inFeatures,
    outFeatures,
    ...(signal && { signal }),
    settle(step, settled) {
      const feature = order?.[step] ?? step;
      if (mask)
        for (let out = 0; out < outFeatures; out++) if (mask[feature * outFeatures + out] === 0) settled[out] = 0;
      grids.round(feature, settled);
    },
  });
  return grids.quantized();
}

/** Input features by descending second moment; of equal ones the earlier first. */
export function byDescendingDiagonal(moment: Float64Array, size: number): readonly number[] {
  return Array.from({ length: size }, (_, i) => i).sort((a, b) => moment[b * (size + 1)]! - moment[a * (size + 1)]!);
}

function permuted(matrix: Float64Array, size: number, order: readonly number[]): Float64Array {
  const result = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++) result[i * size + j] = matrix[order[i]! * size + order[j]!]!;
  }
  return result;
}

function permutedRows(matrix: Float32Array, columns: number, order: readonly number[]): Float32Array {
  const result = new Float32Array(matrix.length);
  order.forEach((from, to) => result.set(matrix.subarray(from * columns, (from + 1) * columns), to * columns));
  return result;
}
