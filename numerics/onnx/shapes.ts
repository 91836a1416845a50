/**
 * Concrete shapes of every value of a graph, from the shapes of its inputs. Folds shape arithmetic (Shape, Gather,
 * Concat into Reshape, and so on) and follows functions and branches. Nothing is guessed: an operator without a rule in
 * shape-rules/, or a shape that depends on data, is an UnsupportedError.
 */
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { graphAttribute, mapSubgraphs } from './attributes.ts';
import type { Attribute, Graph, Node, OnnxFunction, OnnxModel, ValueInfo } from './graph.ts';
import { valueOfTensor } from './shape-rules/constants.ts';
import { createContext, describeNode, type ShapedValue } from './shape-rules/rule.ts';
import { SHAPE_RULES } from './shape-rules/table.ts';

/** With `values` where the elements are few and known before run time, as in shapes. */
export type ConcreteShape = ShapedValue;

export interface ShapeRequest {
  /** By input; inputs whose shape is fixed in the file may be omitted. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
}

/** Maximum depth of function calls; the standard forbids recursion. */
const MAX_CALL_DEPTH = 32;

interface Scope {
  readonly values: Map<string, ShapedValue>;
  readonly opsets: ReadonlyMap<string, number>;
  readonly functions: readonly OnnxFunction[];
  readonly depth: number;
}

/** 'ai.onnx' is another name of the standard domain. */
const plainDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/**
 * Shapes by value name: inputs, initializers and outputs of nodes of the main graph.
 * Throws InputError for inputs that do not match, UnsupportedError where a shape cannot be determined.
 */
export function inferShapes(model: OnnxModel, { inputs }: ShapeRequest): ReadonlyMap<string, ConcreteShape> {
  const values = new Map<string, ShapedValue>();
  bindInitializers(model.graph, values);
  bindInputs(model.graph, inputs, values);
  inferNodes(model.graph.nodes, { values, opsets: model.opsets, functions: model.functions, depth: 0 });
  return values;
}

/** Outputs of one node whose inputs' shapes are known. Throws the errors of inferShapes. */
export function inferNodeOutputs(
  node: Node,
  { values, opsets }: { values: ReadonlyMap<string, ConcreteShape>; opsets: ReadonlyMap<string, number> },
): readonly (ConcreteShape | undefined)[] {
  return outputsOf(node, { values: values as Map<string, ShapedValue>, opsets, functions: [], depth: 0 });
}

/** A tensor with its shape, and its elements where they are few. */
export { valueOfTensor };

function bindInitializers(graph: Graph, values: Map<string, ShapedValue>): void {
  for (const [name, tensor] of graph.initializers) values.set(name, valueOfTensor(tensor));
  for (const sparse of graph.sparseInitializers)
    values.set(sparse.name, { dtype: sparse.values.dtype, dims: sparse.dims });
}

function bindInputs(graph: Graph, given: ShapeRequest['inputs'], values: Map<string, ShapedValue>): void {
  const symbols = new Map<string, number>();
  const unknown = Object.keys(given).find((name) => !graph.inputs.some((info) => info.name === name));
  if (unknown !== undefined) {
    const known = graph.inputs.map((info) => info.name).join(', ');
    throw new InputError(`inferShapes: graph "${graph.name}" has no input "${unknown}"; inputs: ${known}`);
  }
  for (const info of graph.inputs) {
    const dims = given[info.name];
    if (dims === undefined && values.has(info.name)) continue;
    values.set(info.name, inputValue(graph, info, { dims, symbols }));
  }
}

function inputValue(
  graph: Graph,
  info: ValueInfo,
  { dims, symbols }: { dims: readonly number[] | undefined; symbols: Map<string, number> },
): ShapedValue {
  const where = `inferShapes: graph "${graph.name}": input "${info.name}"`;
  const { type } = info;
  if (type?.kind !== 'tensor' || type.dtype === undefined) {
    throw new UnsupportedError(
      `${where} is ${type?.kind ?? 'untyped'}, only tensors of a stated element type have a shape`,
    );
  }
  const stated = type.dims;
  if (dims === undefined) {
    if (stated === undefined || !stated.every((dim) => typeof dim === 'number' && dim >= 0)) {
      const shape = stated?.map((dim) => dim ?? '?').join(', ') ?? 'unknown';
      throw new InputError(`${where} has shape [${shape}]; give its dimensions in inputs`);
    }
    return { dtype: type.dtype, dims: stated as readonly number[] };
  }
  const wrong = dims.find((dim) => !Number.isSafeInteger(dim) || dim < 0);
  if (wrong !== undefined) throw new InputError(`${where}: ${wrong} is not a valid dimension`);
  const fits =
    stated === undefined ||
    (stated.length === dims.length &&
      stated.every((dim, axis) => {
        if (typeof dim === 'number') return dim < 0 || dim === dims[axis];
        if (dim === undefined || dim === '') return true;
        const bound = symbols.get(dim);
        symbols.set(dim, bound ?? present(dims[axis], 'dims[axis]'));
        return bound === undefined || bound === dims[axis];
      }));
  if (!fits) {
    const shape = stated.map((dim) =>
      typeof dim === 'string' && symbols.has(dim) ? `${dim} = ${symbols.get(dim)}` : (dim ?? '?'),
    );
    throw new InputError(`${where}: expected [${shape.join(', ')}], got [${dims.join(', ')}]`);
  }
  return { dtype: type.dtype, dims };
}

/** Visits nodes in order; a node that reads a later value (some files are not sorted) is deferred. */
function inferNodes(nodes: readonly Node[], scope: Scope): void {
  const made = new Set(nodes.flatMap((node) => node.outputs));
  let waiting: readonly Node[] = nodes;
  while (waiting.length > 0) {
    const later: Node[] = [];
    for (const node of waiting) {
      const missing = node.inputs.find((input) => input !== '' && !scope.values.has(input));
      if (missing === undefined) inferNode(node, scope);
      else if (made.has(missing)) later.push(node);
      else
        throw new InputError(`inferShapes: node "${node.name}" (${node.op}) reads "${missing}", which nothing makes`);
    }
    if (later.length === waiting.length) {
      throw new InputError(
        `inferShapes: nodes ${later.map((node) => `"${node.name}"`).join(', ')} depend on each other`,
      );
    }
    waiting = later;
  }
}

function inferNode(node: Node, scope: Scope): void {
  const outputs = outputsOf(node, scope);
  for (const [index, name] of node.outputs.entries()) {
    if (name === '') continue;
    const value = outputs[index];
    if (value === undefined) {
      throw new InputError(
        `inferShapes: node "${node.name}" (${node.op}) has no output ${index}, which the graph names "${name}"`,
      );
    }
    scope.values.set(name, value);
  }
}

function outputsOf(node: Node, scope: Scope): readonly (ShapedValue | undefined)[] {
  const domain = plainDomain(node.domain);
  const definition = scope.functions.find(
    (item) =>
      plainDomain(item.domain) === domain && item.name === node.op && (item.overload ?? '') === (node.overload ?? ''),
  );
  if (definition !== undefined) return callFunction(definition, node, scope);
  if (domain === '' && node.op === 'If') return chooseBranch(node, scope);
  const opset =
    scope.opsets.get(domain) ??
    scope.opsets.get(node.domain) ??
    (domain === '' ? (scope.opsets.get('ai.onnx') ?? 1) : 1);
  const rule = SHAPE_RULES.get(domain === '' ? node.op : `${domain}:${node.op}`);
  if (rule === undefined) {
    throw new UnsupportedError(
      `inferShapes: ${describeNode(node, opset)} has no shape rule; add one to numerics/onnx/shape-rules`,
    );
  }
  const inputs = node.inputs.map((name) => (name === '' ? undefined : scope.values.get(name)));
  return rule(createContext(node, opset, inputs));
}

function inferBranch(graph: Graph, scope: Scope): readonly ShapedValue[] {
  const values = new Map(scope.values);
  bindInitializers(graph, values);
  inferNodes(graph.nodes, { ...scope, values });
  return graph.outputs.map((output) => {
    const value = values.get(output.name);
    if (value === undefined)
      throw new InputError(`inferShapes: graph "${graph.name}": no node computes output "${output.name}"`);
    return value;
  });
}

/** Follows the branch that a known condition selects; for an unknown condition both must agree. */
function chooseBranch(node: Node, scope: Scope): readonly (ShapedValue | undefined)[] {
  const condition = scope.values.get(node.inputs[0] ?? '')?.values?.[0];
  if (condition !== undefined)
    return inferBranch(graphAttribute(node, condition === 0 ? 'else_branch' : 'then_branch'), scope);
  const [then, otherwise] = [
    inferBranch(graphAttribute(node, 'then_branch'), scope),
    inferBranch(graphAttribute(node, 'else_branch'), scope),
  ];
  return then.map((value, index) => {
    const other = otherwise[index];
    if (other === undefined || other.dtype !== value.dtype || other.dims.join() !== value.dims.join()) {
      throw new UnsupportedError(
        `inferShapes: node "${node.name}" (If): output ${index} is [${value.dims.join(', ')}] in one branch, ` +
          `[${other?.dims.join(', ')}] in the other, and its condition is known only at run time`,
      );
    }
    return { dtype: value.dtype, dims: value.dims };
  });
}

/** A function's body with the caller's attributes in place of the references. */
function callFunction(definition: OnnxFunction, call: Node, scope: Scope): readonly (ShapedValue | undefined)[] {
  if (scope.depth >= MAX_CALL_DEPTH) {
    throw new InputError(`inferShapes: function "${definition.name}" is called more than ${MAX_CALL_DEPTH} deep`);
  }
  const values = new Map<string, ShapedValue>();
  const leftOut = new Set<string>();
  for (const [index, name] of definition.inputs.entries()) {
    const value = scope.values.get(call.inputs[index] ?? '');
    if (value === undefined) leftOut.add(name);
    else values.set(name, value);
  }
  const attributes = new Map([...definition.attributeDefaults, ...call.attributes]);
  const nodes = bindNodes(definition.nodes, { attributes, leftOut });
  inferNodes(nodes, { values, opsets: definition.opsets, functions: scope.functions, depth: scope.depth + 1 });
  return definition.outputs.map((name) => values.get(name));
}

interface Call {
  readonly attributes: ReadonlyMap<string, Attribute>;
  /** Inputs of the function that the caller omits. */
  readonly leftOut: ReadonlySet<string>;
}

function bindNodes(nodes: readonly Node[], call: Call): readonly Node[] {
  return nodes.map((node) => {
    const bound = new Map<string, Attribute>();
    for (const [name, attribute] of node.attributes) {
      const value = attribute.type === 'reference' ? call.attributes.get(attribute.value) : attribute;
      if (value !== undefined) bound.set(name, value);
    }
    return {
      ...node,
      inputs: node.inputs.map((input) => (call.leftOut.has(input) ? '' : input)),
      attributes: mapSubgraphs(bound, (graph) => ({ ...graph, nodes: bindNodes(graph.nodes, call) })),
    };
  });
}
