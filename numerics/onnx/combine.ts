/** Extracts a part of a graph, and merges two graphs. */
import { InputError } from '../../contracts/errors.ts';
import { removeDeadCode } from './dead-code.ts';
import type { Graph, ValueInfo } from './graph.ts';
import { allNames, capturedNames, definedNames, renameValues } from './names.ts';

function infoOf(graph: Graph, name: string): ValueInfo | undefined {
  const known = [...graph.inputs, ...graph.outputs, ...graph.valueInfo].find((info) => info.name === name);
  if (known !== undefined) return known;
  const tensor = graph.initializers.get(name);
  return tensor && { name, type: { kind: 'tensor', dtype: tensor.dtype, dims: tensor.dims } };
}

function toInfo(graph: Graph, item: string | ValueInfo): ValueInfo {
  const name = typeof item === 'string' ? item : item.name;
  if (!definedNames(graph).has(name)) throw new InputError(`graph "${graph.name}" has no value "${name}"`);
  return typeof item === 'string' ? (infoOf(graph, name) ?? { name, type: undefined }) : item;
}

export interface Cut {
  /** Values that become inputs: names, or names with a type where the graph states none and the runtime needs it. */
  readonly inputs: readonly (string | ValueInfo)[];
  readonly outputs: readonly (string | ValueInfo)[];
}

/**
 * The part of a graph that computes `outputs` from `inputs` and initializers. Throws InputError when these do not
 * suffice.
 */
export function extractSubgraph(graph: Graph, { inputs, outputs }: Cut): Graph {
  const inputInfos = inputs.map((item) => toInfo(graph, item));
  const given = new Set(inputInfos.map((info) => info.name));
  const initializers = new Map([...graph.initializers].filter(([name]) => !given.has(name)));
  const part = removeDeadCode({
    ...graph,
    // The node may have other outputs, which are kept; the given output is renamed to a name without readers.
    nodes: graph.nodes
      .filter((node) => !node.outputs.every((output) => output === '' || given.has(output)))
      .map((node) =>
        node.outputs.some((output) => given.has(output))
          ? { ...node, outputs: node.outputs.map((output) => (given.has(output) ? `${output}/unused` : output)) }
          : node,
      ),
    inputs: inputInfos,
    outputs: outputs.map((item) => toInfo(graph, item)),
    initializers,
    sparseInitializers: graph.sparseInitializers.filter(({ name }) => !given.has(name)),
    valueInfo: graph.valueInfo.filter((info) => !given.has(info.name)),
  });
  const missing = capturedNames(part);
  if (missing.size > 0) {
    throw new InputError(
      `graph "${graph.name}": ${outputs.map((item) => (typeof item === 'string' ? item : item.name)).join(', ')} also ` +
        `depends on ${[...missing].join(', ')}; add it to inputs`,
    );
  }
  return part;
}

export interface Merge {
  /** Prefix for every name of `b`: values, nodes, initializers, also inside its subgraphs. */
  readonly prefix: string;
  /** Inputs that both graphs have and the merged graph has once. */
  readonly sharedInputs: readonly string[];
  /** Inputs of `b` that are connected to a value of `a`. */
  readonly connect?: Readonly<Record<string, string>>;
}

/**
 * One graph that computes the outputs of `a` and `b`. Inputs and outputs are those of `a`, then those of `b` with
 * prefixed names. Throws InputError when a shared input is missing or a prefixed name is taken.
 */
export function mergeGraphs(a: Graph, b: Graph, { prefix, sharedInputs, connect = {} }: Merge): Graph {
  const joined = new Map<string, string>(Object.entries(connect));
  for (const name of sharedInputs) {
    if (!a.inputs.some((info) => info.name === name)) {
      throw new InputError(`graph "${a.name}" has no input "${name}" to share`);
    }
    joined.set(name, name);
  }
  const known = definedNames(a);
  for (const [input, source] of joined) {
    if (!b.inputs.some((info) => info.name === input)) {
      const inputs = b.inputs.map((info) => info.name).join(', ');
      throw new InputError(`graph "${b.name}" has no input "${input}" to share or connect; inputs: ${inputs}`);
    }
    if (!known.has(source)) throw new InputError(`graph "${a.name}" has no value "${source}" to connect "${input}" to`);
  }
  const rename = (name: string): string => joined.get(name) ?? prefix + name;
  const addPrefix = (name: string): string => prefix + name;
  const renamed = renameValues(b, rename, { own: addPrefix, node: addPrefix });
  const sources = new Set(joined.values());
  const taken = allNames(a);
  for (const name of allNames(renamed)) {
    if (!sources.has(name) && taken.has(name)) {
      throw new InputError(
        `graphs "${a.name}" and "${b.name}" both have a value "${name}"; choose another prefix than "${prefix}"`,
      );
    }
  }
  const nodeNames = new Set(a.nodes.map((node) => node.name));
  nodeNames.delete('');
  const clash = renamed.nodes.find((node) => nodeNames.has(node.name));
  if (clash !== undefined) {
    throw new InputError(
      `graphs "${a.name}" and "${b.name}" both have a node "${clash.name}"; choose another prefix than "${prefix}"`,
    );
  }
  const annotations = [...(a.quantizationAnnotations ?? []), ...(renamed.quantizationAnnotations ?? [])];
  return {
    ...a,
    nodes: [...a.nodes, ...renamed.nodes],
    inputs: [...a.inputs, ...renamed.inputs.filter((info) => !sources.has(info.name))],
    outputs: [...a.outputs, ...renamed.outputs],
    initializers: new Map([...a.initializers, ...[...renamed.initializers].filter(([name]) => !sources.has(name))]),
    sparseInitializers: [
      ...a.sparseInitializers,
      ...renamed.sparseInitializers.filter(({ name }) => !sources.has(name)),
    ],
    valueInfo: [...a.valueInfo, ...renamed.valueInfo.filter((info) => !sources.has(info.name))],
    ...(annotations.length === 0 ? {} : { quantizationAnnotations: annotations }),
  };
}
