/**
 * Whether the bootstrap interval of a mean is reliable: outlying items make it too narrow. PROTOCOL.md has the coverage
 * by number of items and distribution (`scripts/simulate-coverage.ts`).
 */
import { InputError } from '../../contracts/errors.ts';
import { sum } from './statistics.ts';

/** Skewness over √items above which the simulated intervals covered the true value in less than 93 %. */
const MOST_SKEWNESS = 0.4;

/**
 * Whether the interval of the row's mean is probably too narrow. Uses the remaining skewness of the mean, from the
 * items' residuals valueᵢ − mean × weightᵢ. False where all items are alike. Throws InputError when values and weights
 * differ in length.
 */
export function intervalIsNarrow(params: {
  /** Of each item, for example the sum of its losses. [items] */
  readonly values: ArrayLike<number>;
  /** Of each item, for example its tokens. [items] */
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
