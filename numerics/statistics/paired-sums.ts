/**
 * Paired comparisons among many entries on the same items. The resamples are those of bootstrapSums() and the sign
 * patterns those of signFlipTest(): sums are linear, so each entry's are taken once, and a pair of entries costs a
 * subtraction per resample instead of one per resample and item.
 */
import { InputError } from '../../contracts/errors.ts';
import { type ResamplingOptions, acceleratedInterval, interleave, resampleSums } from './bootstrap.ts';
import { signFlipSums } from './significance.ts';
import type { Interval } from './statistics.ts';

export interface PairedSums {
  /** Σ(first − second) / Σweight with its BCa interval. Throws InputError below two items. */
  difference(first: number, second: number): Interval;
  /** Two-sided sign-flip test of first − second over items. */
  pValue(first: number, second: number): number;
  /** Σ(first − second): its sign is the difference's. */
  total(first: number, second: number): number;
}

/** Throws InputError when columns and weights differ in length. */
export function createPairedSums(
  params: ResamplingOptions & {
    /** Of each item, such as its tokens. [items] */
    readonly weights: ArrayLike<number>;
    /** One per entry, each [items]. */
    readonly columns: readonly ArrayLike<number>[];
  },
): PairedSums {
  const { weights, columns, resamples, confidence, seed } = params;
  const items = weights.length;
  const odd = columns.find(({ length }) => length !== items);
  if (odd) throw new InputError(`paired sums: expected ${items} values per entry, one per item, got ${odd.length}`);
  const centred = centre(columns);
  const totals = centred.map((column) => sumOf(column));
  const sizes = centred.map((column) => sumOf(column.map(Math.abs)));
  const weight = sumOf(Float64Array.from(weights));
  const flips = lazily(() => {
    const rows = interleave(centred, items); // [items, entries]
    const sums = signFlipSums({ rows, items, width: centred.length, resamples, seed });
    return splitColumns(sums, centred.length);
  });
  const draws = lazily(() => {
    const width = centred.length + 1;
    const rows = interleave([weights, ...centred], items); // [items, 1 + entries]
    return splitColumns(resampleSums({ rows, items, width, resamples, seed }), width);
  });
  const drawn = new Float64Array(resamples);
  const leftOut = new Float64Array(items);
  const at = <T>(list: readonly T[], index: number): T => {
    const found = list[index];
    if (found === undefined) throw new InputError(`paired sums: entry ${index} of ${columns.length}`);
    return found;
  };
  const total = (first: number, second: number) => at(totals, first) - at(totals, second);

  return {
    total,
    difference(first, second) {
      if (items < 2) throw new InputError(`paired sums: an interval needs at least two items, got ${items}`);
      const [a, b, whole] = [at(draws(), first + 1), at(draws(), second + 1), at(draws(), 0)];
      for (let r = 0; r < resamples; r++) {
        drawn[r] = (a[r]! - b[r]!) / whole[r]!;
      }
      const observed = total(first, second);
      const [x, y] = [at(centred, first), at(centred, second)];
      for (let i = 0; i < items; i++) {
        leftOut[i] = (observed - (x[i]! - y[i]!)) / (weight - weights[i]!);
      }
      return acceleratedInterval({ drawn, value: observed / weight, leftOut, confidence });
    },
    pValue(first, second) {
      const [a, b] = [at(flips(), first), at(flips(), second)];
      // Sums that are equal in truth differ by rounding, which grows with what is summed, not with the difference.
      const limit = Math.abs(total(first, second)) - 1e-12 * (at(sizes, first) + at(sizes, second));
      let extreme = 0;
      for (let r = 0; r < resamples; r++) {
        if (Math.abs(a[r]! - b[r]!) >= limit) extreme++;
      }
      return (extreme + 1) / (resamples + 1);
    },
  };
}

/** Minus the first column: differences stay what they are, and small ones are not lost in large sums. */
function centre(columns: readonly ArrayLike<number>[]): readonly Float64Array[] {
  const [reference] = columns;
  return columns.map((column) => Float64Array.from(column, (value, i) => value - reference![i]!));
}

/** [resamples, width] → one [resamples] per column. */
function splitColumns(sums: Float64Array, width: number): readonly Float64Array[] {
  const length = sums.length / width;
  return Array.from({ length: width }, (_, c) => {
    const column = new Float64Array(length);
    for (let r = 0; r < length; r++) column[r] = sums[r * width + c]!;
    return column;
  });
}

function sumOf(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
