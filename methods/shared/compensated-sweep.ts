/**
 * The sweep that GPTQ and SparseGPT share: input features are settled one after another, and the error each makes is
 * pushed onto those still to come. Algorithm 1 of https://arxiv.org/abs/2210.17323 and of https://arxiv.org/abs/2301.00774.
 *   e = (w_i - settled(w_i)) / U_ii,   w_j -= U_ij e  for j > i        U: upper factor of the inverse moment
 * Weights are stored [in, out], so the papers' columns are rows here. Updates of rows outside the block at hand are
 * put off and done as one product per block; within a block likewise per stretch of a few rows.
 */
import { matmul } from '../../harness/runtime/linear-algebra.ts';

export interface CompensatedSweep {
  /** [in, out], becomes the settled weight */
  readonly weight: Float64Array;
  /** U, [in, in] */
  readonly factor: Float64Array;
  readonly inFeatures: number;
  readonly outFeatures: number;
  /** Rows whose updates are collected; the result does not depend on it but for rounding. */
  readonly blockSize: number;
  readonly signal?: AbortSignal;
  /** Called before rows [first, end) are settled; all rows hold their present values. */
  readonly enterBlock?: (first: number, end: number) => void;
  /**
   * Writes into `settled` [out] what row `feature` of the weight becomes. Where `feature` is a multiple of 16 the rows to
   * the end of its block are up to date, elsewhere those to the next such multiple.
   */
  readonly settle: (feature: number, settled: Float64Array) => void;
}

/** Rows updated one by one; smaller means more, smaller products. Measured best for 768 and 3072 inputs. */
const STRETCH = 16;

export async function compensatedSweep(sweep: CompensatedSweep): Promise<void> {
  const { weight, factor, inFeatures, outFeatures, blockSize, settle } = sweep;
  const errors = new Float64Array(Math.min(blockSize, inFeatures) * outFeatures); // [block, out]
  const settled = new Float64Array(outFeatures);
  for (let first = 0; first < inFeatures; first += blockSize) {
    sweep.signal?.throwIfAborted();
    const end = Math.min(first + blockSize, inFeatures);
    sweep.enterBlock?.(first, end);
    for (let from = first; from < end; from += STRETCH) {
      const to = Math.min(from + STRETCH, end);
      for (let i = from; i < to; i++) {
        settle(i, settled);
        const error = errors.subarray((i - first) * outFeatures, (i - first + 1) * outFeatures);
        const row = weight.subarray(i * outFeatures, (i + 1) * outFeatures);
        const pivot = factor[i * inFeatures + i];
        for (let k = 0; k < outFeatures; k++) error[k] = (row[k] - settled[k]) / pivot;
        row.set(settled);
        for (let j = i + 1; j < to; j++) {
          subtractScaled(weight.subarray(j * outFeatures, (j + 1) * outFeatures), error, factor[i * inFeatures + j]);
        }
      }
      await push(sweep, errors.subarray((from - first) * outFeatures), { from, to, start: to, end });
    }
    await push(sweep, errors, { from: first, to: end, start: end, end: inFeatures });
  }
}

/** Takes the errors of rows [from, to) off the rows [start, end). */
async function push(
  { weight, factor, inFeatures, outFeatures }: CompensatedSweep,
  errors: Float64Array,
  span: { readonly from: number; readonly to: number; readonly start: number; readonly end: number },
): Promise<void> {
  const { from, to, start, end } = span;
  const [made, targets] = [to - from, end - start];
  if (targets === 0) return;
  const couplings = new Float64Array(made * targets); // [made, targets] of U
  for (let i = 0; i < made; i++) {
    const row = (from + i) * inFeatures;
    couplings.set(factor.subarray(row + start, row + end), i * targets);
  }
  const rows = weight.subarray(start * outFeatures, end * outFeatures);
  await matmul({
    left: couplings,
    right: errors.subarray(0, made * outFeatures),
    rows: targets,
    inner: made,
    columns: outFeatures,
    transposeLeft: true,
    base: rows,
    subtract: true,
    into: rows,
  });
}

function subtractScaled(row: Float64Array, error: Float64Array, factor: number): void {
  for (let k = 0; k < row.length; k++) row[k] -= factor * error[k];
}
