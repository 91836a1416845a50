/**
 * Compares entries on the same items, with the uncertainty of both levels: items drawn from a task, seeds drawn by a
 * method.
 * A difference is the mean over seeds of the first minus that of the second. Its variance has two parts: - items: of
 * the differences per item, averaged over seeds; of a mean weighted by tokens the linearised variance of a ratio
 *   of sums (Cochran 1977, Sampling Techniques, eq. 2.46). With items − 1 degrees of freedom.
 *
 * - seeds: of the means of the seeds, for each entry that draws, both combined by Welch. Two seeds suffice, with wide
 *   intervals; a bootstrap over two or three seeds underestimates the variance (PROTOCOL.md, `scripts/simulate-seeds.ts`).
 *
 * Both parts contain the noise of single items under single seeds, so the interval is slightly too wide, never too
 * narrow.
 */
import { InputError } from '../../contracts/errors.ts';
import type { Estimate } from '../../contracts/result.ts';
import { sum, variance } from './statistics.ts';
import {
  type UncertainFigure,
  type VarianceComponent,
  intervalOf,
  sumOfComponents,
  twoSidedPValue,
} from './variance-components.ts';

/**
 * What an entry's seeds say about its method: `drawn` where they gave different artifacts, `same artifact` where all
 * gave one (or where nothing is drawn, as for dense), `one seed` where only one was run: it describes its artifact
 * only.
 */
export type SeedKind = 'drawn' | 'same artifact' | 'one seed';

export interface EntryOutcomes {
  /** One per seed of a `drawn` entry, else one; each [items]. */
  readonly bySeed: readonly ArrayLike<number>[];
  readonly seeds: SeedKind;
}

export interface EntryDifference extends UncertainFigure {
  /** First minus second, per unit of weight, with its interval. */
  readonly difference: Estimate;
  /** Two-sided p-value of the hypothesis of no difference; not corrected for other comparisons. */
  readonly pValue: number;
  /** What the difference describes: `these artifacts` where one side has a single seed. */
  readonly about: 'the methods' | 'these artifacts';
}

/** A weighted mean of entries: the weights, by index, sum to 1. */
export type EntryMixture = ReadonlyMap<number, number>;

export interface EntryComparison {
  /** By the entries' indices. */
  compare(first: number, second: number): EntryDifference;
  /** Same for two weighted means of entries, such as interpolated points of a curve. */
  compareMixtures(first: EntryMixture, second: EntryMixture): EntryDifference;
}

/**
 * Which artifacts represent an entry: their indices in `artifacts` (one per seed, by hash), and what they say about the
 * method.
 * @param nothingDrawn true where it is known without a second seed that every seed gives the same, as for dense.
 */
export function seedKindOf(
  artifacts: readonly string[],
  { nothingDrawn = false }: { readonly nothingDrawn?: boolean } = {},
): { readonly kept: readonly number[]; readonly seeds: SeedKind } {
  if (artifacts.length === 0) throw new InputError('seeds of an entry: expected at least one artifact, got none');
  if (new Set(artifacts).size > 1) return { kept: artifacts.map((_, index) => index), seeds: 'drawn' };
  return { kept: [0], seeds: artifacts.length > 1 || nothingDrawn ? 'same artifact' : 'one seed' };
}

/** Throws InputError when columns and weights differ in length, or below two items. */
export function createEntryComparison(params: {
  readonly entries: readonly EntryOutcomes[];
  /** Of each item, for example its tokens. [items] */
  readonly weights: ArrayLike<number>;
  /**
   * For a share of correct decisions instead of a loss: two pseudo-items, one for each side, give the interval of a
   * difference of 0 a positive width (Agresti & Min 2005, Statist. Med. 24, 729-740).
   */
  readonly share: boolean;
  readonly confidence: number;
}): EntryComparison {
  const { weights, share, confidence } = params;
  if (weights.length < 2) throw new InputError(`comparison: expected at least 2 items, got ${weights.length}`);
  const entries = params.entries.map((entry) => prepare(entry, weights));
  const weight = sum(weights);
  const at = (index: number): PreparedEntry => {
    const entry = entries[index];
    if (!entry) throw new InputError(`comparison: entry ${index} of ${entries.length}`);
    return entry;
  };
  const compareMeans = (a: PreparedEntry, b: PreparedEntry): EntryDifference => {
    const items = itemComponent({ first: a.mean, second: b.mean, weights, weight, share });
    const seeds = sumOfComponents([...a.seeds, ...b.seeds]);
    const components = [items.component, ...(seeds.variance > 0 ? [seeds] : [])];
    const figure = { value: items.value, components };
    return {
      ...figure,
      difference: intervalOf(figure, confidence),
      pValue: twoSidedPValue(figure),
      about: a.lone || b.lone ? 'these artifacts' : 'the methods',
    };
  };
  return {
    compare: (first, second) => compareMeans(at(first), at(second)),
    compareMixtures(first, second) {
      const mixed = (mixture: EntryMixture) => mix([...mixture].map(([index, share]) => ({ entry: at(index), share })));
      return compareMeans(mixed(first), mixed(second));
    },
  };
}

/** Items are shared by all parts, so their outcomes are averaged; seeds are not, so their variances add up. */
function mix(parts: readonly { readonly entry: PreparedEntry; readonly share: number }[]): PreparedEntry {
  const mean = new Float64Array(parts[0]?.entry.mean.length ?? 0);
  for (const { entry, share } of parts) {
    for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + share * entry.mean[i]!;
  }
  return {
    mean,
    seeds: parts.flatMap(({ entry, share }) =>
      entry.seeds.map((part) => ({ ...part, variance: part.variance * share ** 2 })),
    ),
    lone: parts.some(({ entry }) => entry.lone),
  };
}

interface PreparedEntry {
  /** Mean over seeds. [items] */
  readonly mean: Float64Array;
  /** The variance of that mean due to seeds; empty where nothing is drawn or nothing is known. */
  readonly seeds: readonly VarianceComponent[];
  readonly lone: boolean;
}

function prepare({ bySeed, seeds }: EntryOutcomes, weights: ArrayLike<number>): PreparedEntry {
  const expected = seeds === 'drawn' ? 'at least two columns, one per seed' : 'one column';
  if (seeds === 'drawn' ? bySeed.length < 2 : bySeed.length !== 1) {
    throw new InputError(`comparison: an entry with seeds "${seeds}" has ${expected}, got ${bySeed.length}`);
  }
  const odd = bySeed.find(({ length }) => length !== weights.length);
  if (odd) throw new InputError(`comparison: expected ${weights.length} items, got ${odd.length}`);
  const mean = new Float64Array(weights.length);
  for (const column of bySeed) {
    for (let i = 0; i < mean.length; i++) mean[i] = mean[i]! + column[i]! / bySeed.length;
  }
  const lone = seeds === 'one seed';
  if (bySeed.length === 1) return { mean, seeds: [], lone };
  const means = bySeed.map((column) => sum(column) / sum(weights));
  const component = { variance: variance(means) / means.length, degreesOfFreedom: means.length - 1 };
  return { mean, seeds: [component], lone };
}

function itemComponent(params: {
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly weights: ArrayLike<number>;
  readonly weight: number;
  readonly share: boolean;
}): { readonly value: number; readonly component: VarianceComponent } {
  const { first, second, weights, weight, share } = params;
  const items = first.length;
  let total = 0;
  for (let i = 0; i < items; i++) total += first[i]! - second[i]!;
  const value = total / weight;
  let squares = 0;
  for (let i = 0; i < items; i++) {
    squares += (first[i]! - second[i]! - value * weights[i]!) ** 2;
  }
  const scaled = (squares * items) / (items - 1);
  return {
    value,
    component: {
      variance: share ? (scaled + 1) / (weight + 2) ** 2 : scaled / weight ** 2,
      degreesOfFreedom: items - 1,
    },
  };
}
