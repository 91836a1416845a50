/**
 * Narrower feed-forward blocks by interpolative decomposition: some neurons are kept, and each removed neuron is
 * replaced by the linear combination of kept neurons that is nearest to it on calibration data.
 * Chee, Flynn, Damle & De Sa 2022, "Model Preserving Compression for Neural Networks", section 3, with Z the hidden
 * states:
 *   Z ≈ Z_S T,   S the first pivots of a column-pivoted QR of Z,   T = argmin ‖Z − Z_S T‖,   W_down ← T W_down
 * Differs from the paper: pivots and T are computed from G = ZᵀZ (the pivots of its Cholesky factorisation are those of
 * the QR of Z), whose size depends on the layer and not on the amount of data; every layer gets the same width; Z comes
 * from the unpruned model.
 */
import * as v from 'valibot';
import { secondMoments } from '../../engine/calibrate/second-moments.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { matmul } from '../../engine/runtime/linear-algebra.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { rebuiltWeight } from '../shared/solvers/rebuilt-weight.ts';
import { countUnits, keepUnits } from '../shared/surgery/structure.ts';

export default defineMethod({
  id: 'ffn-slice',
  family: 'architecture',
  access: 'calibrated',
  revision: 2,
  description:
    'Makes every feed-forward block narrower: some neurons stay, and each removed neuron is replaced by the linear combination of those that approximates it best on calibration data. ' +
    'Attention is unchanged. The file, the memory and the time all shrink. ' +
    'The variants -cut (no merging) and -random (no merging, random neurons) are controls.',
  paper: {
    title: 'Model Preserving Compression for Neural Networks',
    authors: 'Jerry Chee, Megan Flynn, Anil Damle, Christopher De Sa',
    year: 2022,
    url: 'https://papers.neurips.cc/paper_files/paper/2022/hash/f8928b073ccbec15d35f2a9d39430bfd-Abstract-Conference.html',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    width: v.pipe(
      v.number(),
      v.gtValue(0),
      v.ltValue(1),
      v.description('Share of the neurons of each feed-forward block that stay, rounded to whole ones: at least one.'),
    ),
    neurons: v.optional(
      v.pipe(
        v.picklist(['pivots', 'random']),
        v.description('Neurons that stay: the pivots of the Cholesky decomposition, or random ones.'),
      ),
      'pivots',
    ),
    merge: v.optional(v.pipe(v.boolean(), v.description('Merge the removed neurons into those that stay.')), true),
  }),
  variants: {
    w90: { width: 0.9 },
    w75: { width: 0.75 },
    w50: { width: 0.5 },
    w25: { width: 0.25 },
    'w75-cut': { width: 0.75, merge: false },
    'w50-cut': { width: 0.5, merge: false },
    'w75-random': { width: 0.75, neurons: 'random', merge: false },
    'w50-random': { width: 0.5, neurons: 'random', merge: false },
  },

  async compress(model, { params, calibration: { examples }, random, signal, progress }) {
    const downs = model.roles.layers.map(({ down }) => down);
    const moments = await secondMoments({ model, examples, linears: downs, signal });
    const counts = countUnits(model);
    const kept: { readonly heads: readonly number[]; readonly neurons: readonly number[] }[] = [];
    let merged: Model = model;
    for (const [index, down] of downs.entries()) {
      signal.throwIfAborted();
      const { heads, neurons: size } = counts[index]!;
      const { sum: gram } = moments.get(down.role) as NonNullable<ReturnType<typeof moments.get>>;
      const keep = Math.max(1, Math.round(params.width * size));
      const neurons =
        params.neurons === 'random'
          ? random
              .fork(down.role)
              .shuffle([...Array(size).keys()])
              .slice(0, keep)
              .sort((a, b) => a - b)
          : pivots(gram, size, keep);
      if (params.merge) {
        const weight = await interpolated(model.weight(down), { gram, size, kept: neurons });
        merged = merged.withWeight(down, tensorOf('float32', [size, down.outFeatures], weight));
      }
      kept.push({ heads: [...Array(heads).keys()], neurons });
      progress((index + 1) / downs.length);
    }
    return keepUnits(merged, kept);
  },
});

/**
 * The first `count` pivots, ascending, of G = ZᵀZ [size, size]: each pivot is the neuron with the largest residual
 * after projection onto the neurons chosen before.
 */
export function pivots(gram: Float64Array, size: number, count: number): readonly number[] {
  const left = Float64Array.from({ length: size }, (_, i) => gram[i * (size + 1)]!);
  const factor: Float64Array[] = []; // columns of the Cholesky factor
  const chosen = new Set<number>();
  for (let step = 0; step < count; step++) {
    let pivot = -1;
    for (let i = 0; i < size; i++) if (!chosen.has(i) && (pivot < 0 || left[i]! > left[pivot]!)) pivot = i;
    chosen.add(pivot);
    const root = Math.sqrt(left[pivot]!);
    if (!(root > 0)) continue; // All others are linear combinations: any will do.
    const column = Float64Array.from({ length: size }, (_, i) => {
      let rest = gram[i * size + pivot]!;
      for (const earlier of factor) rest -= earlier[i]! * earlier[pivot]!;
      return rest / root;
    });
    factor.push(column);
    for (let i = 0; i < size; i++) left[i]! -= column[i]! ** 2;
  }
  return [...chosen].sort((a, b) => a - b);
}

interface Interpolation {
  /** G = ZᵀZ, [size, size] */
  readonly gram: Float64Array;
  readonly size: number;
  /** Indices of the kept neurons. */
  readonly kept: readonly number[];
}

/**
 * The weight [size, out] with T W in the rows of the kept neurons. T W = argmin ‖Z_S X − Z W‖ is solved without forming
 * T.
 */
export async function interpolated(weight: Float32Array, { gram, size, kept }: Interpolation): Promise<Float32Array> {
  const outFeatures = weight.length / size;
  const rows = new Float64Array(kept.length * size); // G_S, [kept, size]
  const moment = new Float64Array(kept.length ** 2); // G_SS
  const old = new Float64Array(kept.length * outFeatures);
  for (const [i, neuron] of kept.entries()) {
    rows.set(gram.subarray(neuron * size, (neuron + 1) * size), i * size);
    for (const [j, other] of kept.entries()) moment[i * kept.length + j] = gram[neuron * size + other]!;
    old.set(weight.subarray(neuron * outFeatures, (neuron + 1) * outFeatures), i * outFeatures);
  }
  const right = Float64Array.from(weight);
  const cross = await matmul({ left: rows, right, rows: kept.length, inner: size, columns: outFeatures });
  const found = await rebuiltWeight({ weight: old, moment, cross, inFeatures: kept.length, outFeatures });
  const merged = weight.slice();
  for (const [i, neuron] of kept.entries())
    merged.set(found.subarray(i * outFeatures, (i + 1) * outFeatures), neuron * outFeatures);
  return merged;
}
