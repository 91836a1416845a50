/** The mean of a small sample with Student's t interval. */
import { InputError } from '../../contracts/errors.ts';
import { type Interval, mean, variance } from './statistics.ts';
import { studentQuantile } from './t-distribution.ts';

/** Mean ± t √(s² / n). Throws InputError below two values. */
export function meanInterval(values: readonly number[], confidence: number): Interval {
  if (values.length < 2) throw new InputError(`mean interval: expected at least 2 values, got ${values.length}`);
  const value = mean(values);
  const standardError = Math.sqrt(variance(values) / values.length);
  const half = studentQuantile((1 + confidence) / 2, values.length - 1) * standardError;
  return { value, low: value - half, high: value + half };
}
