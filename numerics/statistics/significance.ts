/**
 * Tests for paired outcomes.
 * Corrections for multiple tests: false discovery rate, Benjamini & Hochberg 1995; family-wise error rate, Holm 1979.
 */
import { createRandom } from '../tensor/random.ts';
import { sum } from './statistics.ts';

/**
 * Two-sided sign-flip (paired permutation) test that differences per item centre on zero: the share of random sign
 * patterns whose sum is at least as far from zero as the observed one, which is included, so never below 1/(resamples +
 * 1).
 */
export function signFlipTest(params: {
  /** [items] */
  readonly differences: ArrayLike<number>;
  readonly resamples: number;
  readonly seed: string;
}): number {
  const { differences, ...options } = params;
  return signFlipTests({ columns: [differences], ...options })[0]!;
}

/** Number of columns whose sums under all sign patterns are held in memory at once. */
const COLUMNS_AT_ONCE = 512;

/** The same test for many columns of differences separately; sign patterns are drawn once per length. */
export function signFlipTests(params: {
  /** Each [items]; lengths may differ. */
  readonly columns: readonly ArrayLike<number>[];
  readonly resamples: number;
  readonly seed: string;
}): number[] {
  const { columns, resamples, seed } = params;
  const pValues = columns.map(() => 1);
  const byLength = Map.groupBy(columns.keys(), (index) => (columns[index] as ArrayLike<number>).length);
  for (const [items, indices] of byLength) {
    for (let start = 0; start < indices.length; start += COLUMNS_AT_ONCE) {
      const part = indices.slice(start, start + COLUMNS_AT_ONCE);
      const width = part.length;
      const rows = new Float64Array(items * width);
      part.forEach((index, c) => {
        const column = columns[index] as ArrayLike<number>;
        for (let i = 0; i < items; i++) rows[i * width + c] = column[i]!;
      });
      const sums = signFlipSums({ rows, items, width, resamples, seed });
      part.forEach((index, c) => {
        const differences = columns[index] as ArrayLike<number>;
        // Sums of the same numbers under other sign patterns differ by rounding even where they are mathematically
        // equal.
        const limit = Math.abs(sum(differences)) - 1e-12 * sum(Float64Array.from(differences, Math.abs));
        let extreme = 0;
        for (let b = 0; b < resamples; b++) if (Math.abs(sums[b * width + c]!) >= limit) extreme++;
        pValues[index] = (extreme + 1) / (resamples + 1);
      });
    }
  }
  return pValues;
}

/** Sums of each column under random signs of the items: [resamples, width]. */
function signFlipSums(params: {
  /** [items, width] */
  readonly rows: Float64Array;
  readonly items: number;
  readonly width: number;
  readonly resamples: number;
  readonly seed: string;
}): Float64Array {
  const { rows, items, width, resamples } = params;
  const random = createRandom(params.seed);
  const sums = new Float64Array(resamples * width);
  for (let b = 0; b < resamples; b++) {
    const at = b * width;
    let bits = 0;
    for (let i = 0; i < items; i++) {
      bits = i % 32 === 0 ? random.integer(2 ** 32) : bits >>> 1;
      const sign = bits & 1 ? 1 : -1;
      const row = i * width;
      for (let c = 0; c < width; c++) sums[at + c] = sums[at + c]! + sign * rows[row + c]!;
    }
  }
  return sums;
}

/**
 * Adjusted p-values (q-values) of Benjamini & Hochberg, in the given order: reject those at or below the desired rate.
 */
export function benjaminiHochberg(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[b]! - pValues[a]!);
  const adjusted = pValues.map(() => 1);
  let least = 1;
  order.forEach((index, i) => {
    const rank = pValues.length - i;
    least = Math.min(least, (pValues[index]! * pValues.length) / rank);
    adjusted[index] = least;
  });
  return adjusted;
}

/**
 * Adjusted p-values of Holm's step-down method, in the given order: controls the probability of any false rejection.
 */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, i) => i).sort((a, b) => pValues[a]! - pValues[b]!);
  const adjusted = pValues.map(() => 1);
  let largest = 0;
  order.forEach((index, i) => {
    largest = Math.min(1, Math.max(largest, pValues[index]! * (pValues.length - i)));
    adjusted[index] = largest;
  });
  return adjusted;
}
