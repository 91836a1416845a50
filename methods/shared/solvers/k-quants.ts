/**
 * The searches of llama.cpp's K-quants: scales and minima of blocks that minimize a weighted squared error, and scales
 * and minima stored in few bits with one factor for several blocks. ggml/src/ggml-quants.c of
 * https://github.com/ggml-org/llama.cpp: make_qkx3_quants, make_qp_quants, make_qx_quants, all with weights. Arithmetic
 * is in float64 here and in float32 there.
 */
import { roundHalfToEven } from '../formats/round-half-to-even.ts';

export interface Fitted {
  readonly scale: number;
  /** The subtracted minimum; not negative. */
  readonly min: number;
}

const clamp = (value: number, low: number, high: number) => (value < low ? low : value > high ? high : value);

/**
 * x ≈ scale · l − min with l from 0 to `top`: the best of 37 step sizes, each with the least-squares scale and minimum
 * of its codes.
 */
export function fitWithMinimum(x: Float64Array, weights: Float64Array, top: number): Fitted {
  let [low, high, sumW, sumX] = [0, -Infinity, 0, 0];
  for (let i = 0; i < x.length; i++) {
    low = Math.min(low, x[i]!);
    high = Math.max(high, x[i]!);
    sumW += weights[i]!;
    sumX += weights[i]! * x[i]!;
  }
  if (high <= low) return { scale: 0, min: -low };
  const codes = new Float64Array(x.length);
  const fill = (inverse: number) => {
    for (let i = 0; i < x.length; i++) codes[i] = clamp(roundHalfToEven(inverse * (x[i]! - low)), 0, top);
  };
  const errorOf = (scale: number, offset: number) => {
    let sum = 0;
    for (let i = 0; i < x.length; i++) sum += weights[i]! * (scale * codes[i]! + offset - x[i]!) ** 2;
    return sum;
  };
  fill(top / (high - low));
  let best = { scale: (high - low) / top, offset: low, error: errorOf((high - low) / top, low) };
  for (let step = 0; step <= 36; step++) {
    fill((-0.9 + 0.05 * step + top) / (high - low));
    let [sumL, sumLl, sumXl] = [0, 0, 0];
    for (let i = 0; i < x.length; i++) {
      sumL += weights[i]! * codes[i]!;
      sumLl += weights[i]! * codes[i]! ** 2;
      sumXl += weights[i]! * codes[i]! * x[i]!;
    }
    const determinant = sumW * sumLl - sumL * sumL;
    if (!(determinant > 0)) continue;
    let scale = (sumW * sumXl - sumX * sumL) / determinant;
    let offset = (sumLl * sumX - sumL * sumXl) / determinant;
    if (offset > 0) [scale, offset] = [sumXl / sumLl, 0];
    const error = errorOf(scale, offset);
    if (error < best.error) best = { scale, offset, error };
  }
  return { scale: best.scale, min: -best.offset };
}

export interface Coded {
  readonly scale: number;
  readonly codes: readonly number[];
}

/** x ≈ scale · l with l from 0 to `top`, for non-negative x. */
export function fitPositive(x: readonly number[], weights: readonly number[], top: number): Coded {
  const largest = Math.max(...x);
  if (!(largest > 0)) return { scale: 0, codes: x.map(() => 0) };
  const codesAt = (inverse: number) => x.map((value) => Math.min(top, roundHalfToEven(inverse * value)));
  const errorAt = (inverse: number) =>
    codesAt(inverse).reduce((sum, code, i) => sum + weights[i]! * (x[i]! - code / inverse) ** 2, 0);
  let inverse = top / largest;
  let least = errorAt(inverse);
  for (let step = -4; step <= 4; step++) {
    const tried = (0.1 * step + top) / largest;
    const error = errorAt(tried);
    if (step !== 0 && error < least) [least, inverse] = [error, tried];
  }
  const codes = codesAt(inverse);
  const sum = (of: (code: number, i: number) => number) =>
    codes.reduce((total, code, i) => total + weights[i]! * of(code, i), 0);
  let sumXl = sum((code, i) => code * x[i]!);
  let sumLl = sum((code) => code * code);
  for (let round = 0; round < 5; round++) {
    let changed = false;
    for (const [i, value] of x.entries()) {
      const [weight, code] = [weights[i]!, codes[i]!];
      let [xl, ll] = [sumXl - weight * value * code, sumLl - weight * code * code];
      if (!(xl > 0 && ll > 0)) continue;
      const other = Math.min(top, roundHalfToEven((value * ll) / xl));
      if (other === code) continue;
      [xl, ll] = [xl + weight * value * other, ll + weight * other * other];
      if (xl * xl * sumLl <= sumXl * sumXl * ll) continue;
      [codes[i], sumXl, sumLl, changed] = [other, xl, ll, true];
    }
    if (!changed) break;
  }
  return { scale: sumLl > 0 ? sumXl / sumLl : 0, codes };
}

/** x ≈ scale · l with l from −top to top − 1. */
export function fitSigned(x: ArrayLike<number>, weights: ArrayLike<number>, top: number): Coded {
  let extreme = 0;
  for (let i = 0; i < x.length; i++) if (Math.abs(x[i]!) > Math.abs(extreme)) extreme = x[i]!;
  if (Math.abs(extreme) < 1e-15) return { scale: 0, codes: Array.from(x, () => 0) };
  let best = { scale: 0, gain: -Infinity, inverse: 0 };
  for (const step of [0, ...Array.from({ length: 19 }, (_, at) => at - 9).filter((at) => at !== 0)]) {
    const inverse = -(top + 0.1 * step) / extreme;
    let [sumXl, sumLl] = [0, 0];
    for (let i = 0; i < x.length; i++) {
      const code = clamp(roundHalfToEven(inverse * x[i]!), -top, top - 1);
      sumXl += weights[i]! * x[i]! * code;
      sumLl += weights[i]! * code * code;
    }
    if (sumLl > 0 && sumXl * sumXl > best.gain * sumLl)
      best = { scale: sumXl / sumLl, gain: (sumXl * sumXl) / sumLl, inverse };
  }
  return {
    scale: best.scale,
    codes: Array.from(x, (value) => clamp(roundHalfToEven(best.inverse * value), -top, top - 1)),
  };
}
