/**
 * A whole training step as one ONNX graph: forward, loss, gradients, clipping, optimizer. Several steps run in one call: they
 * are turns of a Loop whose carried values are parameters and moments. onnxruntime hands those from turn to turn without
 * copying, while every output that crosses into JavaScript is copied, so the copy is paid once for many steps.
 */
import { gradientGraph } from '../autodiff/gradient.ts';
import { graph as graphAttribute } from '../onnx/attributes.ts';
import { createGraphBuilder } from '../onnx/builder.ts';
import { removeDeadCode } from '../onnx/edit.ts';
import type { Graph, OnnxModel, ValueInfo } from '../onnx/graph.ts';
import { createNode } from '../onnx/node.ts';
import type { DType } from '../tensor/dtype.ts';
import { tensorOf } from '../tensor/tensor.ts';
import { extendModel, type GraphWriter, sortNodes } from './graph-writer.ts';
import { addLoss, type Feed } from './loss-graph.ts';
import type { Loss } from './loss.ts';
import type { Optimizer } from './optimizer.ts';
import { foldIdentities } from './prepare-graph.ts';
import type { Slot, SlotLayout } from './slots.ts';

export interface StepGraphRequest {
  readonly model: OnnxModel;
  /** Concrete shapes of the model's inputs and of those that loss and adapters make. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly layout: SlotLayout;
  /** Batches whose mean gradient makes one step. */
  readonly accumulation: number;
  /** Largest global norm of the gradient; Infinity for no clipping. */
  readonly clipNorm: number;
}

export interface StepGraph {
  /**
   * Inputs: `steps` int64 [], the state, the scalars [steps], the feeds [steps · accumulation, ...]. Outputs: the state under
   * `…/next`, loss, gradient norm and metrics [steps].
   */
  readonly model: OnnxModel;
  /** Forward, loss and gradients of one batch, with parameters as inputs: to look inside when a step goes wrong. */
  readonly gradients: OnnxModel;
  readonly layout: SlotLayout;
  readonly stateNames: readonly string[];
  readonly scalarNames: readonly string[];
  /** Of one batch. */
  readonly feeds: readonly Feed[];
  readonly metrics: readonly string[];
}

export const stateName = (slot: Slot, kind: string): string => `state/${kind}/${slot.id}`;
export const scalarName = (group: number, scalar: string): string => `scalar/${scalar}/${group}`;
export const nextName = (state: string): string => `${state}/next`;
export const LOSS = 'loss';
export const GRADIENT_NORM = 'gradient_norm';
const NORM_FLOOR = 1e-6;

function tensorInfo(name: string, dtype: DType, dims: readonly (number | string)[]): ValueInfo {
  return { name, type: { kind: 'tensor', dtype, dims } };
}

/** Throws InputError for a loss that is no scalar or that no parameter reaches, UnsupportedError for an operator without gradient. */
export function buildStepGraph(request: StepGraphRequest): StepGraph {
  const { layout, optimizer, accumulation } = request;
  const { gradients, feeds, metrics, gradientOf } = lossAndGradients(request);
  const outputs = [LOSS, ...metrics];
  const batchGraph = withSlots(gradients, layout, gradientOf);
  const stateNames = layout.slots.flatMap((slot) =>
    ['parameter', ...optimizer.moments].map((kind) => stateName(slot, kind)),
  );
  const scalarNames = layout.learningRateScales.flatMap((_, group) =>
    optimizer.scalars.map((name) => scalarName(group, name)),
  );

  const inner = accumulation === 1 ? batchGraph : accumulated(batchGraph, { request, feeds, outputs });
  const step = withUpdate(inner, request);
  const names = { stateNames, scalarNames, feeds, outputs: [...outputs, GRADIENT_NORM] };
  const model = looped(step, { ...names, request });
  return { model, gradients, layout, stateNames, scalarNames, feeds, metrics };
}

/** The model with its loss and the gradients of all parameters as outputs. */
function lossAndGradients({ model, inputs, loss, layout }: StepGraphRequest) {
  const graph = addLoss(model, { inputs, loss });
  const { feeds, metrics } = graph;
  const dims = Object.fromEntries(feeds.map((feed) => [feed.name, feed.dims]));
  const targets = layout.slots.flatMap((slot) => slot.members.map(({ name }) => name));
  const result = gradientGraph({
    model: graph.model,
    inputs: dims,
    loss: graph.loss,
    targets,
    keep: [...metrics.values()],
  });
  const renamed = renameOutputs(
    result.model,
    new Map([[graph.loss, LOSS], ...[...metrics].map(([name, value]) => [value, name] as const)]),
  );
  const gradients = parametersAsInputs(renamed, layout);
  return { gradients, feeds, metrics: [...metrics.keys()], gradientOf: result.gradients };
}

/** Scalars under the names they are given out by. */
function renameOutputs(model: OnnxModel, names: ReadonlyMap<string, string>): OnnxModel {
  const { graph } = model;
  const made = [...names].map(([from, to]) =>
    createNode({ op: 'Identity', name: `${to}/output`, inputs: [from], outputs: [to] }),
  );
  const outputs = graph.outputs.map((info) =>
    names.has(info.name) ? tensorInfo(names.get(info.name) as string, 'float32', []) : info,
  );
  return { ...model, graph: { ...graph, nodes: [...graph.nodes, ...made], outputs } };
}

function parametersAsInputs(model: OnnxModel, layout: SlotLayout): OnnxModel {
  const { graph } = model;
  const members = layout.slots.flatMap((slot) => slot.members);
  const names = new Set(members.map(({ name }) => name));
  const inputs = [
    ...graph.inputs.filter(({ name }) => !names.has(name)),
    ...members.map(({ name, dims }) => tensorInfo(name, 'float32', dims)),
  ];
  const initializers = new Map([...graph.initializers].filter(([name]) => !names.has(name)));
  return { ...model, graph: { ...graph, inputs, initializers } };
}

const gradientName = (slot: Slot): string => `gradient/${slot.id}`;

/** Slots in, gradients of slots out. */
function withSlots(model: OnnxModel, layout: SlotLayout, gradientOf: ReadonlyMap<string, string>): OnnxModel {
  const w = extendModel(model, 'slot/');
  const renamed = new Set<string>();
  const nodes = [];
  const inputs: ValueInfo[] = [];
  for (const slot of layout.slots) {
    const state = stateName(slot, 'parameter');
    inputs.push(tensorInfo(state, 'float32', slot.dims));
    for (const { name } of slot.members) renamed.add(name);
    if (slot.members.length === 1 && slot.dims === slot.members[0]?.dims) {
      nodes.push(createNode({ op: 'Identity', name: `${state}/view`, inputs: [state], outputs: [slot.id] }));
    } else {
      const sizes = w.integers(slot.members.map(({ count }) => count));
      const parts = slot.members.map(({ name }) => `${name}/flat`);
      nodes.push(createNode({ op: 'Split', name: `${state}/split`, inputs: [state, sizes], outputs: parts }));
      for (const [index, { name, dims }] of slot.members.entries()) {
        const shape = w.integers(dims);
        nodes.push(
          createNode({ op: 'Reshape', name: `${name}/view`, inputs: [parts[index] as string, shape], outputs: [name] }),
        );
      }
    }
    const flat = (name: string) => w.reshape(gradientOf.get(name) as string, [-1]);
    const whole =
      slot.dims === slot.members[0]?.dims
        ? (gradientOf.get(slot.id) as string)
        : w.concat(
            slot.members.map(({ name }) => flat(name)),
            { axis: 0 },
          );
    const scaled = slot.gradientScale === 1 ? whole : w.mul(whole, w.scalar(slot.gradientScale));
    nodes.push(
      createNode({
        op: 'Identity',
        name: `${gradientName(slot)}/made`,
        inputs: [scaled],
        outputs: [gradientName(slot)],
      }),
    );
  }
  const extended = w.finish();
  const gradientNames = new Set(gradientOf.values());
  const { graph } = extended;
  return {
    ...extended,
    graph: {
      ...graph,
      nodes: sortNodes([...nodes, ...graph.nodes]),
      inputs: [...graph.inputs.filter(({ name }) => !renamed.has(name)), ...inputs],
      outputs: [
        ...graph.outputs.filter(({ name }) => !gradientNames.has(name)),
        ...layout.slots.map((slot) => tensorInfo(gradientName(slot), 'float32', slot.dims)),
      ],
    },
  };
}

interface Accumulated {
  readonly request: StepGraphRequest;
  readonly feeds: readonly Feed[];
  readonly outputs: readonly string[];
}

/** Sums the gradients of several batches in an inner Loop and gives their mean, and that of the losses. */
function accumulated(model: OnnxModel, { request, feeds, outputs }: Accumulated): OnnxModel {
  const { layout, accumulation } = request;
  const w = extendModel(model, 'sum/');
  const ends = layout.slots.map((slot) => {
    const carried = w.input(`sum/${slot.id}`, 'float32', slot.dims);
    return w.add(carried, gradientName(slot), { output: `next/${slot.id}` });
  });
  const summed = w.finish();
  const parameters = new Set(layout.slots.map((slot) => stateName(slot, 'parameter')));
  const body = loopBody(summed, {
    feeds,
    carried: layout.slots.map((slot, index) => ({
      from: `sum/${slot.id}`,
      to: ends[index] as string,
      dims: slot.dims,
    })),
    outputs,
    outer: parameters,
    prefix: 'batch',
  });
  const b = createGraphBuilder({ name: 'accumulation', opset: request.model.opsets.get('') as number });
  for (const slot of layout.slots) b.input(stateName(slot, 'parameter'), 'float32', slot.dims);
  for (const { name, dtype, dims } of feeds) b.input(`batch/${name}`, dtype, [accumulation, ...dims]);
  const zeros = layout.slots.map((slot) => b.node('ConstantOfShape', [b.integers(slot.dims)])[0] as string);
  const count = b.scalar(accumulation, 'int64');
  const sums = layout.slots.map((slot) => `total/${slot.id}`);
  const scans = outputs.map((name) => `all/${name}`);
  b.node('Loop', [count, '', ...zeros], {
    name: 'accumulate',
    outputs: [...sums, ...scans],
    attributes: { body: graphAttribute(body) },
  });
  for (const [index, slot] of layout.slots.entries()) {
    const mean = b.mul(sums[index] as string, b.scalar(1 / accumulation), { name: gradientName(slot) });
    b.output(mean, { dtype: 'float32', dims: slot.dims });
  }
  for (const [index, name] of outputs.entries()) {
    b.output(b.reduceMean(scans[index] as string, { keepdims: false, name }), { dtype: 'float32', dims: [] });
  }
  const built = b.build();
  return { ...model, graph: built.graph };
}

/** Adds clipping and the optimizer: the state's next values as outputs. */
function withUpdate(model: OnnxModel, { layout, optimizer, clipNorm }: StepGraphRequest): OnnxModel {
  const w = extendModel(model, 'update/');
  const squares = layout.slots.map((slot) => w.reduceSumSquare(gradientName(slot), { keepdims: false }));
  const norm = w.sqrt(squares.length === 1 ? (squares[0] as string) : w.sum(squares), { output: 'norm' });
  const clip =
    clipNorm === Infinity
      ? undefined
      : w.min([w.div(w.scalar(clipNorm), w.add(norm, w.scalar(NORM_FLOOR))), w.scalar(1)], { name: 'clip' });
  const outputs: ValueInfo[] = [];
  const ends: [string, string][] = [[norm, GRADIENT_NORM]];
  for (const slot of layout.slots) ends.push(...slotUpdate(w, { slot, optimizer, clip }));
  const finished = w.finish();
  const nodes = ends.map(([from, to]) =>
    createNode({ op: 'Identity', name: `${to}/made`, inputs: [from], outputs: [to] }),
  );
  for (const slot of layout.slots) {
    for (const kind of ['parameter', ...optimizer.moments])
      outputs.push(tensorInfo(nextName(stateName(slot, kind)), 'float32', slot.dims));
  }
  const { graph } = finished;
  const gradientNames = new Set(layout.slots.map(gradientName));
  const scalars = graph.outputs.filter(({ name }) => !gradientNames.has(name));
  return {
    ...finished,
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...nodes],
      outputs: [...scalars, tensorInfo(GRADIENT_NORM, 'float32', []), ...outputs],
    },
  };
}

interface SlotUpdate {
  readonly slot: Slot;
  readonly optimizer: Optimizer;
  readonly clip: string | undefined;
}

function slotUpdate(w: GraphWriter, { slot, optimizer, clip }: SlotUpdate): [string, string][] {
  const kinds = ['parameter', ...optimizer.moments];
  const [parameter = '', ...moments] = kinds.map((kind) => w.input(stateName(slot, kind), 'float32', slot.dims));
  const mask = slot.masked ? w.input(stateName(slot, 'mask'), 'float32', slot.dims) : undefined;
  const gradient = clip === undefined ? gradientName(slot) : w.mul(gradientName(slot), clip);
  const update = optimizer.update(w, {
    parameter,
    gradient,
    moments,
    scalar: (name) => w.input(scalarName(slot.group, name), 'float32', []),
    decays: slot.decays,
  });
  const kept = mask === undefined ? update.parameter : w.mul(update.parameter, mask);
  return [kept, ...update.moments].map((value, index) => [value, nextName(stateName(slot, kinds[index] as string))]);
}

interface LoopedRequest {
  readonly request: StepGraphRequest;
  readonly stateNames: readonly string[];
  readonly scalarNames: readonly string[];
  readonly feeds: readonly Feed[];
  readonly outputs: readonly string[];
}

/** The step as the body of a Loop over `steps`. */
function looped(step: OnnxModel, { request, stateNames, scalarNames, feeds, outputs }: LoopedRequest): OnnxModel {
  const { layout, accumulation, optimizer } = request;
  const dimsOf = new Map(
    layout.slots.flatMap((slot) =>
      ['parameter', ...optimizer.moments, 'mask'].map((kind) => [stateName(slot, kind), slot.dims] as const),
    ),
  );
  const used = new Set(step.graph.inputs.map(({ name }) => name));
  const scalars = scalarNames
    .filter((name) => used.has(name))
    .map((name): Feed => ({ name, dtype: 'float32', dims: [] }));
  const perStep =
    accumulation === 1
      ? feeds
      : feeds.map((feed) => ({ ...feed, name: `batch/${feed.name}`, dims: [accumulation, ...feed.dims] }));
  const masks = layout.slots.filter((slot) => slot.masked).map((slot) => stateName(slot, 'mask'));
  const body = loopBody(step, {
    feeds: [...perStep.filter(({ name }) => used.has(name)), ...scalars],
    carried: stateNames.map((name) => ({
      from: name,
      to: nextName(name),
      dims: dimsOf.get(name) as readonly number[],
    })),
    outputs,
    outer: new Set(masks),
    prefix: 'steps',
  });
  const b = createGraphBuilder({
    name: 'training',
    opset: step.opsets.get('') as number,
    opsets: Object.fromEntries(step.opsets),
  });
  const count = b.input('steps', 'int64', []);
  for (const name of [...stateNames, ...masks]) b.input(name, 'float32', dimsOf.get(name) as readonly number[]);
  for (const { name, dtype, dims } of [...perStep, ...scalars]) b.input(`steps/${name}`, dtype, ['steps', ...dims]);
  const nexts = stateNames.map(nextName);
  b.node('Loop', [count, '', ...stateNames], {
    name: 'steps',
    outputs: [...nexts, ...outputs],
    attributes: { body: graphAttribute(body) },
  });
  for (const [index, name] of nexts.entries())
    b.output(name, { dtype: 'float32', dims: dimsOf.get(stateNames[index] as string) as readonly number[] });
  for (const name of outputs) b.output(name, { dtype: 'float32', dims: ['steps'] });
  return { ...b.build(), functions: step.functions };
}

interface BodyRequest {
  /** Inputs of the graph cut out of stacks `prefix/<name>` that lie outside. */
  readonly feeds: readonly Feed[];
  readonly carried: readonly { readonly from: string; readonly to: string; readonly dims: readonly number[] }[];
  readonly outputs: readonly string[];
  /** Inputs of the graph that are values outside under the same name. */
  readonly outer: ReadonlySet<string>;
  readonly prefix: string;
}

/** A graph as the body of a Loop: https://onnx.ai/onnx/operators/onnx__Loop.html */
function loopBody(model: OnnxModel, { feeds, carried, outputs, prefix }: BodyRequest): Graph {
  const turn = `${prefix}/turn`;
  const go = `${prefix}/go`;
  const cuts = feeds.map(({ name }) =>
    createNode({ op: 'Gather', name: `${prefix}/cut/${name}`, inputs: [`${prefix}/${name}`, turn], outputs: [name] }),
  );
  const on = createNode({ op: 'Identity', name: `${go}/on`, inputs: [go], outputs: [`${go}/next`] });
  const body = removeDeadCode({
    ...model.graph,
    name: `${prefix}-body`,
    nodes: [...cuts, on, ...model.graph.nodes],
    inputs: [
      tensorInfo(turn, 'int64', []),
      tensorInfo(go, 'bool', []),
      ...carried.map(({ from, dims }) => tensorInfo(from, 'float32', dims)),
    ],
    outputs: [
      tensorInfo(`${go}/next`, 'bool', []),
      ...carried.map(({ to, dims }) => tensorInfo(to, 'float32', dims)),
      ...outputs.map((name) => tensorInfo(name, 'float32', [])),
    ],
  });
  return foldIdentities({ ...body, nodes: sortNodes(body.nodes) });
}

export const stepCount = (steps: number) => tensorOf('int64', [], BigInt64Array.of(BigInt(steps)));
