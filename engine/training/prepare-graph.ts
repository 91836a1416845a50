/** Rewrites that keep the function of a graph and make its training cheaper. */
import { present } from '../../contracts/present.ts';
import type { Graph, Node, OnnxModel } from '../../numerics/onnx/graph.ts';
import { consumers, renameInNode, renameValues } from '../../numerics/onnx/names.ts';
import { elementCount, elements } from '../../numerics/tensor/tensor.ts';
import { extendModel } from './graph-writer.ts';

/** At and below this value, exp(score - largest) of a masked score is 0 in float32. */
const UNSEEN_SCORE = -1e8;

/**
 * Where(visible, scores, -1e9) before a Softmax becomes scores + Where(visible, 0, -1e9): the second term is small and
 * often constant, and the gradient of a sum costs nothing. float32 rounds -1e9 + score to about -1e9, whose probability
 * is 0.
 */
export function addMasks(model: OnnxModel): OnnxModel {
  const readers = consumers(model.graph);
  const outputs = new Set(model.graph.outputs.map(({ name }) => name));
  const masked = model.graph.nodes.filter((node) => {
    if (node.op !== 'Where' || node.domain !== '') return false;
    const [, , fill = ''] = node.inputs;
    const tensor = model.graph.initializers.get(fill);
    if (tensor === undefined || tensor.dtype !== 'float32' || elementCount(tensor.dims) !== 1) return false;
    const value = present(node.outputs[0], 'node.outputs[0]');
    const toSoftmax = (readers.get(value) ?? []).every(({ op, domain }) => op === 'Softmax' && domain === '');
    return (
      toSoftmax &&
      !outputs.has(value) &&
      present(elements(tensor, 'float32')[0], 'elements(tensor,"float32")[0]') <= UNSEEN_SCORE
    );
  });
  if (masked.length === 0) return model;
  const dropped = new Set<Node>(masked);
  const without = {
    ...model,
    graph: { ...model.graph, nodes: model.graph.nodes.filter((node) => !dropped.has(node)) },
  };
  const w = extendModel(without, 'mask/');
  const biases = new Map<string, string>();
  const made = new Map<string, string>();
  for (const {
    inputs,
    outputs: [value = ''],
  } of masked) {
    const [visible = '', scores = '', fill = ''] = inputs;
    const key = `${visible} ${fill}`;
    const bias = biases.get(key) ?? w.where(visible, w.scalar(0), fill);
    biases.set(key, bias);
    made.set(w.add(scores, bias), value);
  }
  const extended = w.finish();
  return { ...extended, graph: renameValues(extended.graph, (name) => made.get(name) ?? name) };
}

/** Removes Identity nodes: onnxruntime keeps those at the border of a subgraph, as copies. */
export function foldIdentities(graph: Graph): Graph {
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const outside = new Set([...graph.inputs.map(({ name }) => name), ...graph.initializers.keys()]);
  const made = new Set(graph.nodes.flatMap((node) => node.outputs));
  const source = new Map<string, string>();
  const resolve = (name: string): string => {
    let at = name;
    for (let next = source.get(at); next !== undefined; next = source.get(at)) at = next;
    return at;
  };
  const isIdentity = ({ op, domain }: Node) => op === 'Identity' && domain === '';
  const kept: Node[] = [];
  for (const node of graph.nodes) {
    if (isIdentity(node) && !outputs.has(present(node.outputs[0], 'node.outputs[0]')))
      source.set(present(node.outputs[0], 'node.outputs[0]'), present(node.inputs[0], 'node.inputs[0]'));
    else kept.push(node);
  }
  // A value whose Identity is a graph output takes over the output's name, once.
  const renamed = new Map<string, string>();
  const rest = kept.filter((node) => {
    if (!isIdentity(node)) return true;
    const from = resolve(present(node.inputs[0], 'node.inputs[0]'));
    if (outside.has(from) || outputs.has(from) || renamed.has(from) || !made.has(from)) return true;
    renamed.set(from, present(node.outputs[0], 'node.outputs[0]'));
    return false;
  });
  const final = (name: string): string => {
    const from = resolve(name);
    return renamed.get(from) ?? from;
  };
  return { ...graph, nodes: rest.map((node) => renameInNode(node, final)) };
}
