/** Adds nodes to an existing graph: used by losses, adapters and optimizers. */
import { GRADIENT_METADATA } from '../../numerics/autodiff/gradient.ts';
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { createBuilderCore, freshName, requireDefined } from '../../numerics/onnx/builder-core.ts';
import type { createOperators, Integers, NodeExtras } from '../../numerics/onnx/builder-operators.ts';
import { redirectValue } from '../../numerics/onnx/edit.ts';
import type { Dim, Graph, Node, OnnxModel, OnnxTensor, ValueInfo } from '../../numerics/onnx/graph.ts';
import { allNames, usedNames } from '../../numerics/onnx/names.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import type { DType } from '../../numerics/tensor/dtype.ts';
import { type Tensor, tensorOf } from '../../numerics/tensor/tensor.ts';

const OLDEST_OPSET = 18;

export interface GraphWriter extends ReturnType<typeof createOperators> {
  node(op: string, inputs: readonly string[], extras?: NodeExtras): readonly string[];
  /** A float32 scalar; equal ones share one initializer. */
  scalar(value: number): string;
  initializer(name: string, tensor: Tensor): string;
  /** An int64 vector; equal ones share one initializer. */
  integers(values: Integers): string;
  /** An input of the graph; an existing one of that name is shared. */
  input(name: string, dtype: DType, dims: readonly Dim[]): string;
  /**
   * Inserts something between a value and its readers. `replace` gets the name of the original value and returns the
   * name of the one to read instead. The output of a node is renamed, so that its old name then denotes the
   * replacement; an initializer or input keeps its name. With `readers`, names of nodes, only these read the
   * replacement, and the value keeps its name.
   */
  wrap(value: string, replace: (inner: string) => string, readers?: ReadonlySet<string>): void;
  /** The value through a node that numerics/autodiff treats as the identity: gradients pass unchanged. */
  passThrough(value: string): string;
  /** The value as a constant for numerics/autodiff: no gradient passes. */
  stopGradient(value: string): string;
  /** Whether the graph has a value of this name. */
  has(value: string): boolean;
  /** An initializer of the current graph. Throws InputError when there is none. */
  tensor(name: string): OnnxTensor;
  /** The model with the new nodes, in topological order. */
  finish(changes?: {
    readonly outputs?: readonly ValueInfo[];
    readonly domains?: Readonly<Record<string, number>>;
  }): OnnxModel;
}

/** New names start with `prefix`. Throws InputError for a model below opset 18. */
export function extendModel(model: OnnxModel, prefix: string): GraphWriter {
  const opset = model.opsets.get('') ?? model.opsets.get('ai.onnx') ?? 1;
  if (opset < OLDEST_OPSET) {
    throw new InputError(
      `training: graph "${model.graph.name}" has opset ${opset}; training needs ${OLDEST_OPSET} or later`,
    );
  }
  let graph: Graph = model.graph;
  const values = allNames(graph);
  const nodeNames = new Set(graph.nodes.map((node) => node.name));
  const written: Node[] = [];
  const initializers = new Map(graph.initializers);
  const inputs = [...graph.inputs];
  const domains = new Set<string>();
  const counts = new Map<string, number>();

  const fresh = (stem: string): string =>
    freshName(`${prefix}${stem}`, { taken: (name) => values.has(name) || nodeNames.has(name), counts });
  function node(op: string, from: readonly string[], extras: NodeExtras = {}): readonly string[] {
    requireDefined(from, { where: `training: graph "${graph.name}"`, reader: `node ${op}`, defined: values });
    const name = fresh(extras.name ?? op);
    nodeNames.add(name);
    const outputs = extras.outputs?.map((output) => (output === '' ? '' : fresh(output))) ?? [name];
    for (const output of outputs) values.add(output);
    const { domain = '', attributes = {} } = extras;
    domains.add(domain);
    written.push(createNode({ op, domain, name, inputs: from, outputs, attributes }));
    return outputs;
  }
  function initializer(name: string, tensor: Tensor): string {
    if (values.has(name)) throw new InputError(`training: graph "${graph.name}" already has a value "${name}"`);
    values.add(name);
    initializers.set(name, tensor);
    return name;
  }
  const {
    constant,
    emit: _,
    ...core
  } = createBuilderCore({
    node,
    addConstant: (tensor, number) => initializer(fresh(`constant.${number}`), tensor),
  });

  function mark(value: string, kind: 'straight-through' | 'stop'): string {
    const index = written.findIndex(({ outputs }) => outputs.includes(value));
    const made = written[index];
    if (made === undefined) throw new InputError(`training: no node written here makes "${value}"`);
    written[index] = { ...made, metadata: new Map([...(made.metadata ?? []), [GRADIENT_METADATA, kind]]) };
    return value;
  }

  return {
    ...core,
    node,
    initializer,
    scalar: (value) =>
      constant(`float ${Object.is(value, -0) ? '-0' : value}`, tensorOf('float32', [], Float32Array.of(value))),
    input(name, dtype, dims) {
      const known = inputs.find((info) => info.name === name);
      if (known === undefined) {
        if (values.has(name))
          throw new InputError(`training: graph "${graph.name}" has a value "${name}", it cannot be an input too`);
        values.add(name);
        inputs.push({ name, type: { kind: 'tensor', dtype, dims } });
      } else if (known.type?.kind !== 'tensor' || known.type.dtype !== dtype) {
        throw new InputError(`training: input "${name}" of graph "${graph.name}" is not ${dtype}`);
      }
      return name;
    },
    wrap(value, replace, readers) {
      if (!values.has(value)) throw new InputError(`training: graph "${graph.name}" has no value "${value}"`);
      if (readers !== undefined) {
        const replacement = replace(value);
        const renamed = (input: string) => (input === value ? replacement : input);
        const nodes = graph.nodes.map((node) =>
          readers.has(node.name) ? { ...node, inputs: node.inputs.map(renamed) } : node,
        );
        graph = { ...graph, nodes };
        return;
      }
      const makes = (node: Node): boolean => node.outputs.includes(value);
      const moved = graph.nodes.some(makes) || written.some(makes);
      if (moved) {
        const inner = fresh(`${value}.inner`);
        values.add(inner);
        const move = (node: Node): Node =>
          makes(node) ? { ...node, outputs: node.outputs.map((output) => (output === value ? inner : output)) } : node;
        graph = {
          ...graph,
          nodes: graph.nodes.map(move),
          valueInfo: graph.valueInfo.filter(({ name }) => name !== value),
        };
        for (const [index, node] of written.entries()) written[index] = move(node);
        const made = createNode({
          op: 'Identity',
          name: fresh(`${value}.outer`),
          inputs: [replace(inner)],
          outputs: [value],
        });
        nodeNames.add(made.name);
        written.push(made);
        return;
      }
      const before = written.length;
      const replacement = replace(value);
      graph = redirectValue(graph, value, replacement);
      for (const [index, node] of written.slice(0, before).entries()) {
        const inputs = node.inputs.map((input) => (input === value ? replacement : input));
        written[index] = { ...node, inputs };
      }
    },
    passThrough: (value) => mark(value, 'straight-through'),
    stopGradient: (value) => mark(core.identity(value), 'stop'),
    has: (value) => values.has(value),
    tensor(name) {
      const found = initializers.get(name);
      if (found === undefined) throw new InputError(`training: graph "${graph.name}" has no initializer "${name}"`);
      return found;
    },
    finish({ outputs = graph.outputs, domains: versions = {} } = {}) {
      const nodes = sortNodes([...graph.nodes, ...written]);
      const opsets = new Map(model.opsets);
      for (const domain of domains) if (!opsets.has(domain)) opsets.set(domain, versions[domain] ?? 1);
      return { ...model, opsets, graph: { ...graph, nodes, inputs, outputs, initializers } };
    },
  };
}

/** The nodes in topological order; otherwise in their old order. */
export function sortNodes(nodes: readonly Node[]): readonly Node[] {
  const makers = new Map<string, number>();
  for (const [index, node] of nodes.entries()) for (const output of node.outputs) makers.set(output, index);
  const sorted: Node[] = [];
  const state = new Uint8Array(nodes.length); // 0 untouched, 1 waiting, 2 placed
  for (let start = 0; start < nodes.length; start++) {
    const stack = [start];
    while (stack.length > 0) {
      const index = present(stack.at(-1), 'top of the stack');
      const node = present(nodes[index], `node ${index}`);
      const needs =
        state[index] === 0
          ? [...usedNames(node)].map((name) => makers.get(name)).filter((at) => at !== undefined && state[at] !== 2)
          : [];
      if (needs.some((at) => state[at as number] === 1)) {
        throw new InputError(`training: node "${node.name}" (${node.op}) depends on its own output`);
      }
      if (state[index] === 0 && needs.length > 0) {
        state[index] = 1;
        stack.push(...(needs as number[]).reverse());
        continue;
      }
      if (state[index] !== 2) {
        state[index] = 2;
        sorted.push(node);
      }
      stack.pop();
    }
  }
  return sorted;
}
