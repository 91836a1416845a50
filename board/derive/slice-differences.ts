/** What an entry lost against dense on each group of items. */
import type { Metric } from '../../contracts/dataset.ts';
import type { EntrySlice } from '../../contracts/derived.ts';
import type { SliceQuality } from '../../contracts/result.ts';
import { itemsWhere } from '../../numerics/statistics/item-statistics.ts';
import { type EntryItems, pairEntries } from '../../numerics/statistics/pair-entries.ts';
import { benjaminiHochberg } from '../../numerics/statistics/significance.ts';
import { pairedOf } from './paired.ts';
import { present } from '../../contracts/present.ts';

/** Slices of an entry (by index) with its difference to dense; `qualities` are the slices' own values. */
export type SliceDifferences = (entry: number, qualities: readonly SliceQuality[]) => EntrySlice[];

/** @param parts.entries on the same items; `dense` is an index. Slices the items do not have are left out. */
export function sliceDifferences(parts: {
  readonly entries: readonly EntryItems[];
  readonly dense: number;
  readonly metric: Metric;
}): SliceDifferences {
  const { entries, dense, metric } = parts;
  const names = new Set(entries[dense]?.bySeed[0]?.slices ?? []);
  const bySlice = new Map(
    [...names].map((slice) => [
      slice,
      pairEntries(
        entries.map((entry) => withinSlice(entry, slice)),
        { metric },
      ),
    ]),
  );
  return (entry, qualities) => {
    const found = qualities.flatMap((quality) => {
      const difference = bySlice.get(quality.slice)?.compare(entry, dense);
      return difference ? [{ ...quality, toDense: pairedOf(difference, metric) }] : [];
    });
    const adjusted = benjaminiHochberg(found.map(({ toDense }) => toDense.pValue));
    return found.map((slice, i) => ({ ...slice, qValue: present(adjusted[i], `q-value ${i}`) }));
  };
}

function withinSlice({ bySeed, ...entry }: EntryItems, slice: string): EntryItems {
  return { ...entry, bySeed: bySeed.map((items) => itemsWhere(items, (index) => items.slices?.[index] === slice)) };
}

/** The slice that lost most against dense, by point estimate; null where none lost. */
export function worstSlice(slices: readonly EntrySlice[], metric: Metric): string | null {
  const lossOf = ({ toDense }: EntrySlice) =>
    metric === 'perplexity' ? toDense.difference.value : -toDense.difference.value;
  const worst = slices.reduce<EntrySlice | undefined>(
    (most, slice) => (most === undefined || lossOf(slice) > lossOf(most) ? slice : most),
    undefined,
  );
  return worst && lossOf(worst) > 0 ? worst.slice : null;
}
