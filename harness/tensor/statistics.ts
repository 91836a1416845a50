/** Summaries of a sample, and the normal distribution that intervals need. Sums run in float64, in the order given. */
import { InputError } from '../contracts/errors.ts';

/** A figure with its confidence interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}

/** Arithmetic mean. Throws InputError on an empty sample. */
export function mean(values: ArrayLike<number>): number {
  requireValues('mean', values, 1);
  return sum(values) / values.length;
}

/** Unbiased sample variance (n − 1), two passes. Throws InputError below two values. */
export function variance(values: ArrayLike<number>): number {
  requireValues('variance', values, 2);
  const centre = mean(values);
  let total = 0;
  for (let i = 0; i < values.length; i++) total += ((values[i] as number) - centre) ** 2;
  return total / (values.length - 1);
}

/** Standard deviation over mean. Throws InputError when the mean is zero. */
export function coefficientOfVariation(values: ArrayLike<number>): number {
  const centre = mean(values);
  if (centre === 0) throw new InputError('coefficient of variation: the mean is 0; it needs values away from zero');
  return Math.sqrt(variance(values)) / Math.abs(centre);
}

/** The quantile at `probability` in [0, 1] by linear interpolation at (n − 1) p (type 7 of Hyndman & Fan 1996, numpy's and R's default). */
export function quantile(values: ArrayLike<number>, probability: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), probability);
}

/** As quantile(), of values already ascending. */
export function quantileOfSorted(sorted: ArrayLike<number>, probability: number): number {
  requireValues('quantile', sorted, 1);
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  const position = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below === above ? below : below + (above - below) * (position - Math.floor(position));
}

/** Φ(z), the standard normal distribution function: Marsaglia's series (J. Stat. Software 11(4), 2004), in the tails a continued fraction. */
export function normalCdf(z: number): number {
  if (z > 3) return 1 - normalCdf(-z);
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
  if (z < -3) {
    let fraction = 0;
    for (let k = 200; k >= 1; k--) fraction = k / (fraction - z);
    return density / (fraction - z);
  }
  let total = z;
  let term = z;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(total); k += 2) {
    term *= (z * z) / k;
    total += term;
  }
  return 0.5 + density * total;
}

/** Φ⁻¹(p) to about 1e-15: algorithm AS 241, PPND16 (Wichura, Applied Statistics 37(3), 1988). ±Infinity at 1 and 0. */
export function normalQuantile(probability: number): number {
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`normal quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  const q = probability - 0.5;
  if (Math.abs(q) <= 0.425) return q * rational(0.180625 - q * q, CENTRAL);
  const tail = q < 0 ? probability : 1 - probability;
  if (tail === 0) return Math.sign(q) * Infinity;
  const r = Math.sqrt(-Math.log(tail));
  return Math.sign(q) * (r <= 5 ? rational(r - 1.6, MIDDLE) : rational(r - 5, FAR));
}

type Rational = readonly [numerator: readonly number[], denominator: readonly number[]];

/** Coefficients of AS 241, highest power first. */
const CENTRAL: Rational = [
  [
    2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125,
    1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
  ],
  [
    5226.495278852854561, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867, 5394.1960214247511077,
    687.1870074920579083, 42.313330701600911252, 1,
  ],
];
const MIDDLE: Rational = [
  [
    7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
    3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
  ],
  [
    1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
    0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1,
  ],
];
const FAR: Rational = [
  [
    2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
    0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
  ],
  [
    2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
    0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1,
  ],
];

function rational(x: number, [numerator, denominator]: Rational): number {
  const horner = (coefficients: readonly number[]): number => coefficients.reduce((value, c) => value * x + c, 0);
  return horner(numerator) / horner(denominator);
}

function requireValues(what: string, values: ArrayLike<number>, least: number): void {
  if (values.length < least) {
    throw new InputError(`${what}: expected at least ${least} value${least > 1 ? 's' : ''}, got ${values.length}`);
  }
}
