/** Removes everything that no output depends on. */
import { mapSubgraphs } from './attributes.ts';
import type { Graph, Node } from './graph.ts';
import { producers, usedNames } from './names.ts';

/**
 * The graph without nodes, initializers and value types that no output depends on. Inputs are kept, since they are the
 * interface, and so are initializers that are defaults of inputs. Values read by subgraphs count as read; subgraphs are
 * cleaned too.
 */
export function removeDeadCode(graph: Graph): Graph {
  const cleaned = cleanSubgraphs(graph);
  const made = producers(cleaned);
  const liveNodes = new Set<Node>();
  const liveValues = new Set<string>();
  const pending = cleaned.outputs.map((output) => output.name);
  const parametersOf = new Map(
    (cleaned.quantizationAnnotations ?? []).map(({ value, parameters }) => [value, [...parameters.values()]]),
  );
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (liveValues.has(name)) continue;
    liveValues.add(name);
    pending.push(...(parametersOf.get(name) ?? []));
    const node = made.get(name);
    if (node === undefined || liveNodes.has(node)) continue;
    liveNodes.add(node);
    pending.push(...usedNames(node));
  }
  const nodes = cleaned.nodes.filter((node) => liveNodes.has(node));
  const inputs = new Set(cleaned.inputs.map((input) => input.name));
  const stays = (name: string): boolean => liveValues.has(name) || inputs.has(name);
  const known = new Set([...liveValues, ...inputs, ...nodes.flatMap((node) => node.outputs)]);
  const annotations = cleaned.quantizationAnnotations?.filter(({ value }) => known.has(value));
  return {
    ...cleaned,
    nodes,
    initializers: new Map([...cleaned.initializers].filter(([name]) => stays(name))),
    sparseInitializers: cleaned.sparseInitializers.filter(({ name }) => stays(name)),
    valueInfo: cleaned.valueInfo.filter((info) => known.has(info.name)),
    ...(annotations === undefined ? {} : { quantizationAnnotations: annotations }),
  };
}

function cleanSubgraphs(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => {
    const attributes = mapSubgraphs(node.attributes, removeDeadCode);
    return attributes === node.attributes ? node : { ...node, attributes };
  });
  return { ...graph, nodes };
}
