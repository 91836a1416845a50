/** What a share observed in a simulation says of the true one: Wilson 1927, J. Amer. Statist. Assoc. 22, 209-212. */
import { type Interval, normalQuantile } from '../../numerics/statistics/statistics.ts';

/** Wilson's score interval of a share of independent trials, without continuity correction. */
export function wilsonInterval(params: {
  readonly successes: number;
  readonly trials: number;
  readonly confidence: number;
}): Interval {
  const { successes, trials, confidence } = params;
  const z = normalQuantile((1 + confidence) / 2);
  const value = successes / trials;
  const denominator = 1 + (z * z) / trials;
  const centre = (value + (z * z) / (2 * trials)) / denominator;
  const half = (z * Math.sqrt((value * (1 - value)) / trials + (z * z) / (4 * trials * trials))) / denominator;
  return {
    value,
    low: successes === 0 ? 0 : centre - half,
    high: successes === trials ? 1 : centre + half,
  };
}
