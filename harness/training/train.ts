/**
 * Trains the parameters of an ONNX model: builds the step graph once, runs it, watches it. What a training gives depends on
 * its options, seed and thread count alone, not on how its steps are split into calls or over processes.
 */
import { InputError } from '../contracts/errors.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { createSession, type Session } from '../runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../tensor/tensor.ts';
import { type FeedSource, stackFeeds } from './feed-source.ts';
import { explainNonFinite } from './non-finite.ts';
import type { Loss } from './loss.ts';
import type { Optimizer } from './optimizer.ts';
import { chooseParameters, isDecayed, withParameters } from './parameters.ts';
import type { Schedule } from './schedule.ts';
import { layOut, type ParameterOptions, scalarName } from './slots.ts';
import { buildStepGraph, GRADIENT_NORM, LOSS, type StepGraph, stepCount } from './step-graph.ts';
import { createStateMemory, type StateMemory, type TrainingState } from './training-state.ts';

export interface TrainOptions {
  readonly model: OnnxModel;
  readonly loss: Loss;
  /** Inputs of model and loss, batch by batch. */
  readonly feeds: readonly FeedSource[];
  readonly optimizer: Optimizer;
  /** Learning rate. */
  readonly schedule: Schedule;
  readonly steps: number;
  /** Names of initializers to train; default all named `….weight` or `….bias`. */
  readonly parameters?: readonly string[];
  /** Of those, the ones that stay as they are. */
  readonly frozen?: readonly string[];
  readonly parameterOptions?: (name: string) => ParameterOptions;
  /** Batches per step, their gradients averaged; default 1. */
  readonly accumulation?: number;
  /** Largest global norm of the gradient; default 1, Infinity for none. */
  readonly clipNorm?: number;
  readonly threads?: number;
  /** Most steps run in one call of onnxruntime, between which parameters are copied once; default 8. */
  readonly stepsPerCall?: number;
  readonly hooks?: readonly Hook[];
  /** Where an earlier training stopped; its step counts on. */
  readonly from?: TrainingState;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Tokens of one batch, for the rate in the progress. */
  readonly tokensPerBatch?: number;
  /** Start of the path of onnxruntime's profile, for finding out what takes the time. */
  readonly profilePrefix?: string;
}

export interface Hook {
  /** Called before step 0 and then every so many steps. */
  readonly every: number;
  run(view: HookView): void | Promise<void>;
}

export interface HookView {
  /** Steps made so far. */
  readonly step: number;
  /** Copies of nothing: read before the hook returns. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** Elements where the mask is 0 become zero and stay it. The parameter needs a mask from the start: see ParameterOptions. */
  setMask(name: string, mask: Float32Array): void;
  setParameter(name: string, values: Float32Array): void;
}

export interface TrainingProgress {
  readonly step: number;
  readonly steps: number;
  readonly loss: number;
  readonly learningRate: number;
  readonly tokensPerSecond: number;
  readonly secondsLeft: number;
}

export interface TrainingResult {
  /** The model with the trained weights in place of its own. */
  readonly model: OnnxModel;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly state: TrainingState;
  readonly history: TrainingHistory;
}

/** One entry per step made here. */
export interface TrainingHistory {
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly metrics: Readonly<Record<string, readonly number[]>>;
}

/**
 * Throws InputError for options that do not fit the model, UnsupportedError for an operator without a gradient, NumericalError
 * naming step and node when a loss or gradient is not finite.
 */
export async function train(options: TrainOptions): Promise<TrainingResult> {
  const { steps, from, stepsPerCall = 8, hooks = [], signal } = options;
  requireCounts(options);
  const { graph, memory } = prepare(options);
  const session = await createSession(graph.model, sessionOptions(options));
  const record = {
    loss: [] as number[],
    gradientNorm: [] as number[],
    metrics: Object.fromEntries(graph.metrics.map((name) => [name, [] as number[]])),
  };
  let step = from?.step ?? 0;
  const first = step;
  const startedMs = performance.now();
  try {
    while (step < steps) {
      signal?.throwIfAborted();
      for (const hook of hooks) if (step % hook.every === 0) await hook.run(memory.view(step));
      const untilHook = hooks.map(({ every }) => every - (step % every));
      const count = Math.min(stepsPerCall, steps - step, ...untilHook);
      const outputs = await runSteps({ options, graph, memory, session }, { step, count });
      const losses = elements(outputs[LOSS] as NumericTensor, 'float32');
      const norms = elements(outputs[GRADIENT_NORM] as NumericTensor, 'float32');
      const bad = losses.findIndex((loss, at) => !Number.isFinite(loss) || !Number.isFinite(norms[at]));
      if (bad >= 0) await fail({ options, graph, memory, session }, { step, bad, loss: losses[bad] as number });
      memory.advance(outputs);
      record.loss.push(...losses);
      record.gradientNorm.push(...norms);
      for (const [name, values] of Object.entries(record.metrics))
        values.push(...elements(outputs[name] as NumericTensor, 'float32'));
      step += count;
      report(options, { step, first, startedMs, loss: losses.at(-1) as number });
      // Lets timers and signals through: run() blocks this thread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (options.profilePrefix !== undefined) session.endProfiling();
  } finally {
    await session.release();
  }
  const state = memory.state(step);
  return {
    model: withParameters(options.model, state.parameters),
    parameters: state.parameters,
    state,
    history: record,
  };
}

interface Run {
  readonly options: TrainOptions;
  readonly graph: StepGraph;
  readonly memory: StateMemory;
  readonly session: Session;
}

function requireCounts({
  steps,
  from,
  accumulation = 1,
  stepsPerCall = 1,
  clipNorm = 1,
  hooks = [],
}: TrainOptions): void {
  const counts = {
    steps,
    accumulation,
    stepsPerCall,
    ...Object.fromEntries(hooks.map(({ every }, at) => [`hooks[${at}].every`, every])),
  };
  for (const [name, value] of Object.entries(counts)) {
    if (!Number.isInteger(value) || value < 1)
      throw new InputError(`training: ${name} must be a whole number from 1, got ${value}`);
  }
  if (!(clipNorm > 0)) throw new InputError(`training: clipNorm must be positive, got ${clipNorm}`);
  if (from !== undefined && from.step > steps) {
    throw new InputError(
      `training: the state to go on from has ${from.step} steps behind it, more than the ${steps} asked for`,
    );
  }
}

function prepare(options: TrainOptions): { graph: StepGraph; memory: StateMemory } {
  const { model, loss, feeds, optimizer, accumulation = 1, clipNorm = 1 } = options;
  const parameterOptions = options.parameterOptions ?? ((): ParameterOptions => ({}));
  const inputs = Object.assign({}, ...feeds.map(({ shapes }) => shapes)) as Record<string, readonly number[]>;
  const parameters = chooseParameters(options);
  const layout = layOut({
    parameters,
    options(name) {
      const given = parameterOptions(name);
      return {
        decays: optimizer.weightDecay !== 0 && (given.decays ?? isDecayed(name, parameters.get(name)?.dims ?? [])),
        learningRateScale: given.learningRateScale ?? 1,
        gradientScale: given.gradientScale ?? 1,
        masked: given.mask !== undefined,
      };
    },
  });
  const graph = buildStepGraph({ model, inputs, loss, optimizer, layout, accumulation, clipNorm });
  const masks = new Map(
    [...parameters.keys()].flatMap((name) => {
      const mask = parameterOptions(name).mask;
      return mask === undefined ? [] : [[name, mask] as const];
    }),
  );
  return { graph, memory: createStateMemory({ layout, optimizer, parameters, masks, from: options.from }) };
}

function sessionOptions({ threads, profilePrefix }: TrainOptions) {
  return { ...(threads !== undefined && { threads }), ...(profilePrefix !== undefined && { profilePrefix }) };
}

/** Runs steps from the memory's state; the memory stays as it is until it is told to advance. */
async function runSteps(
  { options, graph, memory, session }: Run,
  { step, count }: { readonly step: number; readonly count: number },
): Promise<Record<string, NumericTensor>> {
  const { accumulation = 1, feeds, schedule, optimizer } = options;
  const stack = accumulation === 1 ? [count] : [count, accumulation];
  const prefix = accumulation === 1 ? 'steps/' : 'steps/batch/';
  const inputs: Record<string, NumericTensor> = { steps: stepCount(count), ...memory.feeds() };
  const stacked = stackFeeds(feeds, { first: step * accumulation, stack, wanted: graph.feeds });
  for (const [name, tensor] of Object.entries(stacked)) inputs[prefix + name] = tensor;
  for (const [group, scale] of graph.layout.learningRateScales.entries()) {
    const rows = Array.from({ length: count }, (_, at) =>
      optimizer.scalarsAt({
        step: step + at + 1,
        learningRate: schedule(step + at) * scale,
        weightDecay: optimizer.weightDecay,
      }),
    );
    for (const name of optimizer.scalars) {
      inputs[`steps/${scalarName(group, name)}`] = tensorOf(
        'float32',
        [count],
        Float32Array.from(rows, (row) => row[name] as number),
      );
    }
  }
  const known = new Set(session.inputs.map(({ name }) => name));
  return session.run(Object.fromEntries(Object.entries(inputs).filter(([name]) => known.has(name))));
}

/** Goes back to the start of the call, comes up to the step that went wrong and looks inside it. */
async function fail(
  run: Run,
  { step, bad, loss }: { readonly step: number; readonly bad: number; readonly loss: number },
): Promise<never> {
  if (bad > 0) run.memory.advance(await runSteps(run, { step, count: bad }));
  const { accumulation = 1, feeds, threads } = run.options;
  throw await explainNonFinite({
    gradients: run.graph.gradients,
    parameters: run.memory.state(step + bad).parameters,
    batches: Array.from({ length: accumulation }, (_, at) =>
      stackFeeds(feeds, { first: (step + bad) * accumulation + at, stack: [], wanted: run.graph.feeds }),
    ),
    step: step + bad,
    loss,
    ...(threads !== undefined && { threads }),
  });
}

function report(
  { steps, accumulation = 1, tokensPerBatch = 0, onProgress, schedule }: TrainOptions,
  {
    step,
    first,
    startedMs,
    loss,
  }: { readonly step: number; readonly first: number; readonly startedMs: number; readonly loss: number },
): void {
  if (onProgress === undefined) return;
  const seconds = (performance.now() - startedMs) / 1000;
  const made = step - first;
  onProgress({
    step,
    steps,
    loss,
    learningRate: schedule(step - 1),
    tokensPerSecond: (made * accumulation * tokensPerBatch) / seconds,
    secondsLeft: (seconds / made) * (steps - step),
  });
}
