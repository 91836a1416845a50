/** The known name that a mistyped one was probably meant to be. */

/** The first of equally near names; undefined where none is near: at most a third of the letters may differ. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let nearest: { readonly name: string; readonly edits: number } | undefined;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    const most = Math.max(1, Math.floor(Math.min(name.length, candidate.length) / 3));
    if (edits <= most && (nearest === undefined || edits < nearest.edits)) nearest = { name: candidate, edits };
  }
  return nearest?.name;
}

/**
 * Number of insertions, deletions, replacements and swaps of neighbouring letters that turn one text into the other.
 * The optimal string alignment distance: https://en.wikipedia.org/wiki/Damerau%E2%80%93Levenshtein_distance
 */
export function editDistance(first: string, second: string): number {
  let [beforeLast, last] = [new Array<number>(), Array.from({ length: second.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= first.length; row++) {
    const current = [row];
    for (let column = 1; column <= second.length; column++) {
      const same = first[row - 1] === second[column - 1];
      const swapped = first[row - 1] === second[column - 2] && first[row - 2] === second[column - 1];
      current.push(
        Math.min(
          at(last, column) + 1,
          at(current, column - 1) + 1,
          at(last, column - 1) + (same ? 0 : 1),
          swapped ? at(beforeLast, column - 2) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [beforeLast, last] = [last, current];
  }
  return at(last, second.length);
}

/** A column outside the table is never the shortest way. */
function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
