/** The quantile of a large sample without sorting it: Hoare's selection (Commun. ACM 4(7), 1961, algorithm 65). */
import { InputError } from '../contracts/errors.ts';

/**
 * As quantileOfSorted() of the sorted values, to the last bit; reorders `values`. NaN when one of them is NaN.
 * Throws InputError for an empty sample or a probability outside [0, 1].
 */
export function quantileBySelection(values: Float64Array, probability: number): number {
  if (values.length === 0) throw new InputError('quantile: expected at least 1 value, got 0');
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  for (const value of values) if (Number.isNaN(value)) return NaN;
  const position = (values.length - 1) * probability;
  const rank = Math.floor(position);
  const below = select(values, rank);
  if (position === rank) return below;
  let above = Infinity;
  for (let i = rank + 1; i < values.length; i++) above = Math.min(above, values[i] as number);
  return below === above ? below : below + (above - below) * (position - rank);
}

/** Puts the value of this rank (from 0) in its place, nothing larger before it and nothing smaller after it. */
function select(values: Float64Array, rank: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = medianOfThree(values, low, high);
    let i = low;
    let j = high;
    while (i <= j) {
      while ((values[i] as number) < pivot) i++;
      while ((values[j] as number) > pivot) j--;
      if (i > j) break;
      const held = values[i] as number;
      values[i++] = values[j] as number;
      values[j--] = held;
    }
    if (rank <= j) high = j;
    else if (rank >= i) low = i;
    else break;
  }
  return values[rank] as number;
}

function medianOfThree(values: Float64Array, low: number, high: number): number {
  const [a, b, c] = [values[low], values[(low + high) >>> 1], values[high]] as [number, number, number];
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
