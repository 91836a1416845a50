/**
 * Replaces softmax attention by linear attention in the graph of a model. Katharopoulos et al. 2020,
 * https://arxiv.org/abs/2006.16236, equations 8 to 12; j runs over all positions, in a decoder over those up to i:
 *   y_i = φ(q_i)ᵀ S_i / (φ(q_i)ᵀ z_i + ε),  S_i = Σ_j φ(k_j) v_jᵀ,  z_i = Σ_j φ(k_j),  φ = relu
 * Queries and keys are those of softmax attention: scaled and, with rotary positions, rotated, so that φ is applied
 * after the rotation and all weights stay positive. (Su et al. 2021, https://arxiv.org/abs/2104.09864, section 3.3,
 * rotate φ instead.)
 */
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LayerRoles, LinearRole, Model } from '../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../engine/model/model.ts';
import { removeDeadCode, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Graph, Node } from '../../../numerics/onnx/graph.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter, sortNodes } from '../../../engine/training/graph-writer.ts';
import { type Attention, findAttention, shapeOf } from './attention.ts';
import { biasOf, restructured, withFloats } from './structure.ts';

/** Avoids division by 0 for a query without matching keys; the numerator is then 0 too. */
const EPSILON = 1e-6;

/**
 * How a decoder sums over earlier positions; both give the same result. products: all query-key products, later
 * positions set to 0; work grows with the square of the length. sums: running sums of k vᵀ; work grows linearly.
 */
export type LinearForm = 'products' | 'sums';

export interface LinearAttention {
  /** Features of φ, per head; even where positions are rotary. */
  readonly features: number;
  /** W_φ of each key-value head and the heads it serves, by layer, [headWidth, features] each. */
  readonly maps: readonly (readonly Float64Array[])[];
  /** With rotary positions: which pairs of a head's features stay, in the order of the features. */
  readonly pairs?: readonly number[];
  readonly form: LinearForm;
}

/** Whether queries and keys are rotated by their positions. */
export function isRotary({ nodes }: Attention): boolean {
  return nodes.some(({ node, from }) => from === 'q' && node.op === 'Split');
}

/**
 * W_φ is multiplied into q and k, which makes them smaller. Throws UnsupportedError where attention has another form.
 */
export function withLinearAttention(model: Model, options: LinearAttention): Model {
  const { features, maps } = options;
  const found = model.roles.layers.map((layer) => findAttention(model, layer));
  for (const [index, attention] of found.entries()) requirePlainHeads(model, index, attention);
  const w = extendModel(model.onnx, 'linear/');
  const reshaped = new Map<string, string>();
  for (const [index, layer] of model.roles.layers.entries()) {
    const attention = found[index]!;
    for (const { node, from } of attention.nodes) {
      if (node.op === 'Reshape' && (from === 'q' || from === 'k'))
        reshaped.set(node.name, w.integers(featureShape(shapeOf(model, node), features)));
    }
    writeLayer(w, { model, layer, attention, form: options.form });
  }
  let { graph } = w.finish();
  const nodes = graph.nodes.map((node) => {
    const shape = reshaped.get(node.name);
    return shape === undefined ? node : { ...node, inputs: node.inputs.with(1, shape) };
  });
  graph = removeDeadCode({ ...graph, nodes: sortNodes(nodes) });
  if (options.pairs !== undefined) graph = withTables(model, graph, { ...options, pairs: options.pairs, found });
  const layers = model.roles.layers.map((layer, index): LayerRoles => {
    const { heads, keyValueHeads } = headsOfLayer(model.roles, layer);
    const project = (linear: LinearRole, count: number): LinearRole => {
      const shape = { heads: count, perMap: count / keyValueHeads, maps: maps[index]!, features };
      const weight = projected(model.weight(linear), { ...shape, rows: linear.inFeatures });
      graph = withFloats(graph, linear.weight, [linear.inFeatures, count * features], weight);
      if (linear.bias !== undefined)
        graph = withFloats(
          graph,
          linear.bias,
          [count * features],
          projected(biasOf(model, linear), { ...shape, rows: 1 }),
        );
      return { ...linear, outFeatures: count * features };
    };
    return { ...layer, q: project(layer.q, heads), k: project(layer.k, keyValueHeads) };
  });
  return restructured(model, withGraph(model.onnx, graph), layers);
}

/** [0, 0, heads, headWidth], [0, 0, heads, headWidth / 2, 2] or, of repeated keys, [0, heads, headWidth, −1], for another width. */
/** A head's features are replaced together: none may be rotated separately from others, and none normalised. */
function requirePlainHeads(model: Model, index: number, { nodes }: Attention): void {
  for (const { node, from } of nodes) {
    if (from !== 'q' && from !== 'k') continue;
    const what =
      node.op === 'Split' && node.inputs.length > 1
        ? 'rotary positions on a part of each head'
        : node.op === 'ReduceMean' || node.op === 'LayerNormalization'
          ? 'a norm of queries and keys'
          : undefined;
    if (what === undefined) continue;
    throw new UnsupportedError(
      `${model.id}: layer ${index} has ${what} (${node.op} "${node.name}"); linear attention is not defined on it`,
    );
  }
}

function featureShape(shape: readonly number[], features: number): readonly number[] {
  if (shape[1] !== 0) return shape.with(2, features);
  return shape.with(3, shape.length === 5 ? features / 2 : features);
}

interface Layer {
  readonly model: Model;
  readonly layer: LayerRoles;
  readonly attention: Attention;
  readonly form: LinearForm;
}

function writeLayer(w: GraphWriter, { model, layer, attention, form }: Layer): void {
  const { values, mixed, nodes } = attention;
  const visible = nodes.find(({ node, from }) => from === 'kq' && node.op === 'Where')?.node.inputs[0];
  if (visible === undefined) {
    throw new UnsupportedError(
      `${model.id}: no Where masks the scores before ${layer.o.role}; nothing says what sees what`,
    );
  }
  w.wrap(mixed.outputs[0]!, () => {
    const queries = w.relu(attention.queries); // [batch, heads, sequence, features]
    const keys = w.relu(attention.keys); // [batch, heads, features, sequence]
    if (model.kind !== 'decoder') {
      const seen = w.mul(keys, w.cast(visible, { to: 'float32' })); // times [batch, 1, 1, sequence]
      const total = w.reduceSum(seen, { axes: [-1] });
      return divided(w, w.matmul(queries, w.matmul(seen, values)), w.matmul(queries, total));
    }
    if (form === 'products') {
      const weights = w.where(visible, w.matmul(queries, keys), w.scalar(0));
      return divided(w, w.matmul(weights, values), w.reduceSum(weights, { axes: [-1] }));
    }
    const columns = w.transpose(keys, [0, 1, 3, 2]);
    const outer = w.mul(w.unsqueeze(columns, [4]), w.unsqueeze(values, [3]));
    const states = w.cumSum(outer, { axis: 2 }); // [batch, heads, sequence, features, headWidth]
    const sums = w.squeeze(w.matmul(w.unsqueeze(queries, [3]), states), [3]);
    return divided(w, sums, w.reduceSum(w.mul(queries, w.cumSum(columns, { axis: 2 })), { axes: [-1] }));
  });
}

const divided = (w: GraphWriter, numerator: string, denominator: string): string =>
  w.div(numerator, w.add(denominator, w.scalar(EPSILON)));

interface Tables extends LinearAttention {
  readonly pairs: readonly number[];
  readonly found: readonly Attention[];
}

/** The tables of angles [context, 1, headWidth / 2, 1] with the columns of the pairs that stay. */
function withTables(model: Model, graph: Graph, { pairs, found }: Tables): Graph {
  const made = producers(model.onnx.graph);
  const tables = new Set<string>();
  for (const { nodes } of found) {
    for (const { node, from } of nodes) {
      if (node.op !== 'Mul' || (from !== 'q' && from !== 'k')) continue;
      const slice = node.inputs.map((input) => made.get(input)).find((maker): maker is Node => maker?.op === 'Slice');
      if (slice !== undefined) tables.add(slice.inputs[0]!);
    }
  }
  let changed = graph;
  for (const name of tables) {
    const table = model.onnx.graph.initializers.get(name);
    if (table?.dims.length !== 4 || table.dims[1] !== 1 || table.dims[3] !== 1) {
      throw new UnsupportedError(`${model.id}: "${name}" is no table of rotary angles [context, 1, pairs, 1]`);
    }
    const [context = 0, , width = 0] = table.dims;
    const values = elements(table, 'float32');
    const kept = new Float32Array(context * pairs.length);
    for (let row = 0; row < context; row++)
      for (const [at, pair] of pairs.entries()) kept[row * pairs.length + at] = values[row * width + pair]!;
    changed = withFloats(changed, name, [context, 1, pairs.length, 1], kept);
  }
  return changed;
}

interface Projection {
  readonly rows: number;
  readonly heads: number;
  readonly maps: readonly Float64Array[];
  /** Heads that share a feature map. */
  readonly perMap: number;
  readonly features: number;
}

/** [rows, heads · headWidth] → [rows, heads · features], each head times its map [headWidth, features]. */
export function projected(
  weight: Float32Array,
  { rows, heads, maps, perMap, features }: Projection,
): Float32Array<ArrayBuffer> {
  const headWidth = weight.length / rows / heads;
  const result = new Float32Array(rows * heads * features);
  for (let row = 0; row < rows; row++) {
    for (let head = 0; head < heads; head++) {
      const map = maps[Math.floor(head / perMap)]!;
      for (let feature = 0; feature < features; feature++) {
        let sum = 0;
        for (let at = 0; at < headWidth; at++)
          sum += weight[(row * heads + head) * headWidth + at]! * map[at * features + feature]!;
        result[(row * heads + head) * features + feature] = sum;
      }
    }
  }
  return result;
}
