/**
 * Layers that share weights: several nodes read one initializer, so that the file holds it once and training sums the
 * gradients of all its uses. Biases and norms are not shared. Which layers share follows from their indices: Takase &
 * Kiyono 2021, https://arxiv.org/abs/2104.06022, section 3, SEQUENCE (neighbours) and CYCLE.
 */
import * as v from 'valibot';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { redirectValue, removeDeadCode, replaceInitializer, withGraph } from '../../../numerics/onnx/edit.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import { mapLinears, restructured } from './structure.ts';

export const SHARES = ['all', 'attention', 'feed-forward'] as const;
export type Share = (typeof SHARES)[number];

export const shareParameter = v.pipe(v.picklist(SHARES), v.description('Which weights of a layer are shared.'));

type Kind = 'q' | 'k' | 'v' | 'o' | 'gate' | 'up' | 'down';
const ATTENTION: readonly Kind[] = ['q', 'k', 'v', 'o'];
const FEED_FORWARD: readonly Kind[] = ['gate', 'up', 'down'];
const KINDS: Readonly<Record<Share, readonly Kind[]>> = {
  all: [...ATTENTION, ...FEED_FORWARD],
  attention: ATTENTION,
  'feed-forward': FEED_FORWARD,
};

/** Divides the layers into `distinct` runs of neighbours, longer ones first: 5 layers in 2 are [0, 1, 2] and [3, 4]. */
export function neighbouringLayers(layers: number, distinct: number): readonly (readonly number[])[] {
  const count = Math.min(layers, distinct);
  const all = Array.from({ length: layers }, (_, layer) => layer);
  const starts = Array.from({ length: count + 1 }, (_, group) => Math.ceil((group * layers) / count));
  return starts.slice(0, -1).map((start, group) => all.slice(start, starts[group + 1]));
}

/** Repeats `distinct` layers in a cycle: 5 layers in 3 are [0, 3], [1, 4] and [2]. */
export function cycledLayers(layers: number, distinct: number): readonly (readonly number[])[] {
  const all = Array.from({ length: layers }, (_, layer) => layer);
  return all.slice(0, distinct).map((group) => all.filter((layer) => layer % distinct === group));
}

/** The linear layers of one kind in each group of layers; groups of one are omitted. */
export function tiedLinears(
  { roles: { layers } }: Pick<Model, 'roles'>,
  groups: readonly (readonly number[])[],
  share: Share,
): readonly (readonly LinearRole[])[] {
  return groups
    .filter((group) => group.length > 1)
    .flatMap((group) => KINDS[share].map((kind) => group.flatMap((layer) => (layers[layer] as LayerRoles)[kind] ?? [])))
    .filter((linears) => linears.length > 0);
}

export const mergeParameter = v.pipe(
  v.picklist(['average', 'first']),
  v.description('The weights that layers come to share: the mean of theirs, or those of the first of them.'),
);
export type Merge = v.InferOutput<typeof mergeParameter>;

/** [in, out] */
export function mergedWeight(model: Model, linears: readonly LinearRole[], merge: Merge): Float32Array {
  const [first, ...others] = linears.map((linear) => model.weight(linear)) as [Float32Array, ...Float32Array[]];
  if (merge === 'first') return first;
  return first.map((value, at) => others.reduce((sum, weight) => sum + weight[at]!, value) / linears.length);
}

/**
 * The model in which all linear layers of a group read the initializer of the first of them; its roles name that
 * initializer.
 */
export function withTiedWeights(model: Model, tied: readonly (readonly LinearRole[])[], merge: Merge): Model {
  let { graph } = model.onnx;
  const readFrom = new Map<string, string>();
  for (const linears of tied) {
    const [{ weight: shared, inFeatures, outFeatures }] = linears as readonly [LinearRole];
    const values = mergedWeight(model, linears, merge);
    for (const { weight } of linears.slice(1)) {
      graph = redirectValue(graph, weight, shared);
      readFrom.set(weight, shared);
    }
    graph = replaceInitializer(graph, shared, tensorOf('float32', [inFeatures, outFeatures], values));
  }
  const layers = model.roles.layers.map((layer) =>
    mapLinears(layer, (linear) => ({ ...linear, weight: readFrom.get(linear.weight) ?? linear.weight })),
  );
  return restructured(model, withGraph(model.onnx, removeDeadCode(graph)), layers);
}
