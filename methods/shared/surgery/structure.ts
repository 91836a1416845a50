/**
 * Structural edits: a model with fewer layers, heads or neurons, whose matrices are smaller and whose roles describe
 * the remaining model, so that code for dense models works on it too.
 */
import { InputError } from '../../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model, RoleMap } from '../../../engine/definitions/model.ts';
import { createModel, headsOfLayer } from '../../../engine/model/model.ts';
import { redirectValue, removeDeadCode, replaceInitializer, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Graph, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { withHeadCounts } from './attention.ts';

/** The model with another graph and matching roles. */
export function restructured(model: Model, onnx: OnnxModel, layers: readonly LayerRoles[]): Model {
  const roles: RoleMap = { ...model.roles, layers };
  return createModel({ ...model, onnx, roles });
}

/** The model with only these layers, in their original order. */
export function keepLayers(model: Model, kept: readonly number[]): Model {
  let { graph } = model.onnx;
  // Replacements for values that removed layers produced.
  const sources = new Map<string, string>();
  const { layers } = model.roles;
  // From the last to the first, so that the input of a layer still exists when it replaces the layer's output.
  for (const [index, { input, output }] of [...layers.entries()].reverse()) {
    if (kept.includes(index)) continue;
    graph = redirectValue(graph, output, input);
    sources.set(output, input);
  }
  const source = (value: string): string => {
    const replaced = sources.get(value);
    return replaced === undefined ? value : source(replaced);
  };
  const renamed = (linear: LinearRole): LinearRole => ({ ...linear, input: source(linear.input) });
  const remaining = layers
    .filter((_, index) => kept.includes(index))
    .map((layer) => ({ ...mapLinears(layer, renamed), input: source(layer.input) }));
  return restructured(model, withGraph(model.onnx, removeDeadCode(graph)), remaining);
}

/** The layer with each of its linear layers changed. */
export function mapLinears(layer: LayerRoles, change: (linear: LinearRole) => LinearRole): LayerRoles {
  const { q, k, v, o, gate, up, down } = layer;
  return {
    ...layer,
    q: change(q),
    k: change(k),
    v: change(v),
    o: change(o),
    ...(gate && { gate: change(gate) }),
    up: change(up),
    down: change(down),
  };
}

/** What to keep of one block, each list ascending and not empty. */
export interface KeptUnits {
  /** Key-value heads, each with the heads it serves. */
  readonly heads: readonly number[];
  /** Feed-forward neurons. */
  readonly neurons: readonly number[];
}

/** Number of units in the blocks of a model, and their features. */
export interface UnitCounts {
  readonly heads: number;
  readonly neurons: number;
  /** Features that one key-value head and the heads it serves pass to the output projection. */
  readonly groupWidth: number;
}

export function countUnits({ roles }: Model): readonly UnitCounts[] {
  return roles.layers.map((layer) => ({
    heads: headsOfLayer(roles, layer).keyValueHeads,
    neurons: layer.down.inFeatures,
    groupWidth: layer.o.inFeatures / headsOfLayer(roles, layer).keyValueHeads,
  }));
}

/**
 * The model with only these heads and neurons, one entry per block; the weights of the others are removed from the
 * matrices.
 */
export function keepUnits(model: Model, kept: readonly KeptUnits[]): Model {
  const { roles } = model;
  if (kept.length !== roles.layers.length || kept.some(({ heads, neurons }) => heads.length * neurons.length === 0)) {
    throw new InputError(
      `${model.id}: keepUnits expects one entry for each of ${roles.layers.length} layers, each keeping a head and a neuron`,
    );
  }
  const counts = kept.map(({ heads }, index) => {
    const before = headsOfLayer(roles, roles.layers[index]!);
    return { heads: (heads.length * before.heads) / before.keyValueHeads, keyValueHeads: heads.length };
  });
  let { graph } = withHeadCounts(model, counts);
  const layers = roles.layers.map((layer, index): LayerRoles => {
    const { heads, neurons } = kept[index]!;
    const { keyValueHeads } = headsOfLayer(roles, layer);
    const take = (linear: LinearRole, cut: Cut): LinearRole => {
      const made = cutLinear(model, graph, linear, cut);
      graph = made.graph;
      return made.linear;
    };
    /** Features of the kept heads, each `width` wide. */
    const features = ({ outFeatures }: { readonly outFeatures: number }): readonly number[] => {
      const width = outFeatures / keyValueHeads;
      return heads.flatMap((head) => Array.from({ length: width }, (_, at) => head * width + at));
    };
    return {
      ...layer,
      ...counts[index],
      q: take(layer.q, { columns: features(layer.q) }),
      k: take(layer.k, { columns: features(layer.k) }),
      v: take(layer.v, { columns: features(layer.v) }),
      o: take(layer.o, { rows: features({ outFeatures: layer.o.inFeatures }) }),
      ...(layer.gate && { gate: take(layer.gate, { columns: neurons }) }),
      up: take(layer.up, { columns: neurons }),
      down: take(layer.down, { rows: neurons }),
    };
  });
  return restructured(model, withGraph(model.onnx, graph), layers);
}

/** Input and output features to keep; all where not given. */
interface Cut {
  readonly rows?: readonly number[];
  readonly columns?: readonly number[];
}

function cutLinear(
  model: Model,
  graph: Graph,
  linear: LinearRole,
  { rows = range(linear.inFeatures), columns = range(linear.outFeatures) }: Cut,
): { readonly graph: Graph; readonly linear: LinearRole } {
  const weight = model.weight(linear);
  const cut = new Float32Array(rows.length * columns.length);
  for (const [i, row] of rows.entries())
    for (const [j, column] of columns.entries())
      cut[i * columns.length + j] = weight[row * linear.outFeatures + column]!;
  let changed = withFloats(graph, linear.weight, [rows.length, columns.length], cut);
  if (linear.bias !== undefined && columns.length < linear.outFeatures) {
    const bias = biasOf(model, linear);
    const kept = Float32Array.from(columns, (column) => bias[column]!);
    changed = withFloats(changed, linear.bias, [columns.length], kept);
  }
  return { graph: changed, linear: { ...linear, inFeatures: rows.length, outFeatures: columns.length } };
}

/** The bias of a linear layer that has one, [out]. */
export function biasOf({ id, onnx }: Model, { role, bias }: LinearRole): Float32Array {
  const tensor = bias === undefined ? undefined : onnx.graph.initializers.get(bias);
  if (tensor === undefined) throw new InputError(`${id}: ${role} has no bias`);
  return elements(tensor, 'float32');
}

/** The graph with other values, and optionally another shape, for a float32 initializer. */
export function withFloats(graph: Graph, name: string, dims: readonly number[], values: Float32Array): Graph {
  return replaceInitializer(graph, name, tensorOf('float32', dims, values));
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);
