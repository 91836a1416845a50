/** Every pair of a contest's entries, compared over items and seeds: what the Compare page looks up. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Comparisons } from '../../contracts/derived.ts';
import { type EntryItems, type EntryPairing, pairEntries } from '../../numerics/statistics/pair-entries.ts';

/** Digits kept of each figure. */
const DIGITS = 6;

export interface ComparedEntry {
  readonly slug: string;
  readonly items: EntryItems;
}

/** One document per entry, with the pairs it forms with those after it; a pair stands in one document only. */
export function* pairComparisons(
  entries: readonly ComparedEntry[],
  { contest, metric }: { readonly contest: string; readonly metric: Metric },
): Generator<Comparisons> {
  if (entries.length === 0) return;
  const outcomes = entries.map(({ items }) => items);
  const quality = pairEntries(outcomes, { metric });
  const divergence = pairEntries(outcomes, { metric, column: 'klDivergence' });
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
  pairing: EntryPairing,
  { first, count }: { readonly first: number; readonly count: number },
): Comparisons['quality'] {
  const columns: Comparisons['quality'] = { value: [], low: [], high: [], pValue: [], artifactsOnly: [] };
  for (let second = first + 1; second <= first + count; second++) {
    const found = pairing.compare(first, second);
    columns.value.push(rounded(found?.difference.value));
    columns.low.push(rounded(found?.difference.low));
    columns.high.push(rounded(found?.difference.high));
    columns.pValue.push(rounded(found?.pValue));
    columns.artifactsOnly.push(found?.about === 'these artifacts');
  }
  return columns;
}

/** Null where the pair cannot be compared. */
function rounded(value: number | undefined): number | null {
  return value === undefined ? null : Number(value.toPrecision(DIGITS));
}
