/**
 * Replaces softmax attention by linear attention with fewer features than a head has, then trains the model further.
 * Kasai et al. 2021 (T2R), https://arxiv.org/abs/2103.13076: swap, then fine-tune, with a learned feature map
 *   φ(x) = relu(x W_φ + b_φ)
 * whose matrix is multiplied into the query and key projections and makes them smaller. The attention formula is in
 * methods/shared/surgery/linear-attention-graph.ts.
 * Differs from T2R: W_φ is merged before training, not after; it is initialized with the directions of a head in which
 * its queries and keys are largest; b_φ exists only where the projections have a bias. With rotary positions, which T2R
 * does not cover, W_φ initially selects the largest pairs of features, and relu is applied after the rotation.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { headsOfLayer } from '../../engine/model/model.ts';
import { symmetricEigen } from '../../numerics/tensor/linear-algebra.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { findAttention } from '../shared/surgery/attention.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { isRotary, type LinearAttention, withLinearAttention } from '../shared/surgery/linear-attention-graph.ts';

export default defineMethod({
  id: 'linear-attention',
  family: 'architecture',
  access: 'trained',
  revision: 2,
  description:
    'Replaces softmax attention by linear attention over learned features, fewer than the width of a head, and fine-tunes the network. ' +
    'Query and key matrices become smaller, and attention can be computed by running sums in time proportional to the length. ' +
    'The variant -sums uses running sums; the others use masked products, which are faster on short texts.',
  paper: {
    title: 'Finetuning Pretrained Transformers into RNNs',
    authors:
      'Jungo Kasai, Hao Peng, Yizhe Zhang, Dani Yogatama, Gabriel Ilharco, Nikolaos Pappas, Yi Mao, Weizhu Chen, Noah A. Smith',
    year: 2021,
    url: 'https://arxiv.org/abs/2103.13076',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    features: v.pipe(
      v.number(),
      v.gtValue(0),
      v.ltValue(1),
      v.description(
        'Features of φ as a share of the width of a head, rounded to a whole number of pairs, at least one.',
      ),
    ),
    form: v.optional(
      v.pipe(
        v.picklist(['products', 'sums']),
        v.description('How a decoder is computed: by masked products of queries and keys, or by running sums.'),
      ),
      'products',
    ),
    ...budgetParameters,
  }),
  variants: ladder({
    f50: { features: 0.5 },
    f25: { features: 0.25 },
    f75: { features: 0.75 },
    'f50-sums': { features: 0.5, form: 'sums' },
  }),

  async compress(model, context) {
    const { features, form } = context.params;
    const map = featureMaps(model, features);
    // Both forms compute the same function; products train faster.
    const swapped = withLinearAttention(model, { ...map, form: 'products' });
    context.note(
      `features per head: ${map.features} of ${headsOfLayer(model.roles, model.roles.layers[0]!).headWidth}`,
    );
    const { parameters } = await fineTune(context, { model, onnx: swapped.onnx });
    const shipped = form === 'products' ? swapped : withLinearAttention(model, { ...map, form });
    return shipped.withOnnx(withParameters(shipped.onnx, parameters));
  },
});

/** W_φ of every head: the orthonormal directions with the largest Σ (x q)² + Σ (x k)² for x of unit variance. */
export function featureMaps(model: Model, share: number): Omit<LinearAttention, 'form'> {
  const { layers } = model.roles;
  const { headWidth } = headsOfLayer(model.roles, layers[0]!);
  const features = Math.max(2, 2 * Math.round((share * headWidth) / 2));
  // For each key-value head: the Gram matrix [headWidth, headWidth] of its key and query columns.
  const grams = layers.map((layer) => {
    const { heads, keyValueHeads } = headsOfLayer(model.roles, layer);
    const [q, k] = [model.weight(layer.q), model.weight(layer.k)];
    return Array.from({ length: keyValueHeads }, (_, group) => {
      const gram = new Float64Array(headWidth * headWidth);
      addGram(gram, k, { rows: layer.k.inFeatures, heads: keyValueHeads, head: group });
      const served = heads / keyValueHeads;
      for (let head = group * served; head < (group + 1) * served; head++)
        addGram(gram, q, { rows: layer.q.inFeatures, heads, head });
      return gram;
    });
  });
  if (isRotary(findAttention(model, layers[0]!))) {
    const pairs = largestPairs(grams.flat(), headWidth, features / 2);
    const map = new Float64Array(headWidth * features);
    for (const [to, pair] of pairs.entries())
      for (const side of [0, 1]) map[(2 * pair + side) * features + 2 * to + side] = 1;
    return { features, pairs, maps: grams.map((groups) => groups.map(() => map)) };
  }
  return { features, maps: grams.map((groups) => groups.map((gram) => leading(gram, headWidth, features))) };
}

/** Adds WᵀW of the columns of one head, W: [rows, heads · headWidth]. */
function addGram(
  gram: Float64Array,
  weight: Float32Array,
  { rows, heads, head }: { readonly rows: number; readonly heads: number; readonly head: number },
): void {
  const width = Math.sqrt(gram.length);
  for (let row = 0; row < rows; row++) {
    const start = (row * heads + head) * width;
    for (let i = 0; i < width; i++)
      for (let j = 0; j < width; j++) gram[i * width + j]! += weight[start + i]! * weight[start + j]!;
  }
}

/** The first eigenvectors as columns, [size, count]. */
function leading(gram: Float64Array, size: number, count: number): Float64Array {
  const { vectors } = symmetricEigen(gram, size);
  const columns = new Float64Array(size * count);
  for (let at = 0; at < count; at++) for (let i = 0; i < size; i++) columns[i * count + at] = vectors[at * size + i]!;
  return columns;
}

/**
 * The pairs of features that are largest summed over all heads, ascending. All heads use the same pairs, because they
 * share one table of angles.
 */
function largestPairs(grams: readonly Float64Array[], headWidth: number, count: number): readonly number[] {
  const energy = Array.from({ length: headWidth / 2 }, (_, pair) =>
    grams.reduce((sum, gram) => sum + gram[2 * pair * (headWidth + 1)]! + gram[(2 * pair + 1) * (headWidth + 1)]!, 0),
  );
  const order = energy.map((_, pair) => pair).sort((a, b) => energy[b]! - energy[a]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}
