/**
 * Intervals and tests of a figure whose variance is a sum of parts, each estimated with its own degrees of freedom:
 * items drawn from a task, seeds drawn by a method. The half-width of an interval is √Σ tₖ² sₖ², with tₖ the t quantile
 * of part k (Banerjee 1960, Sankhyā 22, 319-358): for normal figures it covers at least at the stated level, whatever
 * the true parts are. Satterthwaite's degrees of freedom do not: PROTOCOL.md has the simulation
 * (`scripts/simulate-seeds.ts`).
 */
import { InputError } from '../../contracts/errors.ts';
import { type Interval, normalCdf, normalQuantile } from './statistics.ts';
import { studentCdf, studentQuantile } from './t-distribution.ts';

export interface VarianceComponent {
  /** Variance of the figure itself, not of one observation. */
  readonly variance: number;
  /** At least 1; Infinity where the variance is known. */
  readonly degreesOfFreedom: number;
}

/** A figure with the parts of its variance; without parts it is exact. */
export interface UncertainFigure {
  readonly value: number;
  readonly components: readonly VarianceComponent[];
}

export function intervalOf({ value, components }: UncertainFigure, confidence: number): Interval {
  const half = Math.sqrt(squaredHalfWidth(components, (1 - confidence) / 2));
  return { value, low: value - half, high: value + half };
}

/** Two-sided p-value of the hypothesis that the true figure is `hypothesis`. */
export function twoSidedPValue(figure: UncertainFigure, hypothesis = 0): number {
  if (figure.value === hypothesis) return 1;
  return Math.min(1, 2 * tailProbability(figure.components, Math.abs(figure.value - hypothesis)));
}

/**
 * One-sided p-value of the hypothesis that the true figure is at or above `bound`: small where it is significantly
 * below.
 */
export function belowPValue({ value, components }: UncertainFigure, bound: number): number {
  const tail = tailProbability(components, Math.abs(value - bound));
  if (value === bound) return components.some(({ variance }) => variance > 0) ? 0.5 : 1;
  return value < bound ? tail : 1 - tail;
}

/**
 * One-sided p-value of the hypothesis that the true figure is at or below `bound`: small where it is significantly
 * above.
 */
export function abovePValue({ value, components }: UncertainFigure, bound: number): number {
  return belowPValue({ value: -value, components }, -bound);
}

/** Welch & Satterthwaite's degrees of freedom of a sum: for parts of one kind, such as the seeds of two methods. */
export function sumOfComponents(parts: readonly VarianceComponent[]): VarianceComponent {
  const variance = parts.reduce((sum, part) => sum + part.variance, 0);
  const least = Math.min(Infinity, ...parts.map(({ degreesOfFreedom }) => degreesOfFreedom));
  if (variance === 0) return { variance, degreesOfFreedom: least };
  const shares = parts.reduce((sum, part) => sum + (part.variance / variance) ** 2 / part.degreesOfFreedom, 0);
  return { variance, degreesOfFreedom: Math.max(least, 1 / shares) };
}

function squaredHalfWidth(components: readonly VarianceComponent[], tail: number): number {
  return components.reduce((sum, { variance, degreesOfFreedom }) => {
    if (!(variance >= 0)) throw new InputError(`variance component: expected a variance from 0 up, got ${variance}`);
    return variance === 0 ? sum : sum + variance * studentQuantile(tail, degreesOfFreedom) ** 2;
  }, 0);
}

/** The probability in each tail at which the half-width equals `distance`: 0.5 at a distance of 0. */
function tailProbability(components: readonly VarianceComponent[], distance: number): number {
  const parts = components.filter(({ variance }) => variance !== 0);
  const [only] = parts;
  if (!only) return 0;
  if (distance === 0) return 0.5;
  if (parts.length === 1) return studentCdf(-distance / Math.sqrt(only.variance), only.degreesOfFreedom);
  // Solved for the normal quantile z on the logarithm of the half-width. With the variance of all parts, the largest
  // number of degrees of freedom gives an upper bound of z, the smallest a lower bound.
  const scaled = -distance / Math.sqrt(parts.reduce((sum, { variance }) => sum + variance, 0));
  const degrees = parts.map(({ degreesOfFreedom }) => degreesOfFreedom);
  const zAt = (freedom: number) => -normalQuantile(Math.max(Number.MIN_VALUE, studentCdf(scaled, freedom)));
  const excess = (z: number) => Math.log(squaredHalfWidth(parts, normalCdf(-z)) / distance ** 2);
  return normalCdf(-rootOf(excess, { low: zAt(Math.min(...degrees)), high: zAt(Math.max(...degrees)) }));
}

/** The root of an increasing function by false position (Illinois rule). */
function rootOf(rising: (z: number) => number, bounds: { readonly low: number; readonly high: number }): number {
  let { low, high } = bounds;
  let [below, above] = [rising(low), rising(high)];
  for (let step = 0; step < MOST_STEPS && below < 0 && above > 0; step++) {
    const z = low - (below * (high - low)) / (above - below);
    const found = rising(z);
    if (Math.abs(found) < PRECISION || z <= low || z >= high) return z;
    if (found > 0) {
      [high, above] = [z, found];
      below /= 2;
    } else {
      [low, below] = [z, found];
      above /= 2;
    }
  }
  return below >= 0 ? low : high;
}

const MOST_STEPS = 100;
/** Tolerance of the logarithm of the half-width. */
const PRECISION = 1e-9;
