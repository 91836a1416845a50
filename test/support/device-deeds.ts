/**
 * A process of tests of training on a device: does the deed named in its arguments and prints what came of it as JSON. One of
 * its own, since the loader of a driver looks at LD_LIBRARY_PATH when its process starts.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gradientGraph } from '../../numerics/autodiff/gradient.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { readDevicePlacement } from '../../engine/runtime/device-placement.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { Loss } from '../../engine/training/loss.ts';
import { lowerForDevice } from '../../engine/training/lower-for-device.ts';
import { sgd } from './sgd.ts';
import { train, type TrainingResult, type TrainOptions } from '../../engine/training/train.ts';
import { regressionFeeds, regressionModel, squaredError } from '../engine/training/regression.ts';
import { CASES } from '../numerics/autodiff/rules/cases.ts';
import { type CaseInput, caseModel, floatsOf, floatTensor } from './gradient-check.ts';
import { loweredOperators } from './lowered-operators.ts';
import { largestDifference } from './run-model.ts';
import { distilledFromItself, tinyTrainings } from './tiny-trainings.ts';

export interface Agreement {
  /** Largest difference of a loss, relative to it, and of a gradient's norm. */
  readonly loss: number;
  readonly gradientNorm: number;
  readonly metrics: readonly string[];
  /** By parameter, largest difference of an element. */
  readonly parameters: Readonly<Record<string, number>>;
  /** By kind, largest difference relative to the largest element of the kind. */
  readonly moments: Readonly<Record<string, number>>;
  readonly masks: number;
  /** Share of the parameters' elements that are not the same to the last bit. */
  readonly differing: number;
  readonly deviceSeconds: number | undefined;
}

const small = { rows: 2, in: 2, out: 1, x: [1, 2, 3, 4], t: [1, 1], weight: [1, 1], bias: [0] };

function regression(changes: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: regressionModel(small),
    loss: squaredError,
    feeds: [regressionFeeds(small)],
    optimizer: sgd(),
    schedule: () => 1e-2,
    steps: 8,
    threads: 1,
    provider: 'webgpu',
    ...changes,
  };
}

/** The message of what was thrown, with its class. */
async function failure(running: Promise<unknown>): Promise<string> {
  return running.then(
    () => 'nothing was thrown',
    (error: Error) => `${error.constructor.name}: ${error.message}`,
  );
}

const deeds: Readonly<Record<string, (...args: string[]) => Promise<unknown>>> = {
  agreement: (name = '', stateLocation = 'device') => {
    const options = tinyTrainings[name as keyof typeof tinyTrainings]();
    return compared(train(options), train({ ...options, provider: 'webgpu', stateLocation } as TrainOptions));
  },

  async failures() {
    const controller = new AbortController();
    const reached: number[] = [];
    return {
      notFinite: await failure(
        train(regression({ feeds: [regressionFeeds(small, (index) => (index === 5 ? Infinity : 1))] })),
      ),
      aborted: await failure(
        train(
          regression({
            stepsPerCall: 2,
            signal: controller.signal,
            onProgress({ step }) {
              reached.push(step);
              if (step === 4) controller.abort();
            },
          }),
        ),
      ),
      reached,
      inHook: await failure(
        train(
          regression({
            hooks: [
              {
                every: 2,
                run({ step }) {
                  if (step === 4) throw new RangeError('a hook');
                },
              },
            ],
          }),
        ),
      ),
      // The process goes on with the device.
      after: (await train(regression())).history.loss.at(-1),
      onTheCpu: (await train(regression({ provider: 'cpu' }))).history.loss.at(-1),
    };
  },

  async refusals() {
    const refused = (stateLocation: 'host' | 'device', loss: Loss) =>
      failure(train(regression({ stateLocation, loss })));
    const twice: Loss = ({ w }) => w.reduceMean(w.node('Mean', ['y', 'y'])[0] as string, { keepdims: false });
    // Over no axes: the squares themselves, on the CPU.
    const squares: Loss = ({ w }) => {
      const attributes = { noop_with_empty_axes: int(1) };
      return w.reduceMean(w.node('ReduceSumSquare', ['y'], { attributes })[0] as string, { keepdims: false });
    };
    // Its second output, which the gradient reads, is the mean there.
    const wide = { ...small, out: 3, t: [1, 2, 3, 4, 5, 6], weight: [1, 2, 3, 4, 5, 7], bias: [0, 0, 0] };
    const normalized: Loss = ({ w }) => {
      const ones = w.initializer('ones', tensorOf('float32', [3], Float32Array.of(1, 1, 1)));
      const y = w.node('SimplifiedLayerNormalization', ['y', ones], { outputs: ['normal', 'deviation'] })[0] as string;
      const difference = w.sub(y, w.input('t', 'float32', [2, 3]));
      return w.reduceMean(w.mul(difference, difference), { keepdims: false });
    };
    return {
      wrongGradient: await failure(
        train(regression({ model: regressionModel(wide), feeds: [regressionFeeds(wide)], loss: normalized })),
      ),
      kept: await refused('device', twice),
      copied: await refused('host', twice),
      wrong: await refused('device', squares),
      wrongCopied: await refused('host', squares),
      atTheOptimum: await failure(train({ ...distilledFromItself(), provider: 'webgpu' })),
    };
  },

  /** Bytes that the process grew by in 60 steps whose state alone is 4 MiB. */
  async memory() {
    const dims = [512, 1024];
    const b = createGraphBuilder({ name: 'scaled', opset: 21 });
    const x = b.input('x', 'float32', [1]);
    const weight = b.initializer('layer.weight', tensorOf('float32', dims, new Float32Array(512 * 1024).fill(1)));
    b.output(b.mul(x, weight, { output: 'y' }), { dtype: 'float32', dims });
    const seen: number[] = [];
    await train({
      ...regression(),
      model: b.build(),
      loss: ({ w }) => w.reduceMean(w.mul('y', 'y'), { keepdims: false }),
      feeds: [{ shapes: { x: [1] }, at: () => ({ x: tensorOf('float32', [1], Float32Array.of(2)) }) }],
      optimizer: sgd({ momentum: 0.9 }),
      steps: 80,
      stepsPerCall: 10,
      onProgress: () => void seen.push(process.memoryUsage.rss()),
    });
    return { growthBytes: (seen.at(-1) as number) - (seen[1] as number) };
  },

  async lowerings() {
    const found: Record<string, unknown> = {};
    for (const { op, model, feeds } of loweredOperators()) {
      const lowered = lowerForDevice(model, 'webgpu');
      const [expected, made] = [await placed(model, feeds, 'cpu'), await placed(lowered, feeds, 'webgpu')];
      found[op] = {
        before: await placed(model, feeds, 'webgpu').then(
          ({ strayed }) => strayed,
          (error: Error) => error.message,
        ),
        after: made.strayed,
        difference: Math.max(...expected.values.map((values, at) => largestDifference(made.values[at] ?? [], values))),
      };
    }
    return found;
  },

  /** The cases of the gradient rules in float32: which the device computes otherwise than the CPU, or leaves to it. */
  /** Of each operator the first case, and those named; all of them where 'all' is among the names. */
  async gradientRules(...names: string[]) {
    const chosen = (name: string, index: number) => index === 0 || names.includes('all') || names.includes(name);
    const found = { agreeing: 0, wrong: [] as string[], strayed: [] as string[] };
    for (const [key, cases] of Object.entries(CASES)) {
      const [op = '', domain = ''] = key.split(':').reverse();
      const fit = cases.filter(({ flat, opset = 21, name }) => !flat && opset >= 18 && !name.includes('double'));
      for (const given of fit.filter(({ name }, index) => chosen(`${op}: ${name}`, index))) {
        const inputs = given.inputs.map(inSinglePrecision);
        const { model, feeds, targets } = caseModel({ op, domain }, { ...given, inputs, dtype: 'float32' });
        const { model: whole } = gradientGraph({ model, inputs: {}, loss: 'loss', targets, contrib: false });
        const live = new Set(whole.graph.inputs.map(({ name }) => name));
        const fed = Object.fromEntries(Object.entries(feeds).filter(([name]) => live.has(name)));
        const [right, made] = [
          await placed(whole, fed, 'cpu'),
          await placed(lowerForDevice(whole, 'webgpu'), fed, 'webgpu'),
        ];
        const away = right.values.map((values, at) => {
          const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0.01);
          return largestDifference(values, made.values[at] ?? []) / largest;
        });
        if (made.strayed.length > 0) found.strayed.push(`${op}: ${made.strayed.join(', ')}`);
        // WebGPU's sines and their like are good to 2⁻¹¹: https://www.w3.org/TR/WGSL/#floating-point-accuracy
        if (away.every((share) => share < 1e-3)) found.agreeing++;
        else found.wrong.push(`${op}: ${given.name}`);
      }
    }
    return { ...found, strayed: [...new Set(found.strayed)] };
  },
};

/** Constants too, which are written in float64. */
function inSinglePrecision(input: CaseInput): CaseInput {
  if (typeof input === 'string' || !('constant' in input) || input.constant.dtype !== 'float64') return input;
  return { constant: floatTensor('float32', input.constant.dims, floatsOf(input.constant)) };
}

async function compared(onCpu: Promise<TrainingResult>, onDevice: Promise<TrainingResult>): Promise<Agreement> {
  return difference(await onCpu, await onDevice);
}

function difference(cpu: TrainingResult, device: TrainingResult): Agreement {
  const relative = (a: readonly number[], b: readonly number[]) =>
    Math.max(...a.map((value, at) => Math.abs(value - (b[at] as number)) / Math.abs(value)));
  const between = (a: ReadonlyMap<string, Float32Array>, b: ReadonlyMap<string, Float32Array>) =>
    Object.fromEntries([...a].map(([name, values]) => [name, largestDifference(b.get(name) ?? [], values)]));
  const largest = (values: Iterable<Float32Array>) =>
    [...values].reduce((most, array) => array.reduce((max, value) => Math.max(max, Math.abs(value)), most), 0);
  const pairs = [...cpu.parameters].map(
    ([name, values]) => [values, device.parameters.get(name) as Float32Array] as const,
  );
  const elementsInAll = pairs.reduce((sum, [values]) => sum + values.length, 0);
  const unlike = pairs.reduce((sum, [a, b]) => sum + a.filter((value, at) => value !== b[at]).length, 0);
  return {
    loss: relative(cpu.history.loss, device.history.loss),
    gradientNorm: relative(cpu.history.gradientNorm.slice(-device.history.loss.length), device.history.gradientNorm),
    metrics: Object.keys(device.history.metrics),
    parameters: between(cpu.parameters, device.parameters),
    moments: Object.fromEntries(
      [...cpu.state.moments].map(([kind, values]) => {
        const own = between(values, device.state.moments.get(kind) ?? new Map());
        return [kind, Math.max(...Object.values(own)) / largest(values.values())];
      }),
    ),
    masks: Math.max(0, ...Object.values(between(cpu.state.masks, device.state.masks))),
    differing: unlike / elementsInAll,
    deviceSeconds: device.deviceSeconds,
  };
}

async function placed(
  model: OnnxModel,
  feeds: Parameters<Awaited<ReturnType<typeof createSession>>['run']>[0],
  provider: 'cpu' | 'webgpu',
): Promise<{ readonly values: readonly Float32Array[]; readonly strayed: readonly string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'lowered-'));
  const session = await createSession(model, { provider, threads: 1, profilePrefix: join(folder, 'profile') });
  try {
    const made = await session.run(feeds);
    const { strayed } = await readDevicePlacement(session.endProfiling());
    const values = model.graph.outputs.map(({ name }) => elements(made[name] as never, 'float32'));
    return { values, strayed: [...strayed.keys()] };
  } finally {
    await session.release();
    rmSync(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const [deed = '', ...args] = process.argv.slice(2);
  console.log(JSON.stringify(await deeds[deed]?.(...args)));
  process.exit(0); // a device's threads may keep the process
}
