/** Autocorrelation of figures measured night after night: a slow night is often followed by another. */
import { mean, quantile } from './statistics.ts';

/** Upper limit of the autocorrelation: beyond it no change could be distinguished from noise. */
export const MOST_AUTOCORRELATION = 0.9;

/** A shorter series contains too little information about its autocorrelation. */
const SHORTEST = 8;

/**
 * One lag-1 autocorrelation ρ for many series of one machine, from 0 to MOST_AUTOCORRELATION; 0 where no series has
 * eight values. For an autoregressive series the mean square of differences over two nights is 1 + ρ times that of
 * differences over one (the variogram; Cressie 1993, section 2.4). Unlike the correlation itself this needs no mean,
 * which short series estimate poorly. The largest step of a series is removed first, and the influence of outliers is
 * limited.
 */
export function pooledAutocorrelation(series: readonly (readonly number[])[]): number {
  let [total, weight] = [0, 0];
  for (const values of series) {
    if (values.length < SHORTEST) continue;
    const level = withoutLargestStep(values);
    const [one, two] = [meanSquareDifference(level, 1), meanSquareDifference(level, 2)];
    if (one === 0) continue;
    total += values.length * (two / one - 1);
    weight += values.length;
  }
  if (weight === 0) return 0;
  const length = weight / series.filter(({ length: own }) => own >= SHORTEST).length;
  return Math.min(MOST_AUTOCORRELATION, withoutBias(Math.max(0, total / weight), length));
}

/**
 * Removing a step from n correlated values lowers the estimate by about 6.5 ρ² / n, found by simulation for 12 to 40
 * values.
 */
const STEP_BIAS = 6.5;

function withoutBias(estimate: number, length: number): number {
  const bias = STEP_BIAS / length;
  const root = 1 - 4 * bias * estimate;
  return root <= 0 ? 1 / (2 * bias) : (1 - Math.sqrt(root)) / (2 * bias);
}

/** Differences are clamped to this many robust standard deviations. */
const LARGEST = 3;
const MEDIAN_TO_DEVIATION = 1.4826;

function meanSquareDifference(values: readonly number[], lag: number): number {
  const sizes = values.slice(lag).map((value, i) => Math.abs(value - (values[i] ?? 0)));
  const limit = LARGEST * MEDIAN_TO_DEVIATION * quantile(sizes, 0.5);
  return sizes.reduce((sum, size) => sum + Math.min(size, limit) ** 2, 0) / sizes.length;
}

/** Shifts the values after the split with the largest cumulative-sum statistic by the difference of the means. */
function withoutLargestStep(values: readonly number[]): number[] {
  const n = values.length;
  const centre = mean(values);
  let best = { at: 2, statistic: -1 };
  let sum = (values[0] ?? 0) - centre;
  for (let k = 2; k <= n - 2; k++) {
    sum += (values[k - 1] ?? 0) - centre;
    const statistic = Math.abs(sum) * Math.sqrt(n / (k * (n - k)));
    if (statistic > best.statistic) best = { at: k, statistic };
  }
  const step = mean(values.slice(best.at)) - mean(values.slice(0, best.at));
  return values.map((value, i) => value - (i < best.at ? 0 : step));
}
