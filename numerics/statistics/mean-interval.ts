/** The mean of a small sample with Student's t interval. */
import { InputError } from '../../contracts/errors.ts';
import { type Interval, mean, variance } from './statistics.ts';
import { intervalOf } from './variance-components.ts';

/** Mean ± t √(s² / n). Throws InputError below two values. */
export function meanInterval(values: readonly number[], confidence: number): Interval {
  if (values.length < 2) throw new InputError(`mean interval: expected at least 2 values, got ${values.length}`);
  const component = { variance: variance(values) / values.length, degreesOfFreedom: values.length - 1 };
  return intervalOf({ value: mean(values), components: [component] }, confidence);
}
