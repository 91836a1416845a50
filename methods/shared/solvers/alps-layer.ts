/**
 * ALPS on one layer: finds the sparse weight with the smallest output error by the alternating direction method of
 * multipliers, then the best values on its support. Meng et al. 2024, https://arxiv.org/abs/2406.07831, Algorithms 1
 * and 2; https://github.com/mazumder-lab/ALPS. With A the second moment of the inputs, damped and scaled to a diagonal
 * of ones, G = A W:
 *   B ← (A + ρ I)⁻¹ (G − V + ρ D),   D ← the largest of B + V / ρ,   V ← V + ρ (B − D)
 * ρ grows with the change of the support of D, checked at every third step. Scaling, initial values, steps of ρ and the
 * number of conjugate gradient steps are those of the authors' code. Differs from the paper: (A + ρ I)⁻¹ is computed
 * from a Cholesky factor, not from the eigenvalues of A.
 */
import { NumericalError } from '../../../contracts/errors.ts';
import { inverseCholesky, matmul } from '../../../engine/runtime/linear-algebra.ts';
import type { WeightShape } from '../formats/matmul-nbits.ts';
import { layerMask, type Mask, patternMask, type Sparsity } from './sparsity.ts';

export interface AlpsOptions extends WeightShape {
  /** [in, out] */
  readonly weight: Float32Array;
  /** Σ x xᵀ of the inputs, [in, in] */
  readonly moment: Float64Array;
  readonly sparsity: Sparsity;
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
  readonly signal?: AbortSignal;
}

const FIRST_RHO = 0.1;
const LARGEST_RHO = 1e6;
const MOST_STEPS = 300;
/** Steps between two checks of the support. */
const LOOK = 3;
/** After this many steps a support that hardly changes is final. */
const SETTLING_STEPS = 30;
const SETTLED_SHARE = 3e-4;
const GRADIENT_STEPS = 10;

/** The pruned weight, [in, out]. */
export async function alpsLayer(options: AlpsOptions): Promise<Float32Array> {
  const { weight, inFeatures, outFeatures } = options;
  const { a, scales } = normalized(options);
  const start = weight.map((value, at) => value * scales[Math.floor(at / outFeatures)]!);
  const shape = { rows: inFeatures, inner: inFeatures, columns: outFeatures };
  const a32 = Float32Array.from(a);
  const target = await matmul({ left: a32, right: start, ...shape });
  const b = await supportByMultipliers({ ...options, a, start, target });
  const best = await onSupport({ ...options, a: a32, target, b });
  return best.map((value, at) => value / scales[Math.floor(at / outFeatures)]!);
}

/** A, [in, in], and the scales of the inputs, [in]. */
function normalized({ moment, inFeatures: size, damping }: AlpsOptions): {
  readonly a: Float64Array;
  readonly scales: Float64Array;
} {
  const a = moment.slice();
  let trace = 0;
  for (let i = 0; i < size; i++) trace += a[i * (size + 1)]!;
  // Inputs that are always zero: their weights have no effect, so any choice is optimal.
  const added = trace === 0 ? 1 : (damping * trace) / size;
  for (let i = 0; i < size; i++) a[i * (size + 1)]! += added;
  const scales = Float64Array.from({ length: size }, (_, i) => Math.sqrt(a[i * (size + 1)]!) + 1e-8);
  for (let i = 0; i < size; i++) for (let j = 0; j < size; j++) a[i * size + j]! /= scales[i]! * scales[j]!;
  return { a, scales };
}

interface Problem extends AlpsOptions {
  readonly a: Float64Array;
  /** The scaled dense weight, [in, out]. */
  readonly start: Float32Array;
  /** G, [in, out] */
  readonly target: Float32Array;
}

/** B with all but its largest elements zero, [in, out]. */
async function supportByMultipliers(problem: Problem): Promise<Float32Array> {
  const { inFeatures, outFeatures, start, target, signal } = problem;
  const shape = { rows: inFeatures, inner: inFeatures, columns: outFeatures };
  let rho = FIRST_RHO;
  let inverse = await shiftedInverse(problem, rho);
  let b = start;
  let d = masked(start, largest(start, problem));
  let v = new Float32Array(start.length);
  let support = supportOf(d);
  let grown = false;
  for (let step = 1; step <= MOST_STEPS; step++) {
    signal?.throwIfAborted();
    const right = target.map((value, at) => value - v[at]! + rho * d[at]!);
    b = await matmul({ left: inverse, right, ...shape });
    const shifted = b.map((value, at) => value + v[at]! / rho);
    d = masked(shifted, largest(shifted, problem));
    for (let at = 0; at < v.length; at++) v[at]! += rho * (b[at]! - d[at]!);
    if (step % LOOK !== 0) continue;
    const now = supportOf(d);
    let changed = 0;
    for (let at = 0; at < now.length; at++) if (now[at] !== support[at]) changed++;
    const share = changed / now.reduce((sum, stays) => sum + stays, 0);
    support = now;
    if (share > 0.005) {
      grown = true;
      rho *= share > 0.1 ? 1.3 : 1.2;
    } else if (grown) {
      if (changed === 0) break;
      rho *= 1.1;
    } else {
      rho /= 5;
      // If the support has only begun to change, ρ was initially too large.
      if (changed > 0) [d, v] = [masked(start, largest(start, problem)), new Float32Array(start.length)];
    }
    rho = Math.min(rho, LARGEST_RHO);
    if (step > SETTLING_STEPS && share < SETTLED_SHARE) break;
    inverse = await shiftedInverse(problem, rho);
  }
  return masked(b, largest(b, problem));
}

/** (A + ρ I)⁻¹, [in, in] */
async function shiftedInverse({ a, inFeatures: size, where }: Problem, rho: number): Promise<Float32Array> {
  const shifted = a.slice();
  for (let i = 0; i < size; i++) shifted[i * (size + 1)]! += rho;
  try {
    const left = await inverseCholesky(shifted, size);
    const shape = { rows: size, inner: size, columns: size, transposeLeft: true };
    return Float32Array.from(await matmul({ left, right: left, ...shape }));
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    throw new NumericalError(
      `second moment of the inputs of ${where} [${size}, ${size}] is not positive definite; raise params.damping or calibrate on more tokens`,
      { cause: error },
    );
  }
}

function largest(values: Float32Array, options: AlpsOptions): Mask {
  const { sparsity } = options;
  const scores = values.map((value) => value * value);
  return typeof sparsity === 'string' ? patternMask(scores, options, sparsity) : layerMask(scores, sparsity);
}

function masked(values: Float32Array, mask: Mask): Float32Array {
  return values.map((value, at) => (mask[at] === 0 ? 0 : value));
}

const supportOf = (values: Float32Array): Mask => Uint8Array.from(values, (value) => (value === 0 ? 0 : 1));

/** A few conjugate gradient steps on A B = G for each output separately; elements outside the support stay zero. */
async function onSupport(
  problem: WeightShape & {
    readonly a: Float32Array;
    readonly target: Float32Array;
    readonly b: Float32Array;
  },
): Promise<Float32Array> {
  const { a, target, inFeatures, outFeatures } = problem;
  const shape = { rows: inFeatures, inner: inFeatures, columns: outFeatures };
  const b = problem.b.slice();
  const support = supportOf(b);
  const residual = await matmul({ left: a, right: b, ...shape, base: target, subtract: true });
  for (let at = 0; at < residual.length; at++) residual[at]! *= support[at]!;
  const direction = residual.slice();
  let squares = columnProducts(residual, residual, outFeatures);
  for (let step = 0; step < GRADIENT_STEPS; step++) {
    const moved = await matmul({ left: a, right: direction, ...shape });
    const curvatures = columnProducts(direction, moved, outFeatures);
    const lengths = squares.map((square, out) => (curvatures[out] === 0 ? 0 : square / curvatures[out]!));
    for (let at = 0; at < b.length; at++) {
      const length = lengths[at % outFeatures]!;
      b[at]! += length * direction[at]!;
      residual[at] = (residual[at]! - length * moved[at]!) * support[at]!;
    }
    const after = columnProducts(residual, residual, outFeatures);
    const turns = after.map((square, out) => (squares[out] === 0 ? 0 : square / squares[out]!));
    for (let at = 0; at < b.length; at++) direction[at] = residual[at]! + turns[at % outFeatures]! * direction[at]!;
    squares = after;
  }
  return b;
}

/** Σ over rows of x ∘ y, [columns] */
function columnProducts(x: Float32Array, y: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  for (let at = 0; at < x.length; at++) sums[at % columns]! += x[at]! * y[at]!;
  return sums;
}
