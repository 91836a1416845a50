/**
 * Prepares a graph for differentiation: infers shapes, sorts nodes, expands fused operators that depend on a target,
 * and finds the values that depend on a target.
 */
import { InputError, UnsupportedError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { nameNodes } from '../onnx/edit.ts';
import type { Graph, Node, OnnxModel, OnnxTensor, ValueInfo } from '../onnx/graph.ts';
import { usedNames } from '../onnx/names.ts';
import { inferShapes } from '../onnx/shapes.ts';
import type { DType } from '../tensor/dtype.ts';
import { describeTensor, elementCount } from '../tensor/tensor.ts';
import { sameDims } from './dims.ts';
import { createForwardNode, describeNode, opsetOf } from './forward-node.ts';
import { type BuilderState, createGradientBuilder, type GradientBuilder, signatureOf } from './gradient-builder.ts';
import type { BackwardRule, ExpandRule, GradientRule } from './rule.ts';
import { rules as allRules } from './rules/index.ts';

/** Before this version, Softmax flattens its input, and reductions, Squeeze and Split take axes as attributes. */
const OLDEST_OPSET = 13;

/**
 * `straight-through`: the gradient of the output is passed to input 0, as if the node were the identity. `stop`: no
 * gradient.
 */
export type GradientOverride = BackwardRule | 'straight-through' | 'stop';

/** Key of a node's metadata whose value `straight-through` or `stop` overrides the rule, as an entry of `overrides` does. */
export const GRADIENT_METADATA = 'shrinkrank.gradient';

export interface GradientRequest {
  readonly model: OnnxModel;
  /**
   * Concrete shapes by input; inputs whose shape is fixed in the file may be omitted. The returned model takes only
   * these shapes.
   */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  /** Name of a floating-point value of one element. */
  readonly loss: string;
  /** Floating-point initializers, inputs or intermediate values. */
  readonly targets: readonly string[];
  /** Further values of the forward graph to return as outputs. */
  readonly keep?: readonly string[];
  /** By node name. */
  readonly overrides?: Readonly<Record<string, GradientOverride>>;
  /** Rules for further operators; they take precedence over the built-in rules. */
  readonly rules?: readonly GradientRule[];
  /** Whether to use operators of com.microsoft where they are faster. Default true. */
  readonly contrib?: boolean;
}

const FLOATS: ReadonlySet<DType> = new Set(['float32', 'float64', 'float16', 'bfloat16']);

export interface Engine {
  readonly request: GradientRequest;
  readonly model: OnnxModel;
  readonly forward: readonly Node[];
  readonly forwardValues: ReadonlySet<string>;
  readonly active: Set<string>;
  readonly widened: Map<Node, Node>;
  readonly state: BuilderState;
  readonly b: GradientBuilder;
}

/** Infers shapes, expands fused operators and finds the values that depend on a target. */
export function prepare(request: GradientRequest, { onlyFloats = false } = {}): Engine {
  const model = { ...request.model, graph: nameNodes(request.model.graph) };
  const opset = opsetOf(model.opsets, '');
  if (opset < OLDEST_OPSET) {
    throw new UnsupportedError(
      `gradient: graph "${model.graph.name}" has opset ${opset}; gradients need ${OLDEST_OPSET} or later, export it again or convert it`,
    );
  }
  const unknown = Object.keys(request.overrides ?? {}).find(
    (name) => !model.graph.nodes.some((node) => node.name === name),
  );
  if (unknown !== undefined) {
    throw new InputError(`gradient: overrides: graph "${model.graph.name}" has no node "${unknown}"`);
  }
  const shapes = new Map(inferShapes(withoutWeights(model, request.targets), { inputs: request.inputs }));
  for (const name of [request.loss, ...request.targets, ...(request.keep ?? [])]) {
    if (!shapes.has(name)) throw new InputError(`gradient: graph "${model.graph.name}" has no value "${name}"`);
  }
  const isFloat = (name: string): boolean => FLOATS.has(present(shapes.get(name), 'shapes of name').dtype);
  const wrong = onlyFloats ? undefined : [request.loss, ...request.targets].find((name) => !isFloat(name));
  if (wrong !== undefined) {
    const shape = present(shapes.get(wrong), 'shapes of wrong');
    throw new InputError(`gradient: "${wrong}" is ${describeTensor(shape)}; only floating-point values have gradients`);
  }
  const state: BuilderState = {
    opset,
    opsets: model.opsets,
    contrib: request.contrib ?? true,
    shapes,
    producers: new Map(),
    nodeNames: new Set(model.graph.nodes.map((node) => node.name)),
    initializers: new Map<string, OnnxTensor>(),
    nodes: [],
    prefix: '',
    memo: new Map(),
    constants: new Map(),
  };
  const active = new Set(request.targets.filter(isFloat));
  const engine = { request, model, active, widened: new Map<Node, Node>(), state, b: createGradientBuilder(state) };
  for (const node of inOrder(model.graph)) addForward(engine, node, isFloat);
  const forwardValues = new Set(shapes.keys());
  return { ...engine, forward: state.nodes, forwardValues };
}

/**
 * The model with its weights as inputs, so that values computed from them are not folded: optimizers change them.
 * Constants of one element (epsilons, exponents, scales) remain constants unless they are targets.
 */
function withoutWeights(model: OnnxModel, targets: readonly string[]): OnnxModel {
  const { graph } = model;
  const wanted = new Set(targets);
  const given = new Set(graph.inputs.map((input) => input.name));
  const weights = [...graph.initializers].filter(
    ([name, { dtype, dims }]) => FLOATS.has(dtype) && (wanted.has(name) || elementCount(dims) !== 1),
  );
  const inputs = weights
    .filter(([name]) => !given.has(name))
    .map(([name, { dtype, dims }]): ValueInfo => ({ name, type: { kind: 'tensor', dtype, dims } }));
  const initializers = new Map(graph.initializers);
  for (const [name] of weights) initializers.delete(name);
  return { ...model, graph: { ...graph, initializers, inputs: [...graph.inputs, ...inputs] } };
}

type Preparing = Omit<Engine, 'forward' | 'forwardValues'>;

function addForward(engine: Preparing, node: Node, isFloat: (name: string) => boolean): void {
  const { state, active } = engine;
  const isActive = [...usedNames(node)].some((name) => active.has(name));
  const rule = isActive && overrideOf(engine, node) === undefined ? ruleOf(engine, node) : undefined;
  if (rule !== undefined && 'expand' in rule) {
    expandNode(engine, node, { rule, isFloat });
    return;
  }
  state.nodes.push(node);
  const key = signatureOf(node);
  if (key !== undefined && !state.memo.has(key)) state.memo.set(key, node.outputs);
  for (const output of node.outputs) if (output !== '') state.producers.set(output, node);
  if (!isActive || overrideOf(engine, node) === 'stop') return;
  for (const output of node.outputs) if (output !== '' && isFloat(output)) active.add(output);
}

/** Replaces a fused node by its expansion, recursively. */
function expandNode(
  engine: Preparing,
  node: Node,
  { rule, isFloat }: { readonly rule: ExpandRule; readonly isFloat: (name: string) => boolean },
): void {
  const { state, b } = engine;
  const kept = state.nodes;
  state.nodes = [];
  state.prefix = `${node.name}.`;
  const values = rule.expand(b, createForwardNode(node, { ...engine, ...state }));
  for (const [index, output] of node.outputs.entries()) {
    const value = values[index];
    if (output === '' || value === undefined) continue;
    if (value === '')
      throw new UnsupportedError(`gradient: ${describe(engine, node)}: output ${index} has no gradient rule`);
    const shape = present(state.shapes.get(output), 'state.shapes of output');
    if (!sameDims(b.dims(value), shape.dims)) {
      throw new Error(
        `gradient: ${describe(engine, node)} expands to [${b.dims(value).join()}], not [${shape.dims.join()}]`,
      );
    }
    state.nodes.push({
      op: 'Identity',
      domain: '',
      name: `${node.name}.${index}`,
      inputs: [value],
      outputs: [output],
      attributes: new Map(),
    });
  }
  const emitted = state.nodes;
  state.nodes = kept;
  state.prefix = '';
  for (const inner of emitted) {
    const signature = signatureOf(inner);
    if (signature !== undefined) state.memo.delete(signature);
    addForward(engine, inner, isFloat);
  }
}

const describe = (engine: Preparing, node: Node): string =>
  describeNode(node, opsetOf(engine.model.opsets, node.domain));

export function overrideOf({ request }: Preparing, node: Node): GradientOverride | undefined {
  const given = request.overrides?.[node.name];
  if (given !== undefined) return given;
  const marked = node.metadata?.get(GRADIENT_METADATA);
  if (marked === undefined || marked === 'straight-through' || marked === 'stop') return marked;
  throw new InputError(
    `gradient: node "${node.name}" (${node.op}): metadata ${GRADIENT_METADATA} is "${marked}", expected straight-through or stop`,
  );
}

const plainDomain = (domain: string): string => (domain === 'ai.onnx' ? '' : domain);

/** The newest rule whose version is at most the node's operator set version. */
export function ruleOf(engine: Preparing, node: Node): GradientRule | undefined {
  const opset = opsetOf(engine.model.opsets, node.domain);
  const fits = (rule: GradientRule): boolean =>
    rule.op === node.op && (rule.domain ?? '') === plainDomain(node.domain) && rule.since <= opset;
  const newest = (list: readonly GradientRule[]): GradientRule | undefined =>
    list
      .filter(fits)
      .reduce<GradientRule | undefined>((best, rule) => (best && best.since >= rule.since ? best : rule), undefined);
  return newest(engine.request.rules ?? []) ?? newest(allRules);
}

/** Nodes in topological order; files need not be sorted. */
function inOrder(graph: Graph): readonly Node[] {
  const made = new Set<string>(graph.nodes.flatMap((node) => node.outputs));
  const done = new Set<string>();
  const sorted: Node[] = [];
  let waiting: readonly Node[] = graph.nodes;
  while (waiting.length > 0) {
    const later: Node[] = [];
    for (const node of waiting) {
      if ([...usedNames(node)].some((name) => made.has(name) && !done.has(name))) {
        later.push(node);
        continue;
      }
      sorted.push(node);
      for (const output of node.outputs) done.add(output);
    }
    if (later.length === waiting.length) throw new InputError(`gradient: graph "${graph.name}" has a cycle`);
    waiting = later;
  }
  return sorted;
}
