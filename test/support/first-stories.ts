/** The stories that the publisher of stories260K has measured: the first 60 of the file, whatever split each of them is in. */
import type { DatasetRow, Splits } from '../../contracts/dataset.ts';

export function firstStories(splits: Splits): readonly DatasetRow[] {
  const wanted = new Set(Array.from({ length: 60 }, (_, at) => `story-${String(at).padStart(5, '0')}`));
  const found = Object.values(splits)
    .flat()
    .filter(({ id }) => wanted.has(id))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (found.length !== wanted.size)
    throw new Error(`${found.length} of the first ${wanted.size} stories are in the splits`);
  return found;
}
