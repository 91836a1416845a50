/** What the simulations of PROTOCOL.md share. */
import type { Random } from '../numerics/tensor/random.ts';

export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** Student's t with three degrees of freedom: its variance is finite, its fourth moment is not. */
export function heavyTailed(random: Random): number {
  const squares = random.normal() ** 2 + random.normal() ** 2 + random.normal() ** 2;
  return random.normal() / Math.sqrt(squares / 3);
}
