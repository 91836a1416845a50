/** Differences between chosen entries, read from the entries' files: a pair is stored with the entry that comes first. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Comparisons, Estimate } from '../../drizzle/queries.ts';

export interface Difference {
  /** First minus second per decision. */
  readonly difference: Estimate;
  readonly pValue: number;
  readonly significant: boolean;
  /** It speaks of two artifacts and not of their methods: a side has a single seed. */
  readonly artifactsOnly: boolean;
}

/** Of `first` against `second` in quality; null where neither's file has the pair. */
export function qualityDifference(
  files: ReadonlyMap<string, Comparisons>,
  first: string,
  second: string,
  figure: 'quality' | 'klDivergence' = 'quality',
): Difference | null {
  const forward = pairIn(files.get(first), second, figure);
  if (forward) return forward;
  const backward = pairIn(files.get(second), first, figure);
  if (!backward) return null;
  const { value, low, high } = backward.difference;
  return { ...backward, difference: { value: -value, low: -high, high: -low } };
}

function pairIn(file: Comparisons | undefined, other: string, figure: 'quality' | 'klDivergence'): Difference | null {
  const at = file?.others.indexOf(other) ?? -1;
  if (!file || at < 0) return null;
  const columns = file[figure];
  const cell = (name: 'value' | 'low' | 'high' | 'pValue') => columns[name][at] ?? null;
  const [value, low, high, pValue] = [cell('value'), cell('low'), cell('high'), cell('pValue')];
  if (value === null || low === null || high === null || pValue === null) return null;
  return {
    difference: { value, low, high },
    pValue,
    significant: pValue <= 1 - PROTOCOL.quality.confidence,
    artifactsOnly: columns.artifactsOnly[at] ?? false,
  };
}
