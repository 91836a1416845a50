/** Entries that no other beats on two figures at once. */

/**
 * Those for which no other is at least as good on both figures and better on one; best quality first, ties in the order
 * given. Smaller is better on both: negate what should be large.
 */
export function paretoFront<T>(
  entries: readonly T[],
  figuresOf: (entry: T) => { readonly loss: number; readonly price: number },
): T[] {
  const points = entries.map((entry) => {
    const { loss, price } = figuresOf(entry);
    return { entry, loss, price };
  });
  points.sort((a, b) => a.loss - b.loss || a.price - b.price);
  const front: typeof points = [];
  for (const point of points) {
    const last = front.at(-1);
    const equal = last?.loss === point.loss && last.price === point.price;
    if (last === undefined || point.price < last.price || equal) front.push(point);
  }
  return front.map(({ entry }) => entry);
}
