/** The operators in a model file. */
import type { Graph, Node, OnnxModel } from '../../numerics/onnx/graph.ts';

/** Nodes by operator (`domain:Op` outside the standard domain), subgraphs and function bodies included; keys ascending. */
export function operatorHistogram(model: OnnxModel): Record<string, number> {
  const counts = new Map<string, number>();
  for (const node of allNodes([...model.graph.nodes, ...model.functions.flatMap(({ nodes }) => nodes)])) {
    const name = node.domain === '' || node.domain === 'ai.onnx' ? node.op : `${node.domain}:${node.op}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The nodes and those of every graph inside their attributes. */
export function* allNodes(nodes: readonly Node[]): Generator<Node> {
  for (const node of nodes) {
    yield node;
    for (const graph of subgraphs(node)) yield* allNodes(graph.nodes);
  }
}

/** The graphs a node holds in its attributes: branches, loop bodies. */
export function subgraphs(node: Node): Graph[] {
  return [...node.attributes.values()].flatMap((attribute) =>
    attribute.type === 'graph' ? [attribute.value] : attribute.type === 'graphs' ? [...attribute.value] : [],
  );
}
