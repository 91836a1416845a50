/**
 * Reverse mode from ONNX graph to ONNX graph (Griewank & Walther, Evaluating Derivatives, 2008, chapter 3): appends
 * nodes that compute the gradients of a scalar value to the forward graph. Does not run the graph. Shapes are made
 * concrete first.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { removeDeadCode } from '../onnx/dead-code.ts';
import type { Graph, Node, OnnxModel, ValueInfo } from '../onnx/graph.ts';
import type { ConcreteShape } from '../onnx/shapes.ts';
import { elementCount } from '../tensor/tensor.ts';
import { sumTo } from './broadcast.ts';
import { broadcastsTo, sameDims } from './dims.ts';
import { type Engine, type GradientRequest, overrideOf, prepare, ruleOf } from './forward-graph.ts';
import { createForwardNode, describeNode, opsetOf } from './forward-node.ts';
import type { BackwardRule } from './rule.ts';
import { addUp } from './sum-contributions.ts';

export { GRADIENT_METADATA, type GradientOverride, type GradientRequest } from './forward-graph.ts';

export interface GradientGraph {
  /** Outputs: loss, the values to keep and the gradients, each once. */
  readonly model: OnnxModel;
  /**
   * Name of the value that holds a target's gradient, with the target's shape and element type; two targets may share
   * one.
   */
  readonly gradients: ReadonlyMap<string, string>;
  /** Shapes of all values of the model. */
  readonly shapes: ReadonlyMap<string, ConcreteShape>;
}

/**
 * Appends to a graph the nodes that compute d loss / d target. Throws InputError for unknown names and for targets that
 * the loss does not depend on, UnsupportedError for an operator without a rule between a target and the loss.
 */
export function gradientGraph(request: GradientRequest): GradientGraph {
  const { loss, targets, keep = [] } = request;
  const engine = prepare(request);
  const contributions = walkBack(engine, loss);

  const gradients = new Map<string, string>();
  const unreached = targets.filter((target) => !contributions.has(target));
  if (unreached.length > 0) {
    throw new InputError(
      `gradient: "${loss}" does not depend on ${unreached.map((name) => `"${name}"`).join(', ')} through operators ` +
        'that have a gradient; leave them out (reachedBy tells which values it depends on)',
    );
  }
  const { b, state } = engine;
  state.prefix = '';
  for (const target of targets) {
    const total = b.expandTo(addUp(b, contributions.get(target) ?? []), b.dims(target));
    const made = engine.state.producers.has(total) && !engine.forwardValues.has(total);
    gradients.set(target, made ? total : b.identity(total, { name: `${target}.gradient` }));
  }
  return finish(engine, { gradients, outputs: [loss, ...keep, ...gradients.values()] });
}

/**
 * The floating-point initializers and inputs, except scalars, on which the loss depends through operators that have a
 * gradient.
 * Throws the errors of gradientGraph with all of them as targets.
 */
export function reachedBy(request: Omit<GradientRequest, 'targets' | 'keep'>): readonly string[] {
  const { graph } = request.model;
  const candidates = [
    ...[...graph.initializers].filter(([, { dims }]) => dims.length > 0).map(([name]) => name),
    ...graph.inputs.map((info) => info.name),
  ];
  const engine = prepare({ ...request, targets: candidates }, { onlyFloats: true });
  const contributions = walkBack(engine, request.loss);
  return [...new Set(candidates)].filter((name) => engine.active.has(name) && contributions.has(name));
}

/** Gradients by value, not yet summed. */
type Contributions = ReadonlyMap<string, readonly string[]>;

function walkBack(engine: Engine, loss: string): Contributions {
  const { b, state, active, forward } = engine;
  if (elementCount(b.dims(loss)) !== 1) {
    throw new InputError(
      `gradient: the loss "${loss}" has shape [${b.dims(loss).join(', ')}]; reduce it to one element`,
    );
  }
  state.nodes = [];
  const contributions = new Map<string, string[]>();
  if (active.has(loss)) contributions.set(loss, [b.reshapeTo(b.scalarLike(loss, 1), b.dims(loss))]);
  for (const node of forward.toReversed()) {
    if (!node.outputs.some((output) => contributions.has(output))) continue;
    const inputGradients = gradientsOf(engine, node, contributions);
    for (const [index, gradient] of inputGradients.entries()) {
      const input = node.inputs[index] ?? '';
      if (gradient === null || gradient === undefined || !active.has(input)) continue;
      const list = contributions.get(input);
      if (list === undefined) contributions.set(input, [gradient]);
      else list.push(gradient);
    }
  }
  return contributions;
}

function gradientsOf(
  engine: Engine,
  node: Node,
  contributions: Map<string, string[]>,
): readonly (string | null | undefined)[] {
  const { b, state } = engine;
  const view = createForwardNode(node, { ...engine, shapes: state.shapes, opsets: engine.model.opsets });
  const override = overrideOf(engine, node);
  if (override === 'stop') return [];
  const rule =
    override === undefined ? ruleOf(engine, node) : override === 'straight-through' ? straightThrough : override;
  if (rule === undefined || 'expand' in rule) {
    return view.unsupported(
      `no gradient rule; add one to numerics/autodiff/rules or give it in "rules" or "overrides"`,
    );
  }
  state.prefix = `${node.name}.gradient.`;
  const stray = rule.severalOutputs
    ? undefined
    : node.outputs.find((output, index) => index > 0 && contributions.has(output));
  if (stray !== undefined) return view.unsupported(`no gradient is known through its output "${stray}"`);
  const dys = node.outputs.map((output) => {
    const list = contributions.get(output);
    if (output === '' || (list === undefined && !rule.severalOutputs)) return '';
    if (list === undefined) return b.zeros(b.dims(output), b.dtype(output));
    const sum = addUp(b, list);
    contributions.set(output, [sum]);
    return rule.elementwise ? sum : b.expandTo(sum, b.dims(output));
  });
  const gradients = rule.backward(b, view, present(dys[0], 'dys[0]'), dys);
  return gradients.map((gradient, index) => checked(engine, { view, rule, index, gradient }));
}

const straightThrough: BackwardRule = {
  op: '',
  since: 1,
  elementwise: true,
  backward: (_, node, dy) => {
    const [input, output] = [node.dims(0), node.outputDims()];
    if (sameDims(input, output)) return [dy];
    return node.unsupported(
      `straight-through from [${output.join(', ')}] to [${input.join(', ')}]; the shapes must agree`,
    );
  },
};

interface Returned {
  readonly view: ReturnType<typeof createForwardNode>;
  readonly rule: BackwardRule;
  readonly index: number;
  readonly gradient: string | null | undefined;
}

/** Brings a rule's result for an input to the input's shape; where that is impossible, the rule has a defect. */
function checked({ b, model }: Engine, { view, rule, index, gradient }: Returned): string | null {
  if (gradient === null || gradient === undefined || !view.wants(index)) return null;
  const { node } = view;
  const where = `gradient: ${describeNode(node, opsetOf(model.opsets, node.domain))}: gradient of input ${index}`;
  if (index >= node.inputs.length) throw new Error(`${where}: the node has ${node.inputs.length} inputs`);
  const input = view.dims(index);
  if (b.dtype(gradient) !== view.dtype(index)) {
    throw new Error(`${where} is ${b.dtype(gradient)}, the input ${view.dtype(index)}`);
  }
  const sum = sumTo(b, gradient, { input, output: rule.elementwise ? view.outputDims() : b.dims(gradient) });
  if (!broadcastsTo(b.dims(sum), input)) {
    throw new Error(`${where} has shape [${b.dims(gradient).join(', ')}], the input [${input.join(', ')}]`);
  }
  return sum;
}

function finish(
  { model, forward, widened, state }: Engine,
  { gradients, outputs }: { readonly gradients: ReadonlyMap<string, string>; readonly outputs: readonly string[] },
): GradientGraph {
  const { shapes } = state;
  const info = (name: string): ValueInfo => {
    const { dtype, dims } = present(shapes.get(name), 'shapes of name');
    return { name, type: { kind: 'tensor', dtype, dims } };
  };
  const nodes = [...forward.map((node) => widened.get(node) ?? node), ...state.nodes];
  const graph: Graph = {
    ...model.graph,
    nodes,
    inputs: model.graph.inputs.map((input) => ({ ...input, ...info(input.name) })),
    outputs: [...new Set(outputs)].map(info),
    initializers: new Map([...model.graph.initializers, ...state.initializers]),
    valueInfo: [],
  };
  const needsContrib = nodes.some((node) => node.domain === 'com.microsoft') && !model.opsets.has('com.microsoft');
  const opsets = needsContrib ? new Map([...model.opsets, ['com.microsoft', 1] as const]) : model.opsets;
  const live = removeDeadCode(graph);
  return { model: { ...model, opsets, graph: live }, gradients, shapes };
}
