/**
 * Trains the parameters of an ONNX model: builds the step graph once, then runs it and checks every loss and gradient
 * norm.
 * On the CPU the result depends on options, seed and thread count only, not on how steps are divided into calls.
 * Training on a GPU is not bit-reproducible: sums are taken in another order.
 */
import { InputError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { keepsOutputs } from '../runtime/device-tensor.ts';
import { createDeviceSteps } from './device-steps.ts';
import { type FeedShapes, type FeedSource, stackFeeds } from './feed-source.ts';
import { explainNonFinite } from './non-finite.ts';
import type { Loss } from './loss.ts';
import type { Optimizer } from './optimizer.ts';
import { chooseParameters, isDecayed, withParameters } from './parameters.ts';
import type { Schedule } from './schedule.ts';
import { layOut, type ParameterOptions } from './slots.ts';
import { buildStepGraph } from './step-graph.ts';
import type { StepPlan } from './step-plan.ts';
import { createHostSteps, type StepRunner } from './step-runner.ts';
import { createStepsByKind } from './steps-by-kind.ts';
import { createStateMemory, type StateMemory, type TrainingState } from './training-state.ts';

export interface TrainOptions {
  readonly model: OnnxModel;
  readonly loss: Loss;
  /** Inputs of model and loss, by batch. */
  readonly feeds: readonly FeedSource[];
  readonly optimizer: Optimizer;
  /** Learning rate. */
  readonly schedule: Schedule;
  /** Total number of steps, including those made before. */
  readonly steps: number;
  /**
   * State of an earlier training with the same options: continues as if uninterrupted. Default: starts from the model's
   * weights.
   */
  readonly from?: TrainingState;
  /** Names of initializers to train; default: all named `….weight` or `….bias`. */
  readonly parameters?: readonly string[];
  /** Names among those that are not trained. */
  readonly frozen?: readonly string[];
  readonly parameterOptions?: (name: string) => ParameterOptions;
  /** Batches per step, whose gradients are averaged; default 1. */
  readonly accumulation?: number;
  /** Largest global norm of the gradient; default 1, Infinity for none. */
  readonly clipNorm?: number;
  readonly threads?: number;
  /** Default `cpu`. On any other provider every operator must run on its device; otherwise the training is refused. */
  readonly provider?: Provider;
  /**
   * Where parameters and moments are stored between steps on a device; default: there if the binding can (webgpu), else
   * on the host.
   */
  readonly stateLocation?: 'host' | 'device';
  /** Maximum number of steps per call; parameters are copied and losses read once per call; default 8. */
  readonly stepsPerCall?: number;
  readonly hooks?: readonly Hook[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: TrainingProgress) => void;
  /** Tokens of one batch, for the rate shown with the progress. */
  readonly tokensPerBatch?: number;
  /** Path prefix of onnxruntime's profile, to find out what takes the time. */
  readonly profilePrefix?: string;
}

export interface Hook {
  /** Called before step 0 and then every `every` steps. */
  readonly every: number;
  run(view: HookView): void | Promise<void>;
}

export interface HookView {
  /** Number of steps made. */
  readonly step: number;
  /** Views of the current state, not copies: read them before the hook returns. */
  readonly parameters: ReadonlyMap<string, Float32Array>;
  /** The optimizer's state for each parameter, of one of the kinds in Optimizer.moments. */
  moments(kind: string): ReadonlyMap<string, Float32Array>;
  /**
   * Elements where the mask is 0 become and stay zero. The parameter must have had a mask from the start: see
   * ParameterOptions.
   */
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
  /** The model with the trained weights. */
  readonly model: OnnxModel;
  readonly parameters: ReadonlyMap<string, Float32Array>;
  readonly state: TrainingState;
  readonly history: TrainingHistory;
  /** The provider that ran it. */
  readonly provider: Provider;
  /**
   * Seconds from the first call on the device to the last result read from it, including hooks in between; absent on
   * the CPU.
   */
  readonly deviceSeconds?: number;
}

/** One entry per step of this call. */
export interface TrainingHistory {
  readonly loss: readonly number[];
  readonly gradientNorm: readonly number[];
  readonly metrics: Readonly<Record<string, readonly number[]>>;
}

/**
 * Throws InputError for options that do not fit the model; UnsupportedError for an operator without a gradient, for a
 * missing device, and for operators that a device would run on the CPU; NumericalError naming step and node when a loss
 * or gradient is not finite.
 */
export async function train(options: TrainOptions): Promise<TrainingResult> {
  const { steps, stepsPerCall = 8, hooks = [], signal, provider = 'cpu' } = options;
  requireCounts(options);
  const { memory, planOf, kindAt } = prepare(options);
  const create = stateLocationOf(options) === 'device' ? createDeviceSteps : createHostSteps;
  const runner = await createStepsByKind({ kindAt, create: (kind) => create(planOf(kind)) });
  const record = {
    loss: [] as number[],
    gradientNorm: [] as number[],
    metrics: Object.fromEntries(planOf(0).graph.metrics.map((name) => [name, [] as number[]])),
  };
  const firstStep = options.from?.step ?? 0;
  let step = firstStep;
  const startedMs = performance.now();
  let endedMs = startedMs;
  try {
    while (step < steps) {
      signal?.throwIfAborted();
      const due = hooks.filter(({ every }) => step % every === 0);
      if (due.length > 0) {
        await runner.read();
        for (const hook of due) await hook.run(memory.view(step));
        await runner.write();
      }
      const untilHook = hooks.map(({ every }) => every - (step % every));
      const most = Math.min(stepsPerCall, steps - step, ...untilHook);
      const kind = kindAt(step);
      const alike = Array.from({ length: most }, (_, at) => kindAt(step + at)).findIndex((other) => other !== kind);
      const count = alike < 0 ? most : alike;
      const { loss, gradientNorm, metrics } = await runner.run({ step, count });
      const bad = loss.findIndex((value, at) => !Number.isFinite(value) || !Number.isFinite(gradientNorm[at]));
      if (bad >= 0) await fail({ plan: planOf(kind), runner }, { step, bad, loss: present(loss[bad], 'loss[bad]') });
      runner.accept();
      record.loss.push(...loss);
      record.gradientNorm.push(...gradientNorm);
      for (const [name, values] of Object.entries(record.metrics))
        values.push(...present(metrics[name], 'metrics[name]'));
      step += count;
      report(options, { step, firstStep, startedMs, loss: present(loss.at(-1), 'last of loss') });
      // Lets timers and signals run: run() blocks this thread.
      await new Promise((resolve) => setImmediate(resolve));
    }
    await runner.read();
    endedMs = performance.now();
    if (options.profilePrefix !== undefined) runner.endProfiling();
  } finally {
    await runner.release();
  }
  const state = memory.state(step);
  return {
    model: withParameters(options.model, state.parameters),
    parameters: state.parameters,
    state,
    history: record,
    provider,
    ...(provider !== 'cpu' && { deviceSeconds: (endedMs - startedMs) / 1000 }),
  };
}

function stateLocationOf({ provider = 'cpu', stateLocation }: TrainOptions): 'host' | 'device' {
  const able = provider !== 'cpu' && keepsOutputs(provider);
  if (stateLocation === 'device' && !able) {
    throw new InputError(
      `training: on ${provider} the state cannot stay on the device: only webgpu can keep outputs there; ` +
        'leave stateLocation out',
    );
  }
  return stateLocation ?? (able ? 'device' : 'host');
}

function requireCounts({ steps, accumulation = 1, stepsPerCall = 1, clipNorm = 1, hooks = [] }: TrainOptions): void {
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
}

interface Preparation {
  readonly memory: StateMemory;
  /** The steps of one kind of batch; all kinds share the memory. */
  planOf(kind: number): StepPlan;
  kindAt(step: number): number;
}

function prepare(options: TrainOptions): Preparation {
  const { model, loss, feeds, optimizer, accumulation = 1, clipNorm = 1, provider = 'cpu', schedule } = options;
  const kinds = kindsOf(options);
  const { threads, profilePrefix } = options;
  const parameterOptions = options.parameterOptions ?? ((): ParameterOptions => ({}));
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
  const form = stateLocationOf(options) === 'device' ? 'single' : 'loop';
  const masks = new Map(
    [...parameters.keys()].flatMap((name) => {
      const mask = parameterOptions(name).mask;
      return mask === undefined ? [] : [[name, mask] as const];
    }),
  );
  const memory = createStateMemory({
    layout,
    optimizer,
    parameters,
    masks,
    ...(options.from && { from: options.from }),
  });
  const plans = new Map<number, StepPlan>();
  return {
    memory,
    kindAt: (step) => kinds?.of(step) ?? 0,
    planOf(kind) {
      const shapes = feeds.map((source) => source.kinds?.shapes[kind] ?? source.shapes);
      const inputs = Object.assign({}, ...shapes) as FeedShapes;
      const plan = plans.get(kind) ?? {
        graph: buildStepGraph({ model, inputs, loss, optimizer, layout, accumulation, clipNorm, provider, form }),
        memory,
        feeds,
        accumulation,
        schedule,
        optimizer,
        provider,
        ...(threads !== undefined && { threads }),
        ...(profilePrefix !== undefined && { profilePrefix }),
      };
      plans.set(kind, plan);
      return plan;
    },
  };
}

/** The kinds of batches, where they differ in shape. Throws InputError where such batches are not supported. */
function kindsOf({ feeds, accumulation = 1, provider = 'cpu' }: TrainOptions): FeedSource['kinds'] {
  const [kinds, ...others] = feeds.flatMap((source) => source.kinds ?? []);
  if (kinds === undefined) return undefined;
  if (others.length === 0 && accumulation === 1 && provider === 'cpu') return kinds;
  throw new InputError(
    `training: batches of several shapes need the CPU, one source and no accumulation; got ${others.length + 1} ` +
      `such sources, ${accumulation} batches per step and the provider ${provider}; give all batches one shape`,
  );
}

/** Repeats the call up to the failed step, then looks for the first node with a non-finite value. */
async function fail(
  { plan, runner }: { readonly plan: StepPlan; readonly runner: StepRunner },
  { step, bad, loss }: { readonly step: number; readonly bad: number; readonly loss: number },
): Promise<never> {
  if (bad > 0) {
    await runner.run({ step, count: bad });
    runner.accept();
  }
  await runner.read();
  const { accumulation, feeds, threads, graph, memory, provider } = plan;
  throw await explainNonFinite({
    gradients: graph.gradients,
    parameters: memory.state(step + bad).parameters,
    batches: Array.from({ length: accumulation }, (_, at) =>
      stackFeeds(feeds, { first: (step + bad) * accumulation + at, stack: [], wanted: graph.feeds }),
    ),
    step: step + bad,
    loss,
    provider,
    ...(threads !== undefined && { threads }),
  });
}

function report(
  { steps, accumulation = 1, tokensPerBatch = 0, onProgress, schedule }: TrainOptions,
  {
    step,
    firstStep,
    startedMs,
    loss,
  }: { readonly step: number; readonly firstStep: number; readonly startedMs: number; readonly loss: number },
): void {
  if (onProgress === undefined) return;
  const seconds = (performance.now() - startedMs) / 1000;
  const made = step - firstStep;
  onProgress({
    step,
    steps,
    loss,
    learningRate: schedule(step - 1),
    tokensPerSecond: (made * accumulation * tokensPerBatch) / seconds,
    secondsLeft: (seconds / made) * (steps - step),
  });
}
