import { describe, expect, it } from 'vitest';
import { InputError, NumericalError } from '../../../contracts/errors.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { nextTokenCrossEntropy } from '../../../engine/training/loss.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { withParameters } from '../../../engine/training/parameters.ts';
import { cosineSchedule } from '../../../engine/training/schedule.ts';
import { train, type TrainingProgress, type TrainOptions } from '../../../engine/training/train.ts';
import { tinyLlama } from '../../support/tiny-model.ts';
import { regressionFeeds, regressionModel, squaredError } from './regression.ts';

const [BATCH, SEQUENCE, VOCABULARY] = [4, 8, 64];
const DIMS = [BATCH, SEQUENCE];
const model = tinyLlama();

/** Batches of rows that count upwards from a random start; `distinct` of them, again and again. */
function countingFeeds(distinct: number, seed = '') {
  return {
    shapes: { input_ids: DIMS, targets: DIMS, target_weights: DIMS },
    at(index: number) {
      const random = createRandom(`counting/${seed}${index % distinct}`);
      const starts = Array.from({ length: BATCH }, () => random.integer(VOCABULARY));
      const tokens = (shift: number) =>
        tensorOf(
          'int64',
          DIMS,
          BigInt64Array.from({ length: BATCH * SEQUENCE }, (_, at) =>
            BigInt(((starts[Math.floor(at / SEQUENCE)] as number) + (at % SEQUENCE) + shift) % VOCABULARY),
          ),
        );
      return {
        input_ids: tokens(0),
        targets: tokens(1),
        target_weights: tensorOf('float32', DIMS, new Float32Array(BATCH * SEQUENCE).fill(1)),
      };
    },
  };
}

function options(changes: Partial<TrainOptions> = {}): TrainOptions {
  return {
    model: model.onnx,
    loss: nextTokenCrossEntropy(),
    feeds: [countingFeeds(64)],
    optimizer: adamW(),
    schedule: cosineSchedule({ peak: 3e-3, warmUp: 2, steps: 20 }),
    steps: 20,
    threads: 1,
    ...changes,
  };
}

const seeded = (seed: string): TrainOptions => options({ feeds: [countingFeeds(64, seed)] });

describe('train', () => {
  it('overfits a batch, and returns a model with the trained weights', async () => {
    const {
      history,
      model: trained,
      parameters,
      provider,
      deviceSeconds,
    } = await train(options({ feeds: [countingFeeds(1)], steps: 80, schedule: () => 1e-2 }));
    expect([provider, deviceSeconds]).toEqual(['cpu', undefined]);
    expect(history.loss[0]).toBeGreaterThan(4);
    expect(history.loss.at(-1)).toBeLessThan(0.05);
    const name = model.linears[0]?.weight as string;
    const weight = trained.graph.initializers.get(name);
    expect(elements(weight as never, 'float32')).toEqual(parameters.get(name));
    expect(elements(model.onnx.graph.initializers.get(name) as never, 'float32')).not.toEqual(parameters.get(name));
  });

  it('gives the same weights for the same seed, others for another', async () => {
    const [first, second, other] = [await train(seeded('a')), await train(seeded('a')), await train(seeded('b'))];
    expect(second.parameters).toEqual(first.parameters);
    expect(second.history).toEqual(first.history);
    expect(other.parameters).not.toEqual(first.parameters);
  });

  it('leaves frozen parameters as they are', async () => {
    const frozen = ['embedding.weight', 'final.norm.weight'];
    const { model: trained, parameters } = await train(options({ frozen, steps: 3 }));
    for (const name of frozen) {
      expect(parameters.has(name)).toBe(false);
      expect(trained.graph.initializers.get(name)).toBe(model.onnx.graph.initializers.get(name));
    }
  });

  it('resumes from a state as if uninterrupted, and refuses a state that lacks a parameter', async () => {
    const whole = await train(seeded('a'));
    const { state } = await train({ ...seeded('a'), steps: 9 });
    const rest = await train({ ...seeded('a'), from: state });
    expect(rest.parameters).toEqual(whole.parameters);
    expect(rest.state).toEqual(whole.state);
    expect(rest.history.loss).toEqual(whole.history.loss.slice(9));
    const lacking = { ...state, moments: new Map() };
    await expect(train({ ...seeded('a'), from: lacking })).rejects.toThrow(/has no first_moment of/);
  });

  it('keeps masked elements at zero while a hook changes the mask', async () => {
    const name = model.linears[0]?.weight as string;
    const count = elements(model.onnx.graph.initializers.get(name) as never, 'float32').length;
    const seen: number[] = [];
    const { parameters } = await train(
      options({
        steps: 12,
        stepsPerCall: 8,
        parameterOptions: (of) => (of === name ? { mask: new Float32Array(count).fill(1) } : {}),
        hooks: [
          {
            every: 5,
            run({ step, parameters: current, setMask }) {
              seen.push(step);
              const cut = (count * (step + 1)) / 20;
              setMask(
                name,
                (current.get(name) as Float32Array).map((_, at) => (at < cut ? 0 : 1)),
              );
            },
          },
        ],
      }),
    );
    expect(seen).toEqual([0, 5, 10]);
    const zeros = [...(parameters.get(name) as Float32Array)].map((value) => value === 0);
    expect(zeros.indexOf(false)).toBe(Math.ceil((count * 11) / 20));
    expect(zeros.lastIndexOf(true)).toBe(Math.ceil((count * 11) / 20) - 1);
  });

  it('reports progress and stops when aborted', async () => {
    const events: TrainingProgress[] = [];
    const controller = new AbortController();
    const running = train(
      options({
        stepsPerCall: 4,
        tokensPerBatch: BATCH * SEQUENCE,
        signal: controller.signal,
        onProgress(event) {
          events.push(event);
          if (event.step === 8) controller.abort();
        },
      }),
    );
    await expect(running).rejects.toThrow(/abort/i);
    expect(events.map(({ step }) => step)).toEqual([4, 8]);
    expect(events[1]).toMatchObject({ steps: 20, loss: expect.any(Number) });
    expect(events[1]?.tokensPerSecond).toBeGreaterThan(0);
    expect(events[1]?.secondsLeft).toBeGreaterThan(0);
  });

  it('reports options that do not fit', async () => {
    await expect(train(options({ parameters: ['nothing'] }))).rejects.toThrow(/no initializer "nothing"/);
    await expect(train(options({ steps: 0 }))).rejects.toThrow(InputError);
    await expect(train(options({ feeds: [] }))).rejects.toThrow(/input_ids/);
    for (const provider of ['cpu', 'cuda'] as const)
      await expect(train(options({ provider, stateLocation: 'device' }))).rejects.toThrow(/cannot stay on the device/);
  });
});

describe('a step that is not finite', () => {
  const small = { rows: 2, in: 2, out: 1, x: [1, 2, 3, 4], t: [1, 1], weight: [1, 1], bias: [0] };

  it('is reported with the first such node', async () => {
    const loss: TrainOptions['loss'] = ({ w }) =>
      w.reduceMean(w.log(w.sub('y', w.scalar(3.5)), { name: 'bad' }), { keepdims: false });
    const running = train({ ...options(), model: regressionModel(small), loss, feeds: [regressionFeeds(small)] });
    await expect(running).rejects.toThrow(NumericalError);
    await expect(running).rejects.toThrow(/step 0: the loss is NaN; first at node "loss\/bad" \(Log\)/);
  });

  it('is found at the step in which it occurs, within a call', async () => {
    const feeds = regressionFeeds(small, (index) => (index === 5 ? Infinity : 1));
    const running = train({
      ...options(),
      model: regressionModel(small),
      loss: squaredError,
      feeds: [feeds],
      stepsPerCall: 8,
    });
    await expect(running).rejects.toThrow(/step 5: .*first at node "linear" \(MatMul\), value "product"/);
  });
});

it('withParameters ignores names that the model does not have', () => {
  expect(withParameters(model.onnx, new Map([['elsewhere', new Float32Array(1)]])).graph.initializers).toEqual(
    model.onnx.graph.initializers,
  );
});
