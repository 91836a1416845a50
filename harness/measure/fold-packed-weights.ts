/**
 * Weights that a file holds packed and unpacks itself when it is loaded, as initializers: what is counted is then what the
 * operators read, whatever the packing.
 */
import { extractSubgraph, removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { Graph, Node, OnnxModel } from '../../numerics/onnx/graph.ts';
import { usedNames } from '../../numerics/onnx/names.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { subgraphs } from './operators.ts';
import { useOfInput } from './quantized-weights.ts';

/**
 * Replaced are values made of initializers alone that an operator reads as scales or zero points, or in whose making bits are
 * shifted. Others stay as they are stored: factors multiplied at load time are still factors, and codes that are only turned
 * may be read as they lie by another operator too, which would count them twice.
 */
export async function foldPackedWeights(model: OnnxModel): Promise<OnnxModel> {
  const { graph } = model;
  const names = packedValues(model);
  if (names.length === 0) return model;
  const part = extractSubgraph(graph, { inputs: [], outputs: names });
  const session = await createSession({ ...model, graph: part }, { threads: 1 });
  try {
    const initializers = new Map(graph.initializers);
    for (const [name, tensor] of Object.entries(await session.run({}))) initializers.set(name, tensor);
    const folded = new Set(names);
    const nodes = graph.nodes.filter((node) => !node.outputs.some((output) => folded.has(output)));
    return { ...model, graph: removeDeadCode({ ...graph, nodes, initializers }) };
  } finally {
    await session.release();
  }
}

function packedValues(model: OnnxModel): readonly string[] {
  const { graph } = model;
  const constant = constantNodes(graph);
  const makers = new Map([...constant].flatMap((node) => node.outputs.map((output) => [output, node] as const)));
  const shifting = new Set(
    model.functions.filter(({ nodes }) => nodes.some(({ op }) => op === 'BitShift')).map(({ name }) => name),
  );
  const shiftsBits = (value: string): boolean => {
    const node = makers.get(value);
    return node !== undefined && (node.op === 'BitShift' || shifting.has(node.op) || node.inputs.some(shiftsBits));
  };
  const found = new Set<string>();
  for (const node of graph.nodes) {
    if (constant.has(node)) continue;
    for (const [position, input] of node.inputs.entries()) {
      if (makers.has(input) && (useOfInput(node, position) === 'grid' || shiftsBits(input))) found.add(input);
    }
  }
  return [...found];
}

/** Nodes that depend on no input of the graph. */
function constantNodes(graph: Graph): ReadonlySet<Node> {
  const known = new Set(graph.initializers.keys());
  const constant = new Set<Node>();
  for (const node of graph.nodes) {
    if (subgraphs(node).length > 0 || ![...usedNames(node)].every((name) => known.has(name))) continue;
    constant.add(node);
    for (const output of node.outputs) known.add(output);
  }
  return constant;
}
