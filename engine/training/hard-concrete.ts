/**
 * Learned masks: hard concrete variables, which are exactly 0 or 1 with some probability and differentiable in between.
 * Louizos, Welling & Kingma 2018, https://arxiv.org/abs/1712.01312, equations 10 to 13, u uniform:
 *   s = σ((ln u − ln(1 − u) + α) / β),  z = min(1, max(0, s (ζ − γ) + γ)),  P(z > 0) = σ(α − β ln(−γ / ζ))
 * After training the mask without noise is min(1, max(0, σ(α) (ζ − γ) + γ)).
 */
import { createRandom } from '../../numerics/tensor/random.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { FeedSource } from './feed-source.ts';
import type { GraphWriter } from './graph-writer.ts';

/** The values in the paper's experiments. */
const [BETA, GAMMA, ZETA] = [2 / 3, -0.1, 1.1];
const SHIFT = -BETA * Math.log(-GAMMA / ZETA);

/** Adds z from α and the noise ln u − ln(1 − u), all of the same shape, to the graph. */
export function hardConcrete(w: GraphWriter, alpha: string, noise: string): string {
  const s = w.sigmoid(w.mul(w.add(noise, alpha), w.scalar(1 / BETA)));
  const stretched = w.add(w.mul(s, w.scalar(ZETA - GAMMA)), w.scalar(GAMMA));
  return w.clip(stretched, { min: w.scalar(0), max: w.scalar(1) });
}

/** Adds P(z > 0) to the graph. */
export const openProbability = (w: GraphWriter, alpha: string): string => w.sigmoid(w.add(alpha, w.scalar(SHIFT)));

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** P(z > 0). */
export const openProbabilityOf = (alpha: number): number => sigmoid(alpha + SHIFT);

/** The mask after training. */
export const maskOf = (alpha: number): number => Math.min(1, Math.max(0, sigmoid(alpha) * (ZETA - GAMMA) + GAMMA));

/** ln u − ln(1 − u) for every element of inputs of these shapes; a function of their names and the step only. */
export function logisticNoise(shapes: Readonly<Record<string, readonly number[]>>): FeedSource {
  return {
    shapes,
    at: (index) =>
      Object.fromEntries(
        Object.entries(shapes).map(([name, dims]) => {
          const random = createRandom(`${name}/${index}`);
          const noise = Float32Array.from({ length: elementCount(dims) }, () => {
            const u = (random.integer(2 ** 24) + 0.5) / 2 ** 24;
            return Math.log(u) - Math.log(1 - u);
          });
          return [name, tensorOf('float32', dims, noise)];
        }),
      ),
  };
}
