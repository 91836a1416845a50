/**
 * Runs steps of a training, several per call. The state is on the host between calls, and each call is one of
 * onnxruntime; device-steps.ts keeps the state on a device.
 */
import { present } from '../../contracts/present.ts';
import { createSession } from '../runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { stackFeeds } from './feed-source.ts';
import { requireDeviceStep } from './require-device-step.ts';
import type { StepPlan } from './step-plan.ts';
import { scalarName } from './slots.ts';
import { GRADIENT_NORM, LOSS, type StepGraph, stepCount } from './step-graph.ts';

export interface StepSpan {
  /** Number of steps made before. */
  readonly step: number;
  readonly count: number;
}

/** One number per step. */
export interface StepRecord {
  readonly loss: Float32Array;
  readonly gradientNorm: Float32Array;
  readonly metrics: Readonly<Record<string, Float32Array>>;
}

export interface StepRunner {
  /** Runs steps from the last accepted state, which does not change. */
  run(span: StepSpan): Promise<StepRecord>;
  /** Accepts the state of the last run. */
  accept(): void;
  /** Copies the state into the plan's memory. */
  read(): Promise<void>;
  /** Applies changes made in the plan's memory since it was read. */
  write(): Promise<void>;
  endProfiling(): void;
  release(): Promise<void>;
}

export async function createHostSteps(plan: StepPlan): Promise<StepRunner> {
  const { graph, memory, accumulation, feeds, provider, threads, profilePrefix } = plan;
  function feedsOf({ step, count }: StepSpan): Record<string, NumericTensor> {
    const stack = accumulation === 1 ? [count] : [count, accumulation];
    const prefix = accumulation === 1 ? 'steps/' : 'steps/batch/';
    const inputs: Record<string, NumericTensor> = { steps: stepCount(count), ...memory.feeds() };
    const stacked = stackFeeds(feeds, { first: step * accumulation, stack, wanted: graph.feeds });
    for (const [name, tensor] of Object.entries(stacked)) inputs[prefix + name] = tensor;
    const rows = Array.from({ length: count }, (_, at) => scalarsOf(plan, step + at));
    for (const name of graph.scalarNames) {
      inputs[`steps/${name}`] = tensorOf(
        'float32',
        [count],
        Float32Array.from(rows, (row) => present(row[name], 'row[name]')),
      );
    }
    return knownFeeds(graph, inputs);
  }
  if (provider !== 'cpu') await requireDeviceStep(plan, feedsOf({ step: 0, count: 1 }));
  const session = await createSession(graph.model, {
    provider,
    ...(threads !== undefined && { threads }),
    ...(profilePrefix !== undefined && { profilePrefix }),
  });
  let made: Record<string, NumericTensor> = {};
  return {
    async run(span) {
      made = await session.run(feedsOf(span));
      const series = (name: string) => elements(present(made[name], 'made[name]'), 'float32');
      const metrics = Object.fromEntries(graph.metrics.map((name) => [name, series(name)]));
      return { loss: series(LOSS), gradientNorm: series(GRADIENT_NORM), metrics };
    },
    accept: () => memory.advance(made),
    read: () => Promise.resolve(),
    write: () => Promise.resolve(),
    endProfiling: () => void session.endProfiling(),
    release: () => session.release(),
  };
}

/** The optimizer's scalars at a step, by their name in the graph. */
export function scalarsOf({ graph, optimizer, schedule }: StepPlan, step: number): Readonly<Record<string, number>> {
  const { weightDecay } = optimizer;
  const scalars: Record<string, number> = {};
  for (const [group, scale] of graph.layout.learningRateScales.entries()) {
    const learningRate = schedule(step) * scale;
    const values = optimizer.scalarsAt({ step: step + 1, learningRate, weightDecay });
    for (const name of optimizer.scalars) scalars[scalarName(group, name)] = present(values[name], 'values[name]');
  }
  return scalars;
}

/** Omits values that the graph does not read, for example the decay where nothing decays. */
export function knownFeeds<T>({ model }: StepGraph, feeds: Readonly<Record<string, T>>): Record<string, T> {
  const known = new Set(model.graph.inputs.map(({ name }) => name));
  return Object.fromEntries(Object.entries(feeds).filter(([name]) => known.has(name)));
}
