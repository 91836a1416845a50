/**
 * Finds the attention of a block in the graph by its structure: softmax(queries · keys, masked) · values between the
 * projections q, k, v and the projection o, heads along axis 1. Where there are fewer key-value heads than heads,
 * Unsqueeze, Expand and Reshape repeat each for the heads it serves.
 */
import { present } from '../../../contracts/present.ts';
import { UnsupportedError } from '../../../contracts/errors.ts';
import type { LayerRoles, Model } from '../../../engine/definitions/model.ts';
import { headsOfLayer } from '../../../engine/model/model.ts';
import { removeDeadCode, withGraph } from '../../../numerics/onnx/edit.ts';
import type { Node, OnnxModel } from '../../../numerics/onnx/graph.ts';
import { producers } from '../../../numerics/onnx/names.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import { extendModel, type GraphWriter, sortNodes } from '../../../engine/training/graph-writer.ts';

export interface Attention {
  /** [batch, heads, sequence, headWidth], scaled */
  readonly queries: string;
  /** [batch, heads, headWidth, sequence], and before repetition [batch, keyValueHeads, headWidth, sequence] */
  readonly keys: string;
  readonly singleKeys: string;
  /** [batch, heads, sequence, headWidth], and before repetition [batch, keyValueHeads, sequence, headWidth] */
  readonly values: string;
  readonly singleValues: string;
  /** The MatMul of queries and keys, and that of probabilities and values. */
  readonly scores: Node;
  readonly mixed: Node;
  /**
   * All nodes between the projections, in order, each with the projections it depends on: a string of the letters q, k,
   * v.
   */
  readonly nodes: readonly { readonly node: Node; readonly from: string }[];
}

/** Throws UnsupportedError where attention has another structure, for example a fused operator. */
export function findAttention(model: Model, layer: LayerRoles): Attention {
  const nodes = attentionNodes(model, layer);
  const products = nodes.filter(({ node }) => node.op === 'MatMul');
  const scores = products.find(({ from }) => from === 'kq')?.node;
  const mixed = products.find(({ from }) => from === 'kqv')?.node;
  if (scores === undefined || mixed === undefined || products.length !== 2) {
    throw new UnsupportedError(
      `${model.id}: the attention before ${layer.o.role} is not two MatMuls with a Softmax between them but ` +
        `[${nodes.map(({ node }) => node.op).join(', ')}]; only that form can be edited`,
    );
  }
  const queries = present(scores.inputs[0], `queries of ${scores.name}`);
  const keys = present(scores.inputs[1], `keys of ${scores.name}`);
  const values = present(mixed.inputs[1], `values of ${mixed.name}`);
  const made = producers(model.onnx.graph);
  const [singleKeys, singleValues] = [beforeRepeat(made, keys), beforeRepeat(made, values)];
  return { queries, keys, singleKeys, values, singleValues, scores, mixed, nodes };
}

function attentionNodes(model: Model, { q, k, v, o }: LayerRoles): Attention['nodes'] {
  const origins = new Map(Object.entries({ [q.output]: 'q', [k.output]: 'k', [v.output]: 'v' }));
  const nodes: { node: Node; from: string }[] = [];
  for (const node of model.onnx.graph.nodes) {
    const letters = new Set(node.inputs.flatMap((input) => [...(origins.get(input) ?? '')]));
    if (letters.size === 0) continue;
    const from = [...letters].sort().join('');
    nodes.push({ node, from });
    for (const output of node.outputs) origins.set(output, from);
    if (node.outputs.includes(o.input)) break;
  }
  return nodes;
}

function beforeRepeat(made: ReadonlyMap<string, Node>, value: string): string {
  let at = value;
  for (const op of ['Reshape', 'Expand', 'Unsqueeze']) {
    const node = made.get(at);
    if (node?.op !== op) return value;
    at = present(node.inputs[0], `input of ${node.name}`);
  }
  return at;
}

export interface HeadCounts {
  readonly heads: number;
  /** Divides `heads`. */
  readonly keyValueHeads: number;
}

/**
 * The graph with other numbers of heads, one entry per block: it changes the shapes that split and join heads and the
 * repetition of keys and values. It does not change weights; the caller must resize the projections.
 */
export function withHeadCounts(model: Model, counts: readonly HeadCounts[]): OnnxModel {
  const w = extendModel(model.onnx, 'heads/');
  const changed = new Map<string, Node>();
  const withInput = (node: Node, index: number, value: string) =>
    changed.set(node.name, { ...node, inputs: node.inputs.with(index, value) });
  for (const [index, layer] of model.roles.layers.entries()) {
    const { headWidth } = headsOfLayer(model.roles, layer);
    const { heads, keyValueHeads } = present(counts[index], `head counts of layer ${index}`);
    const { nodes, scores, mixed, singleKeys, singleValues } = findAttention(model, layer);
    for (const { node, from } of nodes) {
      if (node.op !== 'Reshape') continue;
      const shape = shapeOf(model, node);
      // [0, 0, heads, …] splits heads, [0, 0, features] joins them; the other shapes repeat keys and values.
      if (from === 'kqv') withInput(node, 1, w.integers(shape.with(shape.length - 1, heads * headWidth)));
      else if (shape[1] === 0) withInput(node, 1, w.integers(shape.with(2, from === 'q' ? heads : keyValueHeads)));
    }
    const groups = { heads, keyValueHeads };
    withInput(scores, 1, repeat(w, singleKeys, { ...groups, dims: [headWidth, -1] }));
    withInput(mixed, 1, repeat(w, singleValues, { ...groups, dims: [-1, headWidth] }));
  }
  const { graph } = w.finish();
  const nodes = sortNodes(graph.nodes.map((node) => changed.get(node.name) ?? node));
  return withGraph(model.onnx, removeDeadCode({ ...graph, nodes }));
}

/** Repeats each key-value head for every head it serves: [batch, keyValueHeads, …] → [batch, heads, …dims]. */
function repeat(
  w: GraphWriter,
  single: string,
  { heads, keyValueHeads, dims }: HeadCounts & { readonly dims: readonly number[] },
): string {
  if (heads === keyValueHeads) return single;
  const groups = w.expand(w.unsqueeze(single, [2]), [1, 1, heads / keyValueHeads, 1, 1]);
  return w.reshape(groups, [0, heads, ...dims]);
}

/** The constant shape of a Reshape. Throws UnsupportedError where the shape is computed. */
export function shapeOf(model: Model, node: Node): readonly number[] {
  const shape = model.onnx.graph.initializers.get(present(node.inputs[1], `shape of ${node.name}`));
  if (shape !== undefined) return Array.from(elements(shape, 'int64'), Number);
  throw new UnsupportedError(
    `${model.id}: node "${node.name}" (Reshape) takes its shape from "${node.inputs[1]}", which is computed; only constant shapes can be edited`,
  );
}
