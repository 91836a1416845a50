/**
 * Which initializers are the token embedding, found by the graph's structure, so that an artifact may name, quantize or
 * transpose it as it likes: what a Gather or GatherBlockQuantized looks token ids up in.
 */
import type { Graph, Node } from '../../numerics/onnx/graph.ts';

/** Operators that change the form of an id; a train of cores looks its digits up one by one. */
const FORMS = new Set(['Cast', 'Identity', 'Reshape', 'Unsqueeze', 'Squeeze', 'Flatten', 'Div', 'Mod']);
const LOOK_UPS = new Set(['Gather', 'GatherBlockQuantized']);

/**
 * Names of the initializers (scales and zero points with them) that token ids from `input_ids` are looked up in. With
 * `tied` also those of the layer that makes `logits`: where dense ties them, an artifact that stores the output layer
 * apart still keeps an embedding there.
 */
export function embeddingWeights(graph: Graph, options: { readonly tied: boolean }): Set<string> {
  const makers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  const found = new Set<string>();
  const ids = new Set(['input_ids']);
  for (const node of graph.nodes) {
    if (LOOK_UPS.has(node.op) && ids.has(node.inputs[1] ?? '')) {
      for (const [position, name] of node.inputs.entries()) if (position !== 1) collect(name);
    } else if (FORMS.has(node.op) && ids.has(node.inputs[0] ?? '')) ids.add(node.outputs[0] ?? '');
  }
  if (options.tied) {
    for (const name of outputLayer(makers)?.inputs.slice(1) ?? []) collect(name);
  }
  return found;

  /** Adds the initializers that `name` is computed from, if it is from nothing else. */
  function collect(name: string): void {
    if (graph.initializers.has(name)) found.add(name);
    const maker = makers.get(name);
    if (maker !== undefined && isConstant(name)) maker.inputs.forEach(collect);
  }

  function isConstant(name: string): boolean {
    return name === '' || graph.initializers.has(name) || (makers.get(name)?.inputs.every(isConstant) ?? false);
  }
}

/** The matrix product nearest before `logits` along first inputs. */
function outputLayer(makers: ReadonlyMap<string, Node>): Node | undefined {
  let node = makers.get('logits');
  while (node !== undefined && !/MatMul|Gemm/.test(node.op)) node = makers.get(node.inputs[0] ?? '');
  return node;
}
