/** Summaries of a sample, and the normal distribution for intervals. Sums run in float64, in the given order. */
import { InputError } from '../../contracts/errors.ts';

/** A figure with its confidence interval. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
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
  for (let i = 0; i < values.length; i++) total += (values[i]! - centre) ** 2;
  return total / (values.length - 1);
}

/** Standard deviation over mean. Throws InputError when the mean is zero. */
export function coefficientOfVariation(values: ArrayLike<number>): number {
  const centre = mean(values);
  if (centre === 0) throw new InputError('coefficient of variation: the mean is 0; it needs values away from zero');
  return Math.sqrt(variance(values)) / Math.abs(centre);
}

/**
 * The quantile at `probability` in [0, 1] by linear interpolation at (n − 1) p (type 7 of Hyndman & Fan 1996, numpy's
 * and R's default).
 */
export function quantile(values: ArrayLike<number>, probability: number): number {
  return quantileOfSorted(Float64Array.from(values).sort(), probability);
}

/** As quantile(), for values in ascending order. */
export function quantileOfSorted(sorted: ArrayLike<number>, probability: number): number {
  requireValues('quantile', sorted, 1);
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  const position = (sorted.length - 1) * probability;
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
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

/** Coefficients of AS 241, highest power first, as float64 holds them. */
const CENTRAL: Rational = [
  [
    2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946, 1971.5909503065513,
    133.14166789178438, 3.3871328727963665,
  ],
  [
    5226.495278852854, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751, 687.1870074920579,
    42.31333070160091, 1,
  ],
];
const MIDDLE: Rational = [
  [
    0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
    5.769497221460691, 4.630337846156546, 1.4234371107496835,
  ],
  [
    1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
    1.6763848301838038, 2.053191626637759, 1,
  ],
];
const FAR: Rational = [
  [
    2.0103343992922881e-7, 0.000027115555687434876, 0.0012426609473880784, 0.026532189526576124, 0.29656057182850487,
    1.7848265399172913, 5.463784911164114, 6.657904643501103,
  ],
  [
    2.0442631033899397e-15, 1.421511758316446e-7, 0.000018463183175100548, 0.0007868691311456133, 0.014875361290850615,
    0.1369298809227358, 0.599832206555888, 1,
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
