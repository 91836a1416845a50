/**
 * Weight sharing by clustering: all weights of a matrix, of a layer or of the whole model take one of a few common
 * values.
 * Han, Mao & Dally 2016 (Deep Compression), https://arxiv.org/abs/1510.00149, section 3: k-means whose centres are
 * initially evenly spaced between the smallest and largest weight, so that the few large weights get their own values.
 * Differs from the paper: values are not retrained, and nothing is pruned first; its Huffman coding is left to the
 * compression of the artifact. The paper has one table per matrix; here several matrices may share one.
 * The method kmeans differs: its tables belong to one output or matrix and its errors are weighted by inputs.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { redirectValue, removeDeadCode } from '../../numerics/onnx/edit.ts';
import { elements, type NumericTensor, rawTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { nearestLevel } from '../shared/formats/nearest-level.ts';

export default defineMethod({
  id: 'weight-clustering',
  family: 'sharing',
  access: 'data-free',
  revision: 2,
  description:
    'Sorts the weights of a matrix, a layer or the whole model into a few clusters and stores for each weight the number of its cluster, and the clusters’ values once. ' +
    'The clusters depend on the weights alone; no data is used. ' +
    'It saves file size, not memory or time: the weights are looked up when the model is loaded.',
  paper: {
    title: 'Deep Compression: Compressing Deep Neural Networks with Pruning, Trained Quantization and Huffman Coding',
    authors: 'Song Han, Huizi Mao, William J. Dally',
    year: 2016,
    url: 'https://arxiv.org/abs/1510.00149',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    clusters: v.pipe(v.number(), v.integer(), v.minValue(2), v.maxValue(256), v.description('Number of clusters.')),
    share: v.optional(
      v.pipe(v.picklist(['matrix', 'layer', 'model']), v.description('Whose weights share the values.')),
      'matrix',
    ),
    embedding: v.optional(
      v.pipe(v.boolean(), v.description('Whether the token embedding is clustered too, with values of its own.')),
      false,
    ),
  }),
  variants: {
    k256: { clusters: 256 },
    'k256-model': { clusters: 256, share: 'model' },
    'k64-model': { clusters: 64, share: 'model' },
    k16: { clusters: 16 },
    'k16-layer': { clusters: 16, share: 'layer' },
    'k16-model': { clusters: 16, share: 'model' },
    'k16-embedding': { clusters: 16, embedding: true },
    k8: { clusters: 8 },
  },

  compress(model, { params, signal, note, progress }) {
    const groups = sharingGroups(model, params);
    const w = extendModel(model.onnx, 'clusters/');
    const lookedUp = new Map<string, string>();
    for (const [index, names] of groups.entries()) {
      signal.throwIfAborted();
      const weights = names.map((name) => elements(w.tensor(name), 'float32'));
      const centres = clusterCentres(weights, params.clusters);
      const book = w.initializer(`${names[0]}.book`, tensorOf('float32', [centres.length], centres));
      for (const [at, name] of names.entries()) {
        const codes = packCodes(codesOf(weights[at] as Float32Array, centres), w.tensor(name).dims, params.clusters);
        const stored = w.initializer(`${name}.codes`, codes);
        lookedUp.set(name, w.gather(book, w.cast(stored, { to: 'int32' })));
      }
      progress((index + 1) / groups.length);
    }
    note('weights are looked up when the model is loaded: resident memory and speed are those of the dense model');
    const written = w.finish();
    let { graph } = written;
    for (const [name, value] of lookedUp) graph = redirectValue(graph, name, value);
    return model.withOnnx({ ...written, graph: removeDeadCode(graph) });
  },
});

/** Names of the weights that share a table, group by group. */
function sharingGroups(
  { roles, linears }: Model,
  { share, embedding }: { readonly share: 'matrix' | 'layer' | 'model'; readonly embedding: boolean },
): readonly (readonly string[])[] {
  const layerOf = ({ role }: { readonly role: string }) =>
    roles.layers.findIndex((layer) =>
      Object.values(layer).some((part) => typeof part === 'object' && part.role === role),
    );
  const groups = Map.groupBy(linears, (linear) => ({ matrix: linear.role, layer: layerOf(linear), model: 0 })[share]);
  const weights = [...groups.values()].map((group) => group.map(({ weight }) => weight));
  return embedding ? [...weights, [roles.embedding.weight]] : weights;
}

/**
 * A round never increases the sum of squared distances to the nearest centres; iteration ends when it no longer falls.
 */
const MOST_ROUNDS = 1000;

/** Lloyd's algorithm on all the weights together: the centres, ascending, [clusters]. */
export function clusterCentres(weights: readonly Float32Array[], clusters: number): Float32Array {
  const sorted = new Float32Array(weights.reduce((count, weight) => count + weight.length, 0));
  let filled = 0;
  for (const weight of weights) {
    sorted.set(weight, filled);
    filled += weight.length;
  }
  sorted.sort();
  const sums = new Float64Array(sorted.length + 1);
  sorted.forEach((value, at) => (sums[at + 1] = sums[at]! + value));
  const [least = 0, largest = 0] = [sorted[0], sorted.at(-1)];
  let centres: Float32Array = Float32Array.from(
    { length: clusters },
    (_, k) => least + ((largest - least) * k) / (clusters - 1),
  );
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const next = nextCentres({ sorted, sums, centres });
    if (next.every((centre, k) => centre === centres[k])) break;
    centres = next;
  }
  return centres;
}

/**
 * The mean of the values nearest to each centre; a centre without values stays. `sums`: of the first n sorted values,
 * by n.
 */
function nextCentres({
  sorted,
  sums,
  centres,
}: {
  readonly sorted: Float32Array;
  readonly sums: Float64Array;
  readonly centres: Float32Array;
}): Float32Array {
  const next = centres.slice();
  let first = 0;
  for (let k = 0; k < centres.length; k++) {
    const end = k + 1 < centres.length ? firstAbove(sorted, (centres[k]! + centres[k + 1]!) / 2) : sorted.length;
    if (end > first) next[k] = (sums[end]! - sums[first]!) / (end - first);
    first = Math.max(first, end);
  }
  return next;
}

/** Number of the ascending values that are at most `bound`. */
function firstAbove(sorted: Float32Array, bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! <= bound) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the nearest of the ascending centres, for each weight. */
export function codesOf(weight: Float32Array, centres: Float32Array): Uint8Array {
  return Uint8Array.from(weight, (value) => nearestLevel(centres, value));
}

/** Packs two codes into a byte, the first in the low half, where there are at most sixteen. */
function packCodes(codes: Uint8Array, dims: readonly number[], clusters: number): NumericTensor {
  if (clusters > 16) return tensorOf('uint8', dims, codes);
  const bytes = Uint8Array.from(
    { length: Math.ceil(codes.length / 2) },
    (_, at) => codes[2 * at]! | ((codes[2 * at + 1] ?? 0) << 4),
  );
  return rawTensor('uint4', dims, bytes);
}
