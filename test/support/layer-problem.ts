/** A linear layer and the second moment of its inputs, for tests of methods that minimise a layer's error. */
import { createRandom } from '../../numerics/tensor/random.ts';

export interface LayerProblem {
  /** [in, out] */
  readonly weight: Float32Array;
  /** Σ x xᵀ, [in, in] */
  readonly moment: Float64Array;
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** Gaussian weights; inputs mixed from a few sources of falling strength, so that they are correlated. */
export function layerProblem(options: {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly rows?: number;
  readonly seed?: string;
  readonly dead?: readonly number[];
}): LayerProblem {
  const { inFeatures, outFeatures, rows = 4 * inFeatures, seed = 'layer', dead = [] } = options;
  const random = createRandom(`${seed} ${inFeatures}x${outFeatures}`);
  const mixing = Float64Array.from(
    { length: inFeatures * inFeatures },
    (_, at) => random.normal() / (1 + (at % inFeatures) / 4),
  );
  const moment = new Float64Array(inFeatures * inFeatures);
  for (let row = 0; row < rows; row++) {
    const sources = Float64Array.from({ length: inFeatures }, () => random.normal());
    const x = Float64Array.from({ length: inFeatures }, (_, i) => {
      if (dead.includes(i)) return 0;
      let sum = 0.1 * random.normal();
      for (let k = 0; k < inFeatures; k++) sum += mixing[i * inFeatures + k]! * sources[k]!;
      return sum;
    });
    for (let i = 0; i < inFeatures; i++) {
      for (let j = 0; j < inFeatures; j++) moment[i * inFeatures + j]! += x[i]! * x[j]!;
    }
  }
  const weight = Float32Array.from({ length: inFeatures * outFeatures }, () => random.normal());
  return { weight, moment, inFeatures, outFeatures };
}

/** ‖X (W - other)‖² over all rows of X. */
export function layerError({ weight, moment, inFeatures, outFeatures }: LayerProblem, other: Float32Array): number {
  let error = 0;
  for (let out = 0; out < outFeatures; out++) {
    const difference = Float64Array.from(
      { length: inFeatures },
      (_, i) => weight[i * outFeatures + out]! - other[i * outFeatures + out]!,
    );
    for (let i = 0; i < inFeatures; i++) {
      for (let j = 0; j < inFeatures; j++) error += difference[i]! * moment[i * inFeatures + j]! * difference[j]!;
    }
  }
  return error;
}

/**
 * The sweep of Optimal Brain Surgeon as OBQ writes it down, in the plainest way: after each input the inverse moment of the
 * remaining ones is updated by Gaussian elimination. Frantar et al. 2022, https://arxiv.org/abs/2208.11580, equations 2 to 4.
 *   w -= (w_i - settled_i) / [H⁻¹]_ii · H⁻¹_:,i,   H⁻¹ -= H⁻¹_:,i H⁻¹_i,: / [H⁻¹]_ii
 */
export function plainSweep(
  problem: LayerProblem,
  options: {
    readonly damping: number;
    readonly order?: readonly number[];
    readonly enter?: (step: number, weight: Float64Array, inverse: Float64Array) => void;
    readonly settle: (feature: number, weight: Float64Array) => ArrayLike<number>;
  },
): Float64Array {
  const { inFeatures: n, outFeatures } = problem;
  const weight = Float64Array.from(problem.weight);
  const damped = problem.moment.slice();
  for (let i = 0; i < n; i++) {
    if (damped[i * (n + 1)] !== 0) continue;
    damped[i * (n + 1)] = 1;
    weight.fill(0, i * outFeatures, (i + 1) * outFeatures);
  }
  let trace = 0;
  for (let i = 0; i < n; i++) trace += damped[i * (n + 1)]!;
  for (let i = 0; i < n; i++) damped[i * (n + 1)]! += (options.damping * trace) / n;
  const inverse = gaussJordanInverse(damped, n);
  for (let step = 0; step < n; step++) {
    const i = options.order?.[step] ?? step;
    options.enter?.(step, weight, inverse);
    const settled = options.settle(i, weight);
    const pivot = inverse[i * (n + 1)]!;
    for (let out = 0; out < outFeatures; out++) {
      const error = (weight[i * outFeatures + out]! - settled[out]!) / pivot;
      for (let j = 0; j < n; j++) weight[j * outFeatures + out]! -= inverse[j * n + i]! * error;
      weight[i * outFeatures + out] = settled[out]!;
    }
    const column = Float64Array.from({ length: n }, (_, j) => inverse[j * n + i]!);
    for (let j = 0; j < n; j++) {
      for (let k = 0; k < n; k++) inverse[j * n + k]! -= (column[j]! * column[k]!) / pivot;
    }
    // Exactly out of the game, rounding or not.
    for (let j = 0; j < n; j++) inverse[j * n + i] = inverse[i * n + j] = 0;
  }
  return weight;
}

function gaussJordanInverse(matrix: Float64Array, n: number): Float64Array {
  const a = matrix.slice();
  const inverse = Float64Array.from({ length: n * n }, (_, at) => (at % (n + 1) === 0 ? 1 : 0));
  for (let i = 0; i < n; i++) {
    const pivot = a[i * (n + 1)]!;
    for (let k = 0; k < n; k++) {
      a[i * n + k]! /= pivot;
      inverse[i * n + k]! /= pivot;
    }
    for (let j = 0; j < n; j++) {
      const factor = a[j * n + i]!;
      if (j === i || factor === 0) continue;
      for (let k = 0; k < n; k++) {
        a[j * n + k]! -= factor * a[i * n + k]!;
        inverse[j * n + k]! -= factor * inverse[i * n + k]!;
      }
    }
  }
  return inverse;
}
