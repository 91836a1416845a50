/**
 * The sweep that GPTQ and SparseGPT share: input features are processed one after another, and the error of each is
 * compensated by those still to come. Algorithm 1 of https://arxiv.org/abs/2210.17323 and of
 * https://arxiv.org/abs/2301.00774.
 *   e = (w_i - settled(w_i)) / U_ii,   w_j -= U_ij e  for j > i        U: upper factor of the inverse moment
 * Weights are stored [in, out], so the papers' columns are rows here. The papers delay updates by blocks of 128; here
 * rows are halved recursively: the first half is processed, then its errors are applied to the second half in one
 * product. Weights and errors are float32, as in the papers' code; the factor comes from float64.
 */
import { matmul } from '../../../engine/runtime/linear-algebra.ts';

export interface CompensatedSweep {
  /** [in, out]; overwritten with the settled weight */
  readonly weight: Float32Array;
  /** U, [in, in] */
  readonly factor: Float64Array;
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly signal?: AbortSignal;
  /**
   * Replaces `settled` [out], the current row `feature` of the weight, by its final values. Where `feature` is a
   * multiple of a power of two, that many rows from there on are up to date.
   */
  readonly settle: (feature: number, settled: Float32Array) => void;
}

/** Rows updated one by one; a power of two. A smaller number means more and smaller matrix products. */
const LEAF_ROWS = 8;

export async function compensatedSweep(sweep: CompensatedSweep): Promise<void> {
  const { inFeatures, outFeatures } = sweep;
  const errors = new Float32Array(inFeatures * outFeatures); // [in, out]
  const settled = new Float32Array(outFeatures);

  async function settleRows(from: number, to: number): Promise<void> {
    if (to - from <= LEAF_ROWS) return settleLeaf(sweep, { from, to, errors, settled });
    sweep.signal?.throwIfAborted();
    const middle = from + 2 ** (Math.ceil(Math.log2(to - from)) - 1);
    await settleRows(from, middle);
    await push(sweep, errors, { from, middle, to });
    await settleRows(middle, to);
  }
  await settleRows(0, inFeatures);
}

interface Leaf {
  readonly from: number;
  readonly to: number;
  readonly errors: Float32Array;
  readonly settled: Float32Array;
}

function settleLeaf(sweep: CompensatedSweep, { from, to, errors, settled }: Leaf): void {
  const { weight, factor, inFeatures, outFeatures } = sweep;
  for (let i = from; i < to; i++) {
    const error = errors.subarray(i * outFeatures, (i + 1) * outFeatures);
    const row = weight.subarray(i * outFeatures, (i + 1) * outFeatures);
    settled.set(row);
    sweep.settle(i, settled);
    const reciprocal = 1 / factor[i * inFeatures + i]!;
    for (let k = 0; k < outFeatures; k++) {
      error[k] = (row[k]! - settled[k]!) * reciprocal;
      row[k] = settled[k]!;
    }
    for (let j = i + 1; j < to; j++) {
      subtractScaled(weight.subarray(j * outFeatures, (j + 1) * outFeatures), error, factor[i * inFeatures + j]!);
    }
  }
}

/** Subtracts the errors of rows [from, middle) from the rows [middle, to). */
async function push(
  { weight, factor, inFeatures, outFeatures }: CompensatedSweep,
  errors: Float32Array,
  { from, middle, to }: { readonly from: number; readonly middle: number; readonly to: number },
): Promise<void> {
  const [made, targets] = [middle - from, to - middle];
  const couplings = new Float32Array(made * targets); // [made, targets] of U
  for (let i = 0; i < made; i++) {
    const row = (from + i) * inFeatures;
    couplings.set(factor.subarray(row + middle, row + to), i * targets);
  }
  const rows = weight.subarray(middle * outFeatures, to * outFeatures);
  await matmul({
    left: couplings,
    right: errors.subarray(from * outFeatures, middle * outFeatures),
    rows: targets,
    inner: made,
    columns: outFeatures,
    transposeLeft: true,
    base: rows,
    subtract: true,
    into: rows,
  });
}

/** All in float32, which avoids conversions. */
function subtractScaled(row: Float32Array, error: Float32Array, factor: number): void {
  const rounded = Math.fround(factor);
  for (let k = 0; k < row.length; k++) row[k] = Math.fround(row[k]! - Math.fround(rounded * error[k]!));
}
