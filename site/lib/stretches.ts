/** Neighbours that are joined by a line: `joined` says of two neighbours whether they compare. */
export function stretches<Point>(
  points: readonly Point[],
  joined: (before: Point, after: Point) => boolean,
): readonly (readonly Point[])[] {
  const found: Point[][] = [];
  let last: Point[] = [];
  for (const point of points) {
    const before = last.at(-1);
    if (before !== undefined && joined(before, point)) last.push(point);
    else {
      last = [point];
      found.push(last);
    }
  }
  return found;
}
