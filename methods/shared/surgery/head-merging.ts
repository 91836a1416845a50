/**
 * Converts attention to grouped-query attention: each group of key-value heads becomes one head that serves all their
 * query heads.
 * Ainslie et al. 2023, https://arxiv.org/abs/2305.13245, section 2.1 and figure 1.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../engine/model/model.ts';
import { withGraph } from '../../../numerics/onnx/edit.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import { withHeadCounts } from './attention.ts';
import { biasOf, restructured, withFloats } from './structure.ts';

export const mergeParameters = {
  merged: v.pipe(
    v.union([v.pipe(v.number(), v.integer(), v.minValue(2)), v.literal('all')]),
    v.description('Key-value heads merged into one; merging all heads of a layer gives multi-query attention.'),
  ),
  by: v.optional(
    v.pipe(
      v.picklist(['mean', 'first', 'random']),
      v.description('The new head is the mean of the old ones, the first of them or a random one of them.'),
    ),
    'mean',
  ),
} as const;

export interface Merging {
  readonly merged: number | 'all';
  readonly by: 'mean' | 'first' | 'random';
}

/**
 * The model with its key-value heads merged in every layer and k and v smaller accordingly. Throws UnsupportedError
 * where the heads of a layer cannot be divided into groups of this size.
 */
export function mergeHeads(model: Model, { merged, by, random }: Merging & { readonly random: Random }): Model {
  const { roles } = model;
  const counts = roles.layers.map((layer) => {
    const { heads, keyValueHeads } = headsOfLayer(roles, layer);
    const size = merged === 'all' ? keyValueHeads : merged;
    if (keyValueHeads === 1 || keyValueHeads % size !== 0) {
      throw new UnsupportedError(
        `${model.id}: ${layer.k.role} has ${keyValueHeads} key-value heads, which cannot be merged by ${size}; ` +
          'the size of a group must divide their number, and there must be more than one',
      );
    }
    return { heads, keyValueHeads: keyValueHeads / size, size };
  });
  let { graph } = withHeadCounts(model, counts);
  const layers = roles.layers.map((layer, index) => {
    const { headWidth } = headsOfLayer(roles, layer);
    const { heads, keyValueHeads, size } = counts[index]!;
    // The keys and values of a group come from the same heads.
    const chosen = chooser(by, size, random.fork(layer.k.role));
    const groups = Array.from({ length: keyValueHeads }, (_, group) => chosen().map((head) => group * size + head));
    const merge = (linear: LinearRole): LinearRole => {
      const outFeatures = keyValueHeads * headWidth;
      const weight = pool(model.weight(linear), { groups, headWidth, rows: linear.inFeatures });
      graph = withFloats(graph, linear.weight, [linear.inFeatures, outFeatures], weight);
      if (linear.bias !== undefined) {
        const bias = pool(biasOf(model, linear), { groups, headWidth, rows: 1 });
        graph = withFloats(graph, linear.bias, [outFeatures], bias);
      }
      return { ...linear, outFeatures };
    };
    return { ...layer, heads, keyValueHeads, k: merge(layer.k), v: merge(layer.v) };
  });
  return restructured(model, withGraph(model.onnx, graph), layers);
}

/** The heads whose mean each new head is, group by group. */
function chooser(by: Merging['by'], size: number, random: Random): () => readonly number[] {
  if (by === 'first') return () => [0];
  if (by === 'random') return () => [random.integer(size)];
  return () => Array.from({ length: size }, (_, at) => at);
}

interface Pooling {
  /** For each new head, the heads whose mean it is. */
  readonly groups: readonly (readonly number[])[];
  readonly headWidth: number;
  readonly rows: number;
}

/** Mean of the heads' columns, [rows, heads · headWidth] → [rows, groups · headWidth]. */
export function pool(weight: Float32Array, { groups, headWidth, rows }: Pooling): Float32Array {
  const [before, after] = [weight.length / rows, groups.length * headWidth];
  const pooled = new Float32Array(rows * after);
  for (let row = 0; row < rows; row++) {
    for (const [group, heads] of groups.entries()) {
      for (let at = 0; at < headWidth; at++) {
        let sum = 0;
        for (const head of heads) sum += weight[row * before + head * headWidth + at]!;
        pooled[row * after + group * headWidth + at] = sum / heads.length;
      }
    }
  }
  return pooled;
}
