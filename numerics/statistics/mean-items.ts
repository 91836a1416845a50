/** Several seeds of a variant as one entry: the outcome of each item, averaged over the seeds. */
import { InputError } from '../../contracts/errors.ts';
import type { Items } from '../../contracts/result.ts';
import { requireSameItems } from './item-statistics.ts';

const AVERAGED = [
  'negativeLogLikelihood',
  'denseNegativeLogLikelihood',
  'klDivergence',
  'sameTop',
  'correct',
  'denseCorrect',
  'correctToIncorrect',
  'incorrectToCorrect',
] as const satisfies readonly (keyof Items)[];

/** Throws InputError for an empty list and when the seeds have different items. */
export function meanItems(seeds: readonly Items[]): Items {
  const [first] = seeds;
  if (!first) throw new InputError('mean of items: expected at least one seed, got none');
  if (seeds.length === 1) return first;
  for (const seed of seeds) requireSameItems(first, seed);
  const averaged = AVERAGED.map((column) => [column, averageColumns(seeds.map((seed) => seed[column]))]);
  return { ...first, ...(Object.fromEntries(averaged) as Pick<Items, (typeof AVERAGED)[number]>) };
}

function averageColumns(columns: readonly (readonly number[])[]): number[] {
  return (columns[0] ?? []).map((_, i) => columns.reduce((sum, column) => sum + (column[i] ?? 0), 0) / columns.length);
}
