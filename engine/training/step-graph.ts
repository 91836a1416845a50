/**
 * A whole training step as one ONNX graph: forward, loss, gradients, clipping, optimizer. Several steps run in one
 * call: they are iterations of a Loop whose carried values are parameters and moments. onnxruntime passes those from
 * iteration to iteration without copying, whereas it copies every output to JavaScript, so the copy is made once for
 * many steps. Where outputs stay on a device, a call is one step without a Loop.
 */
import { present } from '../../contracts/present.ts';
import { gradientGraph } from '../../numerics/autodiff/gradient.ts';
import type { Provider } from '../../contracts/runner.ts';
import { graph as graphAttribute } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import { removeDeadCode } from '../../numerics/onnx/edit.ts';
import type { OnnxModel, ValueInfo } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { accumulateBatches, repeatBatches } from './accumulate-batches.ts';
import { extendModel, type GraphWriter, sortNodes } from './graph-writer.ts';
import { loopBody, tensorInfo } from './loop-body.ts';
import { addLoss, type Feed } from './loss-graph.ts';
import type { Loss } from './loss.ts';
import { lacksFusedProducts, lowerForDevice } from './lower-for-device.ts';
import type { Optimizer } from './optimizer.ts';
import { foldIdentities } from './prepare-graph.ts';
import { gradientName, nextName, scalarName, type Slot, type SlotLayout, stateName } from './slots.ts';

export interface StepGraphRequest {
  readonly model: OnnxModel;
  /** Concrete shapes of the model's inputs and of those added by loss and adapters. */
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly layout: SlotLayout;
  /** Number of batches whose mean gradient makes one step. */
  readonly accumulation: number;
  /** Largest global norm of the gradient; Infinity for no clipping. */
  readonly clipNorm: number;
  /** Provider that runs the graph; default `cpu`. */
  readonly provider?: Provider;
  /** Default `loop`. */
  readonly form?: 'loop' | 'single';
}

export interface StepGraph {
  /**
   * loop: inputs `steps` int64 [], the state, the scalars [steps], the feeds [steps, (accumulation,) ...] under `steps/…` or
   * `steps/batch/…`; outputs the state under `…/next`, loss, gradient norm and metrics [steps].
   * single: inputs the state, the scalars [], the feeds, of several batches under batchFeedName(); outputs the state under
   * `…/next` and a report: one number for each of `reported`.
   */
  readonly model: OnnxModel;
  /** Forward, loss and gradients of one batch, with parameters as inputs: to examine a failed step. */
  readonly gradients: OnnxModel;
  readonly layout: SlotLayout;
  readonly stateNames: readonly string[];
  readonly scalarNames: readonly string[];
  /** Shapes of one batch. */
  readonly feeds: readonly Feed[];
  readonly metrics: readonly string[];
  /** Loss, metrics and gradient norm. */
  readonly reported: readonly string[];
}

export const LOSS = 'loss';
export const GRADIENT_NORM = 'gradient_norm';
/** Outputs of a single step besides the state. */
export const REPORT = 'report/values';
const NORM_FLOOR = 1e-6;

/**
 * Throws InputError for a loss that is not a scalar or depends on no parameter, UnsupportedError for an operator
 * without a gradient.
 */
export function buildStepGraph(request: StepGraphRequest): StepGraph {
  const { layout, optimizer, accumulation, provider = 'cpu', form = 'loop' } = request;
  const { gradients, feeds, metrics, gradientOf } = lossAndGradients(request);
  const outputs = [LOSS, ...metrics];
  const lowered = (model: OnnxModel) => (provider === 'cpu' ? model : lowerForDevice(model, provider));
  const batchGraph = lowered(withSlots(gradients, layout, gradientOf));
  const stateNames = layout.slots.flatMap((slot) =>
    ['parameter', ...optimizer.moments].map((kind) => stateName(slot, kind)),
  );
  const scalarNames = layout.learningRateScales.flatMap((_, group) =>
    optimizer.scalars.map((name) => scalarName(group, name)),
  );

  const several = form === 'loop' ? accumulateBatches : repeatBatches;
  const inner = accumulation === 1 ? batchGraph : several(batchGraph, { layout, accumulation, feeds, outputs });
  const step = lowered(withUpdate(inner, request));
  const reported = [...outputs, GRADIENT_NORM];
  const names = { stateNames, scalarNames, feeds, outputs: reported };
  const model = form === 'loop' ? looped(step, { ...names, request }) : single(step, reported);
  return { model, gradients, layout, stateNames, scalarNames, feeds, metrics, reported };
}

/** The model with its loss and the gradients of all parameters as outputs. */
function lossAndGradients({ model, inputs, loss, layout, provider = 'cpu' }: StepGraphRequest) {
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
    contrib: !lacksFusedProducts(provider),
  });
  const renamed = renameOutputs(
    result.model,
    new Map([[graph.loss, LOSS], ...[...metrics].map(([name, value]) => [value, name] as const)]),
  );
  const gradients = parametersAsInputs(renamed, layout);
  return { gradients, feeds, metrics: [...metrics.keys()], gradientOf: result.gradients };
}

/** Scalars by the names under which they are reported. */
function renameOutputs(model: OnnxModel, names: ReadonlyMap<string, string>): OnnxModel {
  const { graph } = model;
  const made = [...names].map(([from, to]) =>
    createNode({ op: 'Identity', name: `${to}/output`, inputs: [from], outputs: [to] }),
  );
  const outputs = graph.outputs.map((info) =>
    names.has(info.name) ? tensorInfo(present(names.get(info.name), 'names of info.name'), 'float32', []) : info,
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

/** Inputs: slots; outputs: gradients of slots. */
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
          createNode({
            op: 'Reshape',
            name: `${name}/view`,
            inputs: [present(parts[index], 'parts[index]'), shape],
            outputs: [name],
          }),
        );
      }
    }
    const flat = (name: string) => w.reshape(present(gradientOf.get(name), 'gradientOf of name'), [-1]);
    const whole =
      slot.dims === slot.members[0]?.dims
        ? present(gradientOf.get(slot.id), 'gradientOf of slot.id')
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

/** Adds clipping and the optimizer: outputs are the next values of the state. */
function withUpdate(model: OnnxModel, { layout, optimizer, clipNorm }: StepGraphRequest): OnnxModel {
  const w = extendModel(model, 'update/');
  const squares = layout.slots.map((slot) => w.reduceSumSquare(gradientName(slot), { keepdims: false }));
  const norm = w.sqrt(squares.length === 1 ? present(squares[0], 'squares[0]') : w.sum(squares), { output: 'norm' });
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
  return [kept, ...update.moments].map((value, index) => [
    value,
    nextName(stateName(slot, present(kinds[index], 'kinds[index]'))),
  ]);
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
    prefix: 'steps',
  });
  const b = createGraphBuilder({
    name: 'training',
    opset: present(step.opsets.get(''), 'step.opsets of ""'),
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
    b.output(name, {
      dtype: 'float32',
      dims: dimsOf.get(present(stateNames[index], 'stateNames[index]')) as readonly number[],
    });
  for (const name of outputs) b.output(name, { dtype: 'float32', dims: ['steps'] });
  return { ...b.build(), functions: step.functions };
}

/** The step without a Loop, its scalars in one vector: reading each would wait for the device once more. */
function single(step: OnnxModel, reported: readonly string[]): OnnxModel {
  const w = extendModel(step, 'report/');
  const report = w.concat(
    reported.map((name) => w.unsqueeze(name, [0])),
    { axis: 0, output: 'values' },
  );
  const state = step.graph.outputs.filter(({ name }) => !reported.includes(name));
  const finished = w.finish({ outputs: [...state, tensorInfo(report, 'float32', [reported.length])] });
  return { ...finished, graph: foldIdentities(removeDeadCode(finished.graph)) };
}

export const stepCount = (steps: number) => tensorOf('int64', [], BigInt64Array.of(BigInt(steps)));
