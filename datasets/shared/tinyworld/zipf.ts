/** Draws ranks with weights 1 / (rank + offset), in integer arithmetic. */
import { present } from '../../../contracts/present.ts';
import type { Random } from '../../../numerics/tensor/random.ts';

/**
 * The weight of a rank is floor(SCALE / (rank + offset)): a correctly rounded quotient of integers, the same on every
 * machine.
 */
const SCALE = 1 << 22;

export function createZipf(count: number, offset: number): (random: Random) => number {
  const upTo = new Float64Array(count); // [count], sum of weights of ranks 0..rank
  let total = 0;
  for (let rank = 0; rank < count; rank++) upTo[rank] = total += Math.floor(SCALE / (rank + offset));
  return (random) => {
    const ticket = random.integer(total);
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (present(upTo[middle], 'upTo[middle]') > ticket) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
