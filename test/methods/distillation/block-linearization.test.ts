import { describe, expect, it } from 'vitest';
import { residualAfter } from '../../../engine/calibrate/reconstruction.ts';
import type { Model } from '../../../engine/definitions/model.ts';
import { captureValues } from '../../../engine/runtime/capture.ts';
import { multiply, solvePositiveDefinite, transpose } from '../../../numerics/tensor/linear-algebra.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements } from '../../../numerics/tensor/tensor.ts';
import blockLinearization, {
  type JointStatistics,
  linearEstimate,
  mostLinear,
  nonlinearity,
} from '../../../methods/distillation/block-linearization.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const WIDTH = 4;

/** Statistics of x, y and s where each is a list of rows. */
function statisticsOf(x: readonly number[][], y: readonly number[][], s: readonly number[][]): JointStatistics {
  const rows = x.map((row, at) => [...row, ...(y[at] as number[]), ...(s[at] as number[])]);
  const size = 3 * WIDTH;
  const mean = Float64Array.from({ length: size }, (_, i) => average(rows.map((row) => row[i] as number)));
  const covariance = Float64Array.from({ length: size * size }, (_, at) => {
    const [i, j] = [Math.floor(at / size), at % size];
    return average(
      rows.map((row) => ((row[i] as number) - (mean[i] as number)) * ((row[j] as number) - (mean[j] as number))),
    );
  });
  return { width: WIDTH, mean, covariance };
}

const average = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function draw(seed: number, count = 60): number[][] {
  const random = createRandom(seed);
  return Array.from({ length: count }, () => Array.from({ length: WIDTH }, () => random.normal()));
}

describe('linearEstimate', () => {
  it('is the least-squares fit with a constant, by the normal equations of the rows themselves in float64', async () => {
    const [x, noise] = [draw(1), draw(2)];
    const y = x.map((row, at) => row.map((value, i) => (noise[at]?.[i] as number) + 3 * value + i));
    const { weight, bias } = await linearEstimate(statisticsOf(x, y, y));
    const [rows, columns] = [x.length, WIDTH + 1];
    const [inputs, outputs] = [x.flatMap((row) => [...row, 1]), y.flat()].map((all) => Float64Array.from(all));
    const left = transpose(inputs as Float64Array, rows, columns);
    const shape = { left, rows: columns, inner: rows };
    const a = multiply({ ...shape, right: inputs as Float64Array, columns });
    const right = multiply({ ...shape, right: outputs as Float64Array, columns: WIDTH });
    const reference = solvePositiveDefinite({ a, size: columns, right, columns: WIDTH });
    // Damping of a hundred thousandth moves the weights by about as much.
    [...weight, ...bias].forEach((value, at) => expect(value).toBeCloseTo(reference[at] as number, 3));
  });
});

describe('nonlinearity', () => {
  it('is 0 where the map is linear, and the width where it is not at all, in any basis', async () => {
    const x = draw(3);
    const turned = x.map(([a = 0, b = 0, c = 0, d = 0]) => [a + b, b - 2 * c, 5 * c, d + a]);
    expect(await nonlinearity(statisticsOf(x, x, turned))).toBeLessThan(1e-3);
    // Every row once with s turned round: they are uncorrelated exactly.
    const back = x.map((row) => row.map((value) => -value));
    expect(await nonlinearity(statisticsOf([...x, ...x], [...x, ...x], [...x, ...back]))).toBeCloseTo(WIDTH, 9);
  });

  it('is 1 − the squared correlation, summed over independent features', async () => {
    const [x, noise] = [draw(4, 4000), draw(5, 4000)];
    const s = x.map((row, at) => row.map((value, i) => value + i * (noise[at]?.[i] as number)));
    const expected = [0, 1, 2, 3].reduce((sum, i) => sum + (1 - 1 / (1 + i * i)), 0);
    expect(await nonlinearity(statisticsOf(x, x, s))).toBeCloseTo(expected, 1);
  });
});

it('mostLinear takes the lowest bounds, at least one', () => {
  expect(mostLinear([3, 1, 2, 0.5], 0.5)).toEqual([1, 3]);
  expect(mostLinear([3, 1, 2], 0.9)).toEqual([1]);
  expect(mostLinear([1, 1, 1], 0)).toEqual([0, 1, 2]);
});

const models = [tinyLlama({ layers: 4 }), tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })];
describe.each(models.map((model) => [model.id, model] as const))('block-linearization on %s', (_, teacher) => {
  const calibration = randomExamples(teacher, 'what the teacher shows', { count: 32, length: 24 });
  async function student(params: Record<string, unknown>) {
    const made = methodContext({ method: blockLinearization, variant: '', params, model: teacher, calibration });
    return { ...made, model: await blockLinearization.compress(teacher, made.context) };
  }
  async function rowsOf(model: Model, value: string): Promise<readonly Float32Array[]> {
    const rows: Float32Array[] = [];
    await captureValues({
      model: model.onnx,
      values: [value],
      examples: calibration.examples,
      visit: (captured) => void rows.push(elements(captured[value] as never, 'float32').slice()),
    });
    return rows;
  }
  const energy = (rows: readonly Float32Array[], minus: readonly Float32Array[]) =>
    rows.reduce((sum, row, at) => sum + row.reduce((of, x, i) => of + (x - (minus[at]?.[i] as number)) ** 2, 0), 0);

  it('brings the stream after the first replaced sublayer nearer to the teacher’s than dropping does', async () => {
    const [linear, dropped] = [await student({ keep: 0.75 }), await student({ keep: 0.75, replacement: 'none' })];
    expect(linear.notes).toEqual(dropped.notes);
    const layer = teacher.roles.layers.find(({ o }) => linear.notes[0]?.includes(o.role));
    if (layer === undefined) throw new Error(`no layer in "${linear.notes[0]}"`);
    const { skip, sum } = residualAfter(teacher, layer.o);
    const right = await rowsOf(teacher, sum);
    const near = energy(await rowsOf(linear.model, sum), right);
    // Nothing in front of it has changed, so what it reads is the teacher's.
    expect(energy(await rowsOf(linear.model, skip), await rowsOf(teacher, skip))).toBe(0);
    expect(near).toBeGreaterThan(0);
    expect(near).toBeLessThan(0.9 * energy(await rowsOf(teacher, skip), right));
    const parameters = (model: Model) =>
      [...model.onnx.graph.initializers.values()].reduce(
        (total, { dims }) => total + dims.reduce((a, b) => a * b, 1),
        0,
      );
    expect(parameters(dropped.model)).toBeLessThan(parameters(linear.model));
    expect(parameters(linear.model)).toBeLessThan(parameters(teacher));
  });

  it('replaces feed-forward blocks too where allowed', async () => {
    const { notes, model } = await student({ keep: 0, sublayers: 'all' });
    for (const { o, down } of teacher.roles.layers) {
      expect(notes[0]).toContain(o.role);
      expect(notes[0]).toContain(down.role);
    }
    expect(model.onnx.graph.nodes.some(({ op }) => op === 'Softmax')).toBe(false);
  });
});
