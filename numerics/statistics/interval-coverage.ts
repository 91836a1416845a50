/**
 * Whether the bootstrap interval of a mean is to be trusted: single items far from the rest make it too narrow. PROTOCOL.md has
 * the coverage by number of items and law (`scripts/simulate-coverage.ts`).
 */
import { InputError } from '../../contracts/errors.ts';
import { sum } from './statistics.ts';

/** Skewness over √items above which intervals in the simulations covered the truth in less than 93 %. */
const MOST_SKEWNESS = 0.4;

/**
 * Is the interval of the row's mean probably too narrow? Goes by the skewness that is left in the mean, of the items' part in
 * it, valueᵢ − mean × weightᵢ. False where all items are alike. Throws InputError when values and weights differ in length.
 */
export function intervalIsNarrow(params: {
  /** Of each item, such as the sum of its losses. [items] */
  readonly values: ArrayLike<number>;
  /** Of each item, such as its tokens. [items] */
  readonly weights: ArrayLike<number>;
}): boolean {
  const { values, weights } = params;
  if (values.length !== weights.length) {
    throw new InputError(`interval coverage: expected ${weights.length} values, one per weight, got ${values.length}`);
  }
  const mean = sum(values) / sum(weights);
  let [squares, cubes] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    const part = values[i]! - mean * weights[i]!;
    squares += part ** 2;
    cubes += part ** 3;
  }
  // (Σ part³ / n) / (Σ part² / n)^1.5 / √n
  return squares > 0 && Math.abs(cubes) / squares ** 1.5 > MOST_SKEWNESS;
}
