import { describe, expect, it } from 'vitest';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import ffnSlice, { interpolated, pivots } from '../../../methods/architecture/ffn-slice.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyModels } from '../../support/tiny-model.ts';

const random = createRandom('ffn-slice');
const [ROWS, SIZE] = [30, 7];
const draw = (length: number) => Float64Array.from({ length }, () => random.normal());
const gramOf = (z: Float64Array) =>
  Float64Array.from({ length: SIZE * SIZE }, (_, at) => {
    let sum = 0;
    for (let row = 0; row < ROWS; row++)
      sum += (z[row * SIZE + Math.floor(at / SIZE)] as number) * (z[row * SIZE + (at % SIZE)] as number);
    return sum;
  });

/** Pivots of a QR factorisation with column pivoting, by Gram and Schmidt on the columns themselves. */
function qrPivots(z: Float64Array, count: number): readonly number[] {
  const columns = Array.from({ length: SIZE }, (_, at) =>
    Array.from({ length: ROWS }, (__, row) => z[row * SIZE + at] as number),
  );
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, x, row) => sum + x * (b[row] as number), 0);
  const chosen: number[] = [];
  for (let step = 0; step < count; step++) {
    const norms = columns.map((column, at) => (chosen.includes(at) ? -1 : dot(column, column)));
    const pivot = norms.indexOf(Math.max(...norms));
    const axis = (columns[pivot] as number[]).map((x) => x / Math.sqrt(norms[pivot] as number));
    chosen.push(pivot);
    for (const [at, column] of columns.entries()) {
      const along = dot(column, axis);
      columns[at] = column.map((x, row) => x - along * (axis[row] as number));
    }
  }
  return chosen.sort((a, b) => a - b);
}

describe('pivots', () => {
  it('equal those of the QR factorisation of the states', () => {
    for (let attempt = 0; attempt < 10; attempt++) {
      const z = draw(ROWS * SIZE).map((value, at) => value * (1 + (at % SIZE)));
      for (const count of [1, 3, 6]) expect(pivots(gramOf(z), SIZE, count)).toEqual(qrPivots(z, count));
    }
  });

  it('choose no duplicate while other neurons remain, and fill up when none do', () => {
    const z = draw(ROWS * SIZE);
    for (let row = 0; row < ROWS; row++) z[row * SIZE + 6] = z[row * SIZE] as number;
    expect(pivots(gramOf(z), SIZE, 6).filter((at) => at === 0 || at === 6)).toHaveLength(1);
    expect(pivots(new Float64Array(SIZE * SIZE), SIZE, 3)).toHaveLength(3);
  });
});

describe('interpolated', () => {
  const error = (z: Float64Array, kept: readonly number[], weight: Float32Array, merged: Float32Array) => {
    let sum = 0;
    for (let row = 0; row < ROWS; row++) {
      for (let out = 0; out < 2; out++) {
        let value = 0;
        for (let i = 0; i < SIZE; i++) {
          value += (z[row * SIZE + i] as number) * (weight[i * 2 + out] as number);
          if (kept.includes(i)) value -= (z[row * SIZE + i] as number) * (merged[i * 2 + out] as number);
        }
        sum += value ** 2;
      }
    }
    return sum;
  };

  it('loses nothing where the removed neurons are combinations of the kept ones', async () => {
    const z = draw(ROWS * SIZE);
    for (let row = 0; row < ROWS; row++)
      z[row * SIZE + 3] = 2 * (z[row * SIZE] as number) - (z[row * SIZE + 5] as number);
    const weight = Float32Array.from(draw(SIZE * 2));
    const kept = [0, 1, 2, 4, 5, 6];
    const merged = await interpolated(weight, { gram: gramOf(z), size: SIZE, kept });
    expect(error(z, kept, weight, merged)).toBeLessThan(1e-6 * error(z, kept, weight, weight));
  });

  it('has a smaller error than removal alone, and no small change reduces it', async () => {
    const [z, weight, kept] = [draw(ROWS * SIZE), Float32Array.from(draw(SIZE * 2)), [1, 2, 6]];
    const merged = await interpolated(weight, { gram: gramOf(z), size: SIZE, kept });
    const found = error(z, kept, weight, merged);
    expect(found).toBeLessThan(error(z, kept, weight, weight));
    for (const neuron of kept)
      for (const by of [0.01, -0.01])
        expect(error(z, kept, weight, merged.with(neuron * 2, (merged[neuron * 2] as number) + by))).toBeGreaterThan(
          found,
        );
  });
});

/** The model with neuron 5 of every block a copy of neuron 2. */
function withTwins(model: Model): Model {
  const copy = (of: Model, linear: LinearRole): Model => {
    const { inFeatures, outFeatures } = linear;
    const weight = of
      .weight(linear)
      .map((value, at, all) => (at % outFeatures === 5 ? (all[at - 3] as number) : value));
    return of.withWeight(linear, tensorOf('float32', [inFeatures, outFeatures], weight));
  };
  let twins = model;
  const initializers = new Map(model.onnx.graph.initializers);
  for (const { gate, up } of model.roles.layers) {
    if (up.bias !== undefined) initializers.set(up.bias, tensorOf('float32', [48], new Float32Array(48)));
    twins = copy(twins, up);
    if (gate) twins = copy(twins, gate);
  }
  const merged = new Map([
    ...initializers,
    ...model.linears.map(({ weight }) => [weight, twins.onnx.graph.initializers.get(weight)] as const),
  ]);
  return twins.withOnnx({ ...twins.onnx, graph: { ...twins.onnx.graph, initializers: merged as never } });
}

describe.each(tinyModels.map((model) => [model.id, model] as const))('ffn-slice on %s', (_, model) => {
  const rows = [[1, 9, 17, 4, 33, 60]];
  const slice = async (of: Model, params: Record<string, unknown>) => {
    const calibration = randomExamples(of, 'slice', { count: 12 });
    const { context } = methodContext({ method: ffnSlice, variant: '', params, model: of, calibration });
    return ffnSlice.compress(of, context);
  };

  it('removes a duplicate neuron without changing the output', async () => {
    const twins = withTwins(model);
    const narrow = await slice(twins, { width: 47 / 48 });
    expect(narrow.roles.layers.map(({ down }) => down.inFeatures)).toEqual([47, 47]);
    expect(largestDifference(await logitsOf(narrow, rows), await logitsOf(twins, rows))).toBeLessThan(2e-3);
    const cut = await slice(twins, { width: 47 / 48, merge: false });
    expect(largestDifference(await logitsOf(cut, rows), await logitsOf(twins, rows))).toBeGreaterThan(2e-2);
  });

  it('has a smaller error with merging than without', async () => {
    const calibration = randomExamples(model, 'slice', { count: 12 });
    const tokens = calibration.examples.map((example) => [...example.tokens]);
    const target = await logitsOf(model, tokens);
    const distance = async (params: Record<string, unknown>) => {
      const logits = await logitsOf(await slice(model, params), tokens);
      return logits.reduce((sum, value, at) => sum + (value - (target[at] as number)) ** 2, 0);
    };
    const merged = await distance({ width: 0.5 });
    expect(merged).toBeLessThan(await distance({ width: 0.5, merge: false }));
    expect(merged).toBeLessThan(await distance({ width: 0.5, merge: false, neurons: 'random' }));
  });
});
