/** Index of the nearest of ascending levels (at least one); of two equally near, the lower. */
export function nearestLevel(levels: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = levels.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value <= (levels[middle]! + levels[middle + 1]!) / 2) high = middle;
    else low = middle + 1;
  }
  return low;
}
