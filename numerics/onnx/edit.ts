/** Edits of immutable graphs. Each returns a new graph that shares all unchanged parts, and checks its arguments. */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Tensor } from '../tensor/tensor.ts';
import type { Graph, Node, OnnxFunction, OnnxModel, ValueInfo } from './graph.ts';
import { consumers, definedNames, renameInNode } from './names.ts';

export { extractSubgraph, mergeGraphs } from './combine.ts';
export { removeDeadCode } from './dead-code.ts';

const NAMES_SHOWN = 12;

function listed(names: Iterable<string>): string {
  const all = [...names];
  const shown = all.slice(0, NAMES_SHOWN).join(', ') || '(none)';
  return all.length > NAMES_SHOWN ? `${shown}, … (${all.length} in all)` : shown;
}

function indexOfNode(graph: Graph, name: string): number {
  const index = graph.nodes.findIndex((node) => node.name === name);
  if (index < 0 || name === '') {
    const known = listed(graph.nodes.map((node) => node.name).filter((known) => known !== ''));
    throw new InputError(`graph "${graph.name}" has no node "${name}"; nodes: ${known}`);
  }
  if (graph.nodes.findIndex((node, other) => other > index && node.name === name) >= 0) {
    throw new InputError(
      `graph "${graph.name}" has several nodes "${name}"; give them unique names with nameNodes first`,
    );
  }
  return index;
}

/** The node with this name. Throws InputError when there is none or more than one. */
export function findNode(graph: Graph, name: string): Node {
  return present(graph.nodes[indexOfNode(graph, name)], 'graph.nodes[indexOfNode(graph,name)]');
}

/** The graph with a unique name for every node that had none or shared one; value names do not change. */
export function nameNodes(graph: Graph): Graph {
  const taken = new Set(graph.nodes.map((node) => node.name));
  const seen = new Set<string>();
  const nodes = graph.nodes.map((node) => {
    if (node.name !== '' && !seen.has(node.name)) {
      seen.add(node.name);
      return node;
    }
    const stem = node.name === '' ? node.op : node.name;
    let number = 0;
    while (taken.has(`${stem}_${number}`)) number++;
    const name = `${stem}_${number}`;
    taken.add(name);
    seen.add(name);
    return { ...node, name };
  });
  return nodes.every((node, index) => node === graph.nodes[index]) ? graph : { ...graph, nodes };
}

function sameShape(info: ValueInfo, tensor: Tensor): boolean {
  if (info.type?.kind !== 'tensor' || info.type.dtype !== tensor.dtype) return false;
  const { dims } = info.type;
  return (
    dims === undefined ||
    (dims.length === tensor.dims.length &&
      dims.every((dim, axis) => typeof dim !== 'number' || dim === tensor.dims[axis]))
  );
}

/** Replaces the tensor of an initializer; element type and shape may change. */
export function replaceInitializer(graph: Graph, name: string, tensor: Tensor): Graph {
  if (!graph.initializers.has(name)) {
    throw new InputError(
      `graph "${graph.name}" has no initializer "${name}"; initializers: ${listed(graph.initializers.keys())}`,
    );
  }
  const input = graph.inputs.find((info) => info.name === name);
  if (input !== undefined && !sameShape(input, tensor)) {
    throw new InputError(
      `graph "${graph.name}": initializer "${name}" is the default of a graph input; a tensor of another type does not fit it`,
    );
  }
  const valueInfo = graph.valueInfo.filter((info) => info.name !== name || sameShape(info, tensor));
  return { ...graph, initializers: new Map(graph.initializers).set(name, tensor), valueInfo };
}

/** Adds initializers. Throws InputError when a name is taken. */
export function addInitializers(graph: Graph, tensors: Readonly<Record<string, Tensor>>): Graph {
  const taken = definedNames(graph);
  const initializers = new Map(graph.initializers);
  for (const [name, tensor] of Object.entries(tensors)) {
    if (name === '' || taken.has(name)) {
      throw new InputError(`graph "${graph.name}": cannot add initializer "${name}", the name is taken or empty`);
    }
    initializers.set(name, tensor);
  }
  return { ...graph, initializers };
}

function splice(graph: Graph, index: number, removed: number, nodes: readonly Node[]): Graph {
  const result = { ...graph, nodes: graph.nodes.toSpliced(index, removed, ...nodes) };
  const before = graph.nodes.slice(index, index + removed);
  const names = new Set<string>();
  const made = new Set<string>();
  for (const node of graph.nodes) {
    if (before.includes(node)) continue;
    if (node.name !== '') names.add(node.name);
    for (const output of node.outputs) made.add(output);
  }
  for (const info of graph.inputs) made.add(info.name);
  for (const name of graph.initializers.keys()) made.add(name);
  made.delete('');
  for (const node of nodes) {
    if (node.name !== '' && names.has(node.name)) {
      throw new InputError(
        `graph "${graph.name}": already has a node "${node.name}"; choose another name for the new one`,
      );
    }
    names.add(node.name);
    for (const output of node.outputs) {
      if (output === '') continue;
      if (made.has(output)) {
        throw new InputError(
          `graph "${graph.name}": node "${node.name}" (${node.op}) makes "${output}", which exists already`,
        );
      }
      made.add(output);
    }
  }
  const lost = before.flatMap((node) => node.outputs).filter((name) => name !== '' && !made.has(name));
  if (lost.length > 0) {
    const readers = consumers(result);
    for (const name of lost) {
      const reader = readers.get(name)?.[0]?.name;
      if (reader !== undefined || graph.outputs.some((output) => output.name === name)) {
        const user = reader === undefined ? 'is an output of the graph' : `is read by node "${reader}"`;
        throw new InputError(`graph "${graph.name}": "${name}" would be made by no node any more but ${user}`);
      }
    }
    const gone = new Set(lost);
    return { ...result, valueInfo: graph.valueInfo.filter((info) => !gone.has(info.name)) };
  }
  return result;
}

/** Replaces one node by several; together they must produce every output of it that is still read. */
export function replaceNode(graph: Graph, nodeName: string, replacement: readonly Node[]): Graph {
  return splice(graph, indexOfNode(graph, nodeName), 1, replacement);
}

/** Inserts nodes right before or right after a node. */
export function insertNodes(
  graph: Graph,
  nodes: readonly Node[],
  place: { readonly before: string } | { readonly after: string },
): Graph {
  const index = 'before' in place ? indexOfNode(graph, place.before) : indexOfNode(graph, place.after) + 1;
  return splice(graph, index, 0, nodes);
}

/** Every reader of `from` reads `to` instead. Graph outputs keep their names. */
export function redirectValue(graph: Graph, from: string, to: string): Graph {
  const rename = (name: string): string => (name === from ? to : name);
  const nodes = graph.nodes.map((node) => {
    const renamed = renameInNode(node, rename);
    return renamed === node ? node : { ...renamed, outputs: node.outputs };
  });
  return { ...graph, nodes };
}

export interface ModelChanges {
  /** Operator sets that the new nodes need; a conflict with a version the model imports is an InputError. */
  readonly opsets?: Readonly<Record<string, number>>;
  /** Replaces the model's functions. */
  readonly functions?: readonly OnnxFunction[];
}

/** The model with another graph. */
export function withGraph(model: OnnxModel, graph: Graph, { opsets = {}, functions }: ModelChanges = {}): OnnxModel {
  const merged = new Map(model.opsets);
  for (const [domain, version] of Object.entries(opsets)) {
    const present = merged.get(domain);
    if (present !== undefined && present !== version) {
      throw new InputError(
        `model "${model.graph.name}" imports operator set "${domain}" ${present}, cannot import ${version} too`,
      );
    }
    merged.set(domain, version);
  }
  return { ...model, graph, opsets: merged, functions: functions ?? model.functions };
}
