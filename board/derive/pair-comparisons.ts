/** Every pair of a contest's entries, compared on the same items: what the Compare page looks up. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Comparisons } from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import { qualityColumn } from '../../numerics/statistics/item-statistics.ts';
import { createPairedSums, type PairedSums } from '../../numerics/statistics/paired-sums.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;

/** Digits kept: intervals from 2,000 resamples are good for two or three. */
const DIGITS = 6;

export interface ComparedEntry {
  readonly slug: string;
  readonly items: Items;
}

/** One document per entry, with the pairs it forms with those after it; a pair stands in one document only. */
export function* pairComparisons(
  entries: readonly ComparedEntry[],
  { contest, metric }: { readonly contest: string; readonly metric: Metric },
): Generator<Comparisons> {
  const weights = entries[0]?.items.tokens ?? [];
  const sumsOf = (column: 'negativeLogLikelihood' | 'correct' | 'klDivergence'): PairedSums =>
    createPairedSums({
      weights,
      columns: entries.map(({ items }) => items[column]),
      resamples,
      confidence,
      seed,
    });
  const [quality, divergence] = [sumsOf(qualityColumn(metric)), sumsOf('klDivergence')];
  for (const [first, { slug }] of entries.entries()) {
    const others = entries.slice(first + 1);
    yield {
      contest,
      metric,
      first: slug,
      others: others.map((other) => other.slug),
      quality: columnsOf(quality, { first, count: others.length }),
      klDivergence: columnsOf(divergence, { first, count: others.length }),
    };
  }
}

function columnsOf(
  sums: PairedSums,
  { first, count }: { readonly first: number; readonly count: number },
): Comparisons['quality'] {
  const columns: Comparisons['quality'] = { value: [], low: [], high: [], pValue: [] };
  for (let second = first + 1; second <= first + count; second++) {
    const { value, low, high } = sums.difference(first, second);
    columns.value.push(rounded(value));
    columns.low.push(rounded(low));
    columns.high.push(rounded(high));
    columns.pValue.push(rounded(sums.pValue(first, second)));
  }
  return columns;
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS));
}
