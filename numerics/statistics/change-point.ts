/**
 * Changes of level in a series of figures taken one after the other: the split with the largest cumulative-sum statistic,
 * tested by permutation (Antoch & Hušková 2001, Statist. Probab. Lett. 53, 37-46; further splits by binary segmentation,
 * Vostrikova 1981). Where nothing has changed the figures are exchangeable and the test is exact, whatever their
 * distribution: it finds a change in at most `level` of such series.
 */
import { createRandom } from '../tensor/random.ts';

export interface ChangePoint {
  /** Index of the first value after the change. */
  readonly at: number;
  /** Means of the stretches on both sides, up to the next changes found. */
  readonly before: number;
  readonly after: number;
  readonly pValue: number;
}

export interface ChangePointOptions {
  readonly permutations: number;
  readonly seed: string;
}

/** The most likely change of the whole series, whether significant or not; null below four values or where all are equal. */
export function likelyChange(values: readonly number[], options: ChangePointOptions): ChangePoint | null {
  if (values.length < SHORTEST) return null;
  const observed = largestSplit(values);
  if (observed.statistic === 0) return null;
  const random = createRandom(options.seed);
  let extreme = 0;
  for (let p = 0; p < options.permutations; p++) {
    if (largestSplit(random.shuffle(values)).statistic >= observed.statistic * (1 - 1e-12)) extreme++;
  }
  return {
    at: observed.at,
    before: meanOf(values.slice(0, observed.at)),
    after: meanOf(values.slice(observed.at)),
    pValue: (extreme + 1) / (options.permutations + 1),
  };
}

/** Further changes on both sides of one already believed, each tested at `level`; ascending, the first one included. */
export function changesAround(
  values: readonly number[],
  { first, level, ...options }: ChangePointOptions & { readonly first: ChangePoint; readonly level: number },
): ChangePoint[] {
  const found = new Map([[first.at, first.pValue]]);
  const search = (start: number, end: number): void => {
    const change = likelyChange(values.slice(start, end), { ...options, seed: `${options.seed}/${start}-${end}` });
    if (change === null || change.pValue > level) return;
    found.set(start + change.at, change.pValue);
    search(start, start + change.at);
    search(start + change.at, end);
  };
  search(0, first.at);
  search(first.at, values.length);
  const places = [...found.keys()].sort((a, b) => a - b);
  return places.map((at, i) => ({
    at,
    before: meanOf(values.slice(places[i - 1] ?? 0, at)),
    after: meanOf(values.slice(at, places[i + 1] ?? values.length)),
    pValue: found.get(at) as number,
  }));
}

/** Fewer values have too few orders for any of them to be rare. */
const SHORTEST = 4;

function largestSplit(values: readonly number[]): { readonly at: number; readonly statistic: number } {
  const n = values.length;
  const centre = meanOf(values);
  let best = { at: 1, statistic: 0 };
  let sum = 0;
  for (let k = 1; k < n; k++) {
    sum += (values[k - 1] as number) - centre;
    const statistic = Math.abs(sum) * Math.sqrt(n / (k * (n - k)));
    if (statistic > best.statistic) best = { at: k, statistic };
  }
  return best;
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
