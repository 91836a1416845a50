import { describe, expect, it } from 'vitest';
import { createSession } from '../../../engine/runtime/session.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { batchFeedName } from '../../../engine/training/accumulate-batches.ts';
import { stackFeeds } from '../../../engine/training/feed-source.ts';
import { sgd } from '../../support/sgd.ts';
import { chooseParameters } from '../../../engine/training/parameters.ts';
import { layOut, nextName } from '../../../engine/training/slots.ts';
import { buildStepGraph, REPORT, stepCount } from '../../../engine/training/step-graph.ts';
import { createStateMemory } from '../../../engine/training/training-state.ts';
import { largestDifference } from '../../support/run-model.ts';
import { regressionFeeds, regressionModel, squaredError } from './regression.ts';

const problem = { rows: 2, in: 2, out: 1, x: [1, 2, 3, 4], t: [1, 1], weight: [0.5, -1], bias: [0.25] };

async function step({ accumulation, form }: { readonly accumulation: number; readonly form: 'loop' | 'single' }) {
  const model = regressionModel(problem);
  const source = regressionFeeds(problem, (index) => 1 + index);
  const parameters = chooseParameters({ model });
  const optimizer = sgd({ momentum: 0.9 });
  const plain = { decays: false, learningRateScale: 1, gradientScale: 1, masked: false };
  const layout = layOut({ parameters, options: () => plain });
  const memory = createStateMemory({ layout, optimizer, parameters, masks: new Map() });
  const request = { model, inputs: source.shapes, loss: squaredError, optimizer, layout, accumulation, clipNorm: 1 };
  const graph = buildStepGraph({ ...request, form, ...(form === 'single' && { provider: 'webgpu' as const }) });
  const feeds: Record<string, NumericTensor> = { ...memory.feeds() };
  const rate = (dims: readonly number[]) => tensorOf('float32', dims, Float32Array.of(0.1));
  if (form === 'loop') {
    const stack = accumulation === 1 ? [1] : [1, accumulation];
    const prefix = accumulation === 1 ? 'steps/' : 'steps/batch/';
    const stacked = stackFeeds([source], { first: 0, stack, wanted: graph.feeds });
    for (const [name, tensor] of Object.entries(stacked)) feeds[prefix + name] = tensor;
    Object.assign(feeds, { steps: stepCount(1), 'steps/scalar/step_size/0': rate([1]) });
  } else {
    for (let batch = 0; batch < accumulation; batch++)
      for (const [name, tensor] of Object.entries(
        stackFeeds([source], { first: batch, stack: [], wanted: graph.feeds }),
      ))
        feeds[accumulation === 1 ? name : batchFeedName(batch, name)] = tensor;
    feeds['scalar/step_size/0'] = rate([]);
  }
  const session = await createSession(graph.model, { threads: 1 });
  try {
    const made = await session.run(feeds);
    const valuesOf = (name: string) => elements(made[name] as NumericTensor, 'float32');
    return {
      operators: graph.model.graph.nodes.map(({ op }) => op),
      report: form === 'single' ? [...valuesOf(REPORT)] : graph.reported.map((name) => valuesOf(name)[0] as number),
      state: graph.stateNames.flatMap((name) => [...valuesOf(nextName(name))]),
    };
  } finally {
    await session.release();
  }
}

describe('buildStepGraph', () => {
  it.each([1, 3])('single: a step over %i batches without a Loop equals that with a Loop', async (accumulation) => {
    const [looped, single] = [await step({ accumulation, form: 'loop' }), await step({ accumulation, form: 'single' })];
    expect(looped.operators).toEqual(['Loop']);
    expect(single.operators).not.toContain('Loop');
    expect(largestDifference(single.report, looped.report)).toBeLessThan(1e-5);
    expect(largestDifference(single.state, looped.state)).toBeLessThan(1e-6);
    expect(largestDifference(looped.state, [0.5, -1, 0.25, 0, 0, 0])).toBeGreaterThan(0.01);
  });
});
