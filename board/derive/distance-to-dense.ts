/** What an entry lost against dense on the same items, in all and by slice. */
import type { Metric } from '../../contracts/dataset.ts';
import type { EntrySlice, Paired } from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items, SliceQuality } from '../../contracts/result.ts';
import { qualityColumn } from '../../numerics/statistics/item-statistics.ts';
import { type PairedSums, createPairedSums } from '../../numerics/statistics/paired-sums.ts';
import { benjaminiHochberg } from '../../numerics/statistics/significance.ts';
import { pairedOf } from './paired.ts';
import { present } from '../../contracts/present.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;

export interface DistanceToDense {
  /** Entry (index in the list given) minus dense, over all items. */
  whole(entry: number): Paired;
  /** The same by slice: `qualities` are the slices' own values. Slices the items do not have are left out. */
  slices(entry: number, qualities: readonly SliceQuality[]): EntrySlice[];
}

/** @param entries on the same items. */
export function distanceToDense(entries: readonly Items[], metric: Metric): DistanceToDense {
  const [reference] = entries;
  const everything = reference?.ids.map((_, i) => i) ?? [];
  const bySlice = Map.groupBy(reference?.slices ? everything : [], (i) => reference?.slices?.[i] ?? '');
  const column = qualityColumn(metric);
  const denseColumn = column === 'correct' ? 'denseCorrect' : 'denseNegativeLogLikelihood';
  /** Entry e stands at e + 1; at 0 stands dense, whose difference to itself is 0. */
  const sumsOver = (indices: readonly number[]): PairedSums =>
    createPairedSums({
      weights: indices.map((i) => present(reference?.tokens[i], 'tokens of an item')),
      columns: [
        new Float64Array(indices.length),
        ...entries.map((items) =>
          Float64Array.from(
            indices,
            (i) => present(items[column][i], 'an item') - present(items[denseColumn][i], 'an item of dense'),
          ),
        ),
      ],
      resamples,
      confidence,
      seed,
    });
  const paired = (sums: PairedSums, entry: number): Paired => {
    const pValue = sums.pValue(entry + 1, 0);
    const significant = pValue <= 1 - confidence;
    return pairedOf({ difference: sums.difference(entry + 1, 0), pValue, significant }, metric);
  };
  const whole = sumsOver(everything);
  const parts = new Map([...bySlice].map(([slice, indices]) => [slice, sumsOver(indices)]));
  return {
    whole: (entry) => paired(whole, entry),
    slices(entry, qualities) {
      const found = qualities.flatMap((quality) => {
        const sums = parts.get(quality.slice);
        return sums ? [{ ...quality, toDense: paired(sums, entry) }] : [];
      });
      const adjusted = benjaminiHochberg(found.map(({ toDense }) => toDense.pValue));
      return found.map((slice, i) => ({ ...slice, qValue: present(adjusted[i], `q-value ${i}`) }));
    },
  };
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
