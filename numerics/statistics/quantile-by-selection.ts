/**
 * The quantile of a large sample without sorting it: Floyd & Rivest's selection (Commun. ACM 18(3), 1975, algorithm
 * 489), which needs little more than one comparison per value for outer quantiles.
 */
import { InputError } from '../../contracts/errors.ts';

/**
 * Equals quantileOfSorted() of the sorted values, bit for bit; reorders `values`. NaN when one of them is NaN.
 * Throws InputError for an empty sample or a probability outside [0, 1].
 */
export function quantileBySelection(values: Float64Array, probability: number): number {
  if (values.length === 0) throw new InputError('quantile: expected at least 1 value, got 0');
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  // Indexed, since iterating a typed array is several times slower, and this runs for every pair of entries.
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return NaN;
  const last = values.length - 1;
  const position = last * probability;
  const rank = Math.floor(position);
  if (position === rank) {
    select(values, { rank, from: 0, to: last });
    return values[rank]!;
  }
  const [below, above] = neighbours(values, rank);
  return below === above ? below : below + (above - below) * (position - rank);
}

/** The values at this rank and the next: one by selection, the other from the shorter side. */
function neighbours(values: Float64Array, rank: number): readonly [number, number] {
  const last = values.length - 1;
  if (2 * rank < last) {
    select(values, { rank: rank + 1, from: 0, to: last });
    let below = -Infinity;
    for (let i = 0; i <= rank; i++) if (values[i]! > below) below = values[i]!;
    return [below, values[rank + 1]!];
  }
  select(values, { rank, from: 0, to: last });
  let above = Infinity;
  for (let i = rank + 1; i <= last; i++) if (values[i]! < above) above = values[i]!;
  return [values[rank]!, above];
}

/** Ranges above this size are narrowed by a sample first; the paper's constant. */
const SAMPLED_ABOVE = 600;

/** Moves the value of this rank to its place, with no larger one before it and no smaller one after it. */
function select(
  values: Float64Array,
  { rank, from, to }: { readonly rank: number; readonly from: number; readonly to: number },
): void {
  let [left, right] = [from, to];
  while (right > left) {
    if (right - left > SAMPLED_ABOVE) select(values, { rank, ...sampleRange({ rank, left, right }) });
    const pivot = values[rank]!;
    let [i, j] = [left, right];
    swap(values, left, rank);
    if (values[right]! > pivot) swap(values, left, right);
    while (i < j) {
      swap(values, i++, j--);
      while (values[i]! < pivot) i++;
      while (values[j]! > pivot) j--;
    }
    if (values[left] === pivot) swap(values, left, j);
    else swap(values, ++j, right);
    if (j <= rank) left = j + 1;
    if (rank <= j) right = j - 1;
  }
}

/** The range to search, from a sample around the rank. */
function sampleRange({ rank, left, right }: { readonly rank: number; readonly left: number; readonly right: number }): {
  readonly from: number;
  readonly to: number;
} {
  const n = right - left + 1;
  const i = rank - left + 1;
  const size = 0.5 * Math.exp((2 * Math.log(n)) / 3);
  const spread = 0.5 * Math.sqrt((Math.log(n) * size * (n - size)) / n) * Math.sign(i - n / 2);
  return {
    from: Math.max(left, Math.floor(rank - (i * size) / n + spread)),
    to: Math.min(right, Math.floor(rank + ((n - i) * size) / n + spread)),
  };
}

function swap(values: Float64Array, i: number, j: number): void {
  const held = values[i]!;
  values[i] = values[j]!;
  values[j] = held;
}
