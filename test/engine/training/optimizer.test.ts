import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { adamW, type Optimizer, SENSITIVITY, withSensitivity } from '../../../engine/training/optimizer.ts';
import { sgd } from '../../support/sgd.ts';
import { train } from '../../../engine/training/train.ts';
import { type Regression, regressionFeeds, regressionModel, squaredError } from './regression.ts';

interface Golden extends Regression {
  readonly cases: Readonly<
    Record<
      string,
      { readonly losses: readonly number[]; readonly weight: readonly number[]; readonly bias: readonly number[] }
    >
  >;
}
const golden = JSON.parse(readFileSync(new URL('../../golden/training.json', import.meta.url), 'utf8')) as Golden;
const STEPS = 12;

function trainGolden(
  optimizer: Optimizer,
  options: { readonly clipNorm?: number; readonly stepsPerCall?: number } = {},
) {
  return train({
    model: regressionModel(golden),
    loss: squaredError,
    feeds: [regressionFeeds(golden)],
    optimizer,
    schedule: (step) => 0.05 / (1 + step),
    steps: STEPS,
    clipNorm: Infinity,
    threads: 1,
    ...options,
  });
}

function furthest(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  return Math.max(...Array.from(actual, (value, at) => Math.abs(value - (expected[at] as number))));
}

describe('optimizers against PyTorch', () => {
  const cases: readonly [string, Optimizer, number | undefined][] = [
    ['adamw', adamW({ weightDecay: 0.3, beta1: 0.8, beta2: 0.95, epsilon: 1e-6 }), undefined],
    ['adamw clipped', adamW(), 0.5],
    ['sgd', sgd(), undefined],
    ['sgd momentum', sgd({ momentum: 0.9, weightDecay: 0.2 }), undefined],
    ['sgd nesterov', sgd({ momentum: 0.7, nesterov: true }), 0.3],
  ];
  it.each(cases)('%s gives the same weights and losses', async (name, optimizer, clipNorm) => {
    const { parameters, history } = await trainGolden(optimizer, clipNorm === undefined ? {} : { clipNorm });
    const expected = golden.cases[name];
    expect(expected).toBeDefined();
    if (expected === undefined) return;
    expect(furthest(parameters.get('linear.weight') ?? [], expected.weight)).toBeLessThan(2e-6);
    expect(furthest(parameters.get('linear.bias') ?? [], expected.bias)).toBeLessThan(2e-6);
    expect(furthest(history.loss, expected.losses)).toBeLessThan(5e-6);
    expect(history.loss).toHaveLength(STEPS);
  });
});

/** Gradient of the squared error in float64. */
function gradientOf({ rows, in: inFeatures, out, x, t }: Regression, weight: Float64Array, bias: Float64Array) {
  const dw = new Float64Array(weight.length);
  const db = new Float64Array(bias.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < out; column++) {
      let y = bias[column] as number;
      for (let i = 0; i < inFeatures; i++)
        y += (x[row * inFeatures + i] as number) * (weight[i * out + column] as number);
      const slope = (2 * (y - (t[row * out + column] as number))) / (rows * out);
      db[column] = (db[column] as number) + slope;
      for (let i = 0; i < inFeatures; i++)
        dw[i * out + column] = (dw[i * out + column] as number) + slope * (x[row * inFeatures + i] as number);
    }
  }
  return { dw, db, norm: Math.hypot(...dw, ...db) };
}

describe('adamW', () => {
  it('follows Algorithm 2 of the paper in float64, with the norm it reports', async () => {
    const [beta1, beta2, epsilon, decay] = [0.9, 0.99, 1e-8, 0.1];
    const { parameters, history } = await trainGolden(adamW({ beta1, beta2, epsilon, weightDecay: decay }));
    const weight = Float64Array.from(golden.weight);
    const bias = Float64Array.from(golden.bias);
    const state = [weight, bias].map((values) => ({
      values,
      m: new Float64Array(values.length),
      v: new Float64Array(values.length),
    }));
    for (let step = 1; step <= STEPS; step++) {
      const { dw, db, norm } = gradientOf(golden, weight, bias);
      expect(history.gradientNorm[step - 1]).toBeCloseTo(norm, 5);
      const rate = 0.05 / step;
      for (const [at, { values, m, v }] of state.entries()) {
        const gradient = at === 0 ? dw : db;
        for (let i = 0; i < values.length; i++) {
          const g = gradient[i] as number;
          m[i] = beta1 * (m[i] as number) + (1 - beta1) * g;
          v[i] = beta2 * (v[i] as number) + (1 - beta2) * g * g;
          const direction =
            (m[i] as number) / (1 - beta1 ** step) / (Math.sqrt((v[i] as number) / (1 - beta2 ** step)) + epsilon);
          const kept = at === 0 ? (values[i] as number) * (1 - rate * decay) : (values[i] as number);
          values[i] = kept - rate * direction;
        }
      }
    }
    expect(furthest(parameters.get('linear.weight') ?? [], weight)).toBeLessThan(2e-6);
    expect(furthest(parameters.get('linear.bias') ?? [], bias)).toBeLessThan(2e-6);
  });
});

describe('train', () => {
  it('gives the same bytes however its steps are divided into calls', async () => {
    const [whole, single] = [
      await trainGolden(adamW(), { stepsPerCall: 12 }),
      await trainGolden(adamW(), { stepsPerCall: 1 }),
    ];
    expect(single.parameters).toEqual(whole.parameters);
    expect(single.state.moments).toEqual(whole.state.moments);
  });

  it('averages the gradients of accumulated batches', async () => {
    const options = {
      model: regressionModel(golden),
      loss: squaredError,
      optimizer: sgd(),
      schedule: () => 0.1,
      steps: 1,
      clipNorm: Infinity,
      threads: 1,
    };
    const scales = [0.5, 1, 2];
    const weightsOf = async (feeds: ReturnType<typeof regressionFeeds>, accumulation: number) =>
      (await train({ ...options, feeds: [feeds], accumulation })).parameters.get('linear.weight') as Float32Array;
    const together = await weightsOf(
      regressionFeeds(golden, (index) => scales[index] as number),
      3,
    );
    const apart = await Promise.all(
      scales.map((scale) =>
        weightsOf(
          regressionFeeds(golden, () => scale),
          1,
        ),
      ),
    );
    const mean = together.map((_, at) => apart.reduce((sum, weights) => sum + (weights[at] as number), 0) / 3);
    expect(furthest(together, mean)).toBeLessThan(1e-6);
  });
});

describe('withSensitivity', () => {
  it('does not change the optimizer, and smooths |w g| over the steps', async () => {
    const beta = 0.7;
    const observed = await trainGolden(withSensitivity(sgd({ momentum: 0.5 }), { beta }));
    const plain = await trainGolden(sgd({ momentum: 0.5 }));
    expect(observed.parameters).toEqual(plain.parameters);
    const weight = Float64Array.from(golden.weight);
    const bias = Float64Array.from(golden.bias);
    const velocity = { weight: new Float64Array(weight.length), bias: new Float64Array(bias.length) };
    let sensitivity = new Float64Array(weight.length);
    for (let step = 0; step < STEPS; step++) {
      const { dw, db } = gradientOf(golden, weight, bias);
      sensitivity = sensitivity.map((value, at) => beta * value + (1 - beta) * Math.abs(weight[at]! * dw[at]!));
      for (const [values, moving, slope] of [
        [weight, velocity.weight, dw],
        [bias, velocity.bias, db],
      ] as const) {
        for (let at = 0; at < values.length; at++) {
          moving[at] = 0.5 * moving[at]! + slope[at]!;
          values[at]! -= (0.05 / (1 + step)) * moving[at]!;
        }
      }
    }
    const kept = observed.state.moments.get(SENSITIVITY)?.get('linear.weight') as Float32Array;
    expect(furthest(kept, sensitivity)).toBeLessThan(1e-6);
    expect(Math.max(...kept)).toBeGreaterThan(1e-3);
  });
});
