/**
 * Student's t distribution, for any positive number of degrees of freedom; Infinity is the normal distribution.
 * Distribution function: the regularized incomplete beta function by its continued fraction (DLMF 8.17.22, evaluated by
 * the modified Lentz method). Quantile: Newton's method on it, with bounds. Relative error below 1e-9.
 */
import { InputError } from '../../contracts/errors.ts';
import { normalCdf, normalQuantile } from './statistics.ts';

/** P(T ≤ t). */
export function studentCdf(t: number, degreesOfFreedom: number): number {
  requireDegrees(degreesOfFreedom);
  if (degreesOfFreedom === Infinity) return normalCdf(t);
  const tail = upperTail(Math.abs(t), { v: degreesOfFreedom, logBeta: logBetaOf(degreesOfFreedom) });
  return t > 0 ? 1 - tail : tail;
}

/** The t with P(T ≤ t) = probability; ±Infinity at 1 and 0. */
export function studentQuantile(probability: number, degreesOfFreedom: number): number {
  requireDegrees(degreesOfFreedom);
  if (degreesOfFreedom === Infinity) return normalQuantile(probability);
  if (!(probability >= 0 && probability <= 1)) {
    throw new InputError(`t quantile: expected a probability from 0 to 1, got ${probability}`);
  }
  if (probability === 0.5) return 0;
  const sign = Math.sign(probability - 0.5);
  const tail = sign < 0 ? probability : 1 - probability;
  if (tail === 0) return sign * Infinity;
  return sign * tailQuantile(tail, { v: degreesOfFreedom, logBeta: logBetaOf(degreesOfFreedom) });
}

/** Degrees of freedom v, with ln B(v / 2, 1 / 2), which does not depend on t. */
interface Law {
  readonly v: number;
  readonly logBeta: number;
}

function logBetaOf(v: number): number {
  const x = v / 2;
  if (x < 100) return logGamma(x) + logGamma(0.5) - logGamma(x + 0.5);
  // The difference of two large logarithms loses digits; its expansion (DLMF 5.11.13) does not.
  const rest = 1 / (8 * x) - 1 / (192 * x ** 3) + 1 / (640 * x ** 5);
  return 0.5 * Math.log(Math.PI / x) + rest;
}

/** The t ≥ 0 with P(T > t) = tail, 0 < tail ≤ 0.5. */
function tailQuantile(tail: number, law: Law): number {
  let [low, high] = [0, Infinity];
  let t = startingPoint(tail, law.v);
  for (let step = 0; step < MOST_STEPS; step++) {
    const found = upperTail(t, law);
    if (found > tail) low = t;
    else high = t;
    // Newton on the logarithm of the tail, which is nearly linear where the tail is steep.
    const next = t + (found * Math.log(found / tail)) / density(t, law);
    const bounded = next > low && next < high ? next : high === Infinity ? 2 * t + 1 : (low + high) / 2;
    if (Math.abs(bounded - t) <= 1e-8 * Math.abs(t)) return bounded; // the next step would be below 1e-15
    t = bounded;
  }
  return t;
}

const MOST_STEPS = 200;

/** The power law of the tail for few degrees of freedom, otherwise Peiser's expansion. */
function startingPoint(tail: number, v: number): number {
  if (v < 5 && tail < 0.05) return Math.sqrt(v) * (2 * tail) ** (-1 / v);
  const z = -normalQuantile(tail);
  return z + (z ** 3 + z) / (4 * v);
}

function density(t: number, { v, logBeta }: Law): number {
  return Math.exp(-logBeta - 0.5 * Math.log(v) - ((v + 1) / 2) * Math.log1p((t * t) / v));
}

/** P(T > t) = I_x(v / 2, 1 / 2) / 2 at x = v / (v + t²), for t ≥ 0. */
function upperTail(t: number, { v, logBeta }: Law): number {
  if (t === 0) return 0.5;
  if (t === Infinity) return 0;
  const x = v / (v + t * t);
  const complement = (t * t) / (v + t * t);
  const logX = x < 0.5 ? Math.log(x) : Math.log1p(-complement);
  const front = Math.exp((v / 2) * logX + 0.5 * Math.log(complement) - logBeta);
  if (x > (v / 2 + 1) / (v / 2 + 2.5)) {
    return 0.5 * (1 - (front / 0.5) * betaFraction({ x: complement, a: 0.5, b: v / 2 }));
  }
  return 0.5 * (front / (v / 2)) * betaFraction({ x, a: v / 2, b: 0.5 });
}

/** The continued fraction of the incomplete beta function. */
function betaFraction({ x, a, b }: { readonly x: number; readonly a: number; readonly b: number }): number {
  const least = 1e-300;
  const awayFromZero = (value: number) => (Math.abs(value) < least ? least : value);
  let c = 1;
  let d = 1 / awayFromZero(1 - ((a + b) * x) / (a + 1));
  let value = d;
  for (let m = 1; m <= 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / awayFromZero(1 + even * d);
    c = awayFromZero(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / awayFromZero(1 + odd * d);
    c = awayFromZero(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return value;
}

/** Lanczos's approximation with g = 7 and nine terms (Godfrey's coefficients), about 15 digits for x ≥ 0.5. */
const LANCZOS = [
  0.9999999999998099, 676.5203681218851, -1259.1392167224028, 771.3234287776531, -176.6150291621406, 12.507343278686905,
  -0.13857109526572012, 0.000009984369578019572, 1.5056327351493116e-7,
] as const;

/** ln Γ(x) for x ≥ 0.5. */
function logGamma(x: number): number {
  const shifted = x - 1;
  let series: number = LANCZOS[0];
  for (let i = 1; i < LANCZOS.length; i++) series += LANCZOS[i]! / (shifted + i);
  const base = shifted + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(series);
}

function requireDegrees(degreesOfFreedom: number): void {
  if (!(degreesOfFreedom >= 1)) {
    throw new InputError(`t distribution: expected at least 1 degree of freedom, got ${degreesOfFreedom}`);
  }
}
