/**
 * Names of values and their scope. A subgraph (a branch of If, the body of Loop or Scan) sees the values of the
 * enclosing graphs; its own values are not visible outside. https://onnx.ai/onnx/repo-docs/IR.html#names-within-a-graph
 */
import { mapSubgraphs, subgraphsOf } from './attributes.ts';
import type { Graph, Node, ValueInfo } from './graph.ts';

/** Names defined by a graph: inputs, initializers, outputs of nodes; not those of its subgraphs. */
export function definedNames(graph: Graph): Set<string> {
  const names = new Set<string>(graph.initializers.keys());
  for (const sparse of graph.sparseInitializers) names.add(sparse.name);
  for (const input of graph.inputs) names.add(input.name);
  for (const node of graph.nodes) for (const output of node.outputs) names.add(output);
  names.delete('');
  return names;
}

/** All value names that occur in a graph or its subgraphs, defined or used. */
export function allNames(graph: Graph): Set<string> {
  const names = definedNames(graph);
  for (const info of [...graph.outputs, ...graph.valueInfo]) names.add(info.name);
  for (const node of graph.nodes) {
    for (const input of node.inputs) names.add(input);
    for (const subgraph of subgraphsOf(node)) for (const name of allNames(subgraph)) names.add(name);
  }
  names.delete('');
  return names;
}

/** Names that a graph uses but does not define, so that they come from enclosing graphs. */
export function capturedNames(graph: Graph): Set<string> {
  const captured = new Set<string>();
  const defined = definedNames(graph);
  for (const node of graph.nodes) for (const name of usedNames(node)) if (!defined.has(name)) captured.add(name);
  for (const output of graph.outputs) if (!defined.has(output.name)) captured.add(output.name);
  captured.delete('');
  return captured;
}

/** Names of the values that a node reads, as inputs or in its subgraphs. */
export function usedNames(node: Node): Set<string> {
  const used = new Set(node.inputs);
  for (const subgraph of subgraphsOf(node)) for (const name of capturedNames(subgraph)) used.add(name);
  used.delete('');
  return used;
}

/** The node that produces each value. */
export function producers(graph: Graph): ReadonlyMap<string, Node> {
  const made = new Map<string, Node>();
  for (const node of graph.nodes) for (const output of node.outputs) if (output !== '') made.set(output, node);
  return made;
}

/** The nodes that read each value, including reads in their subgraphs. */
export function consumers(graph: Graph): ReadonlyMap<string, readonly Node[]> {
  const readers = new Map<string, Node[]>();
  for (const node of graph.nodes) {
    for (const name of usedNames(node)) {
      const list = readers.get(name);
      if (list === undefined) readers.set(name, [node]);
      else list.push(node);
    }
  }
  return readers;
}

type Rename = (name: string) => string;

function renameList(names: readonly string[], rename: Rename): readonly string[] {
  const renamed = names.map((name) => (name === '' ? '' : rename(name)));
  return renamed.some((name, index) => name !== names[index]) ? renamed : names;
}

function renameInfos(infos: readonly ValueInfo[], rename: Rename): readonly ValueInfo[] {
  const renamed = infos.map((info) => {
    const name = rename(info.name);
    return name === info.name ? info : { ...info, name };
  });
  return renamed.some((info, index) => info !== infos[index]) ? renamed : infos;
}

interface InnerRenames {
  /** New names for values defined in subgraphs; by default these are not renamed. */
  readonly own?: Rename;
  /** New names for nodes. */
  readonly node?: Rename;
}

const keep: Rename = (name) => name;

/** A node with the renamed inputs and outputs, its subgraphs included. */
export function renameInNode(node: Node, rename: Rename, inner: InnerRenames = {}): Node {
  const inputs = renameList(node.inputs, rename);
  const outputs = renameList(node.outputs, rename);
  const name = node.name === '' ? '' : (inner.node ?? keep)(node.name);
  const attributes = mapSubgraphs(node.attributes, (subgraph) => renameInSubgraph(subgraph, rename, inner));
  if (inputs === node.inputs && outputs === node.outputs && attributes === node.attributes && name === node.name) {
    return node;
  }
  return { ...node, name, inputs, outputs, attributes };
}

function renameInSubgraph(subgraph: Graph, rename: Rename, inner: InnerRenames): Graph {
  const own = definedNames(subgraph);
  const renameOwn = inner.own ?? keep;
  return renameValues(subgraph, (name) => (own.has(name) ? renameOwn(name) : rename(name)), inner);
}

/** Renames the values of a graph by a function of their names; unchanged parts are shared. */
export function renameValues(graph: Graph, rename: Rename, inner: InnerRenames = {}): Graph {
  const nodes = graph.nodes.map((node) => renameInNode(node, rename, inner));
  const inputs = renameInfos(graph.inputs, rename);
  const outputs = renameInfos(graph.outputs, rename);
  const valueInfo = renameInfos(graph.valueInfo, rename);
  const names = [...graph.initializers.keys()];
  const renamedInitializers = renameList(names, rename) !== names;
  const sparse = graph.sparseInitializers.map((item) => {
    const name = rename(item.name);
    return name === item.name ? item : { ...item, name };
  });
  const annotations = graph.quantizationAnnotations?.map((item) => ({
    ...item,
    value: rename(item.value),
    parameters: new Map([...item.parameters].map(([key, name]) => [key, rename(name)])),
  }));
  const changed =
    renamedInitializers ||
    inputs !== graph.inputs ||
    outputs !== graph.outputs ||
    valueInfo !== graph.valueInfo ||
    nodes.some((node, index) => node !== graph.nodes[index]) ||
    sparse.some((item, index) => item !== graph.sparseInitializers[index]);
  if (!changed) return graph;
  return {
    ...graph,
    nodes,
    inputs,
    outputs,
    valueInfo,
    initializers: renamedInitializers
      ? new Map([...graph.initializers].map(([name, tensor]) => [rename(name), tensor]))
      : graph.initializers,
    sparseInitializers: sparse,
    ...(annotations === undefined ? {} : { quantizationAnnotations: annotations }),
  };
}
