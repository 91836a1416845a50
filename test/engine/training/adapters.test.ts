import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, type NumericTensor, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { createSession } from '../../../engine/runtime/session.ts';
import type { OnnxModel } from '../../../numerics/onnx/graph.ts';
import { addFakeQuantization, initialScales, stepSizeName } from '../../../engine/training/fake-quantize.ts';
import { logitDistillation, nextTokenCrossEntropy } from '../../../engine/training/loss.ts';
import { addLora } from '../../../engine/training/lora.ts';
import { adamW } from '../../../engine/training/optimizer.ts';
import { sgd } from '../../support/sgd.ts';
import { withParameters } from '../../../engine/training/parameters.ts';
import { mergeTeacher } from '../../../engine/training/teacher.ts';
import { train } from '../../../engine/training/train.ts';
import { codeOf, gridOf, valueOf } from '../../../methods/shared/formats/grid.ts';
import { tinyLlama } from '../../support/tiny-model.ts';
import { regressionFeeds, regressionModel, squaredError } from './regression.ts';

const [BATCH, SEQUENCE] = [2, 8];
const DIMS = [BATCH, SEQUENCE];
const tokens = (seed: string) => {
  const random = createRandom(seed);
  return tensorOf(
    'int64',
    DIMS,
    BigInt64Array.from({ length: BATCH * SEQUENCE }, () => BigInt(random.integer(64))),
  );
};
const feeds = {
  shapes: { input_ids: DIMS, targets: DIMS, target_weights: DIMS },
  at: () => ({
    input_ids: tokens('ids'),
    targets: tokens('targets'),
    target_weights: tensorOf('float32', DIMS, new Float32Array(BATCH * SEQUENCE).fill(1)),
  }),
};

async function logitsOf(model: OnnxModel): Promise<Float32Array> {
  const session = await createSession(model, { threads: 1 });
  try {
    return elements((await session.run({ input_ids: tokens('ids') })).logits as NumericTensor, 'float32');
  } finally {
    await session.release();
  }
}
const furthest = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] as number))), 0);

describe('addLora', () => {
  it('starts as the model, trains only the adapters and merges to the same outputs', async () => {
    const model = tinyLlama({ tied: false });
    const linears = [...model.linears, ...(model.roles.head ? [model.roles.head] : [])];
    const lora = addLora({ model: model.onnx, linears, rank: 4, alpha: 8, random: createRandom('lora') });
    expect(lora.parameters).toHaveLength(2 * linears.length);
    expect(furthest(await logitsOf(lora.model), await logitsOf(model.onnx))).toBe(0);
    const {
      parameters,
      model: adapted,
      history,
    } = await train({
      model: lora.model,
      parameters: lora.parameters,
      loss: nextTokenCrossEntropy(),
      feeds: [feeds],
      optimizer: adamW(),
      schedule: () => 1e-2,
      steps: 30,
      threads: 1,
    });
    expect(history.loss.at(-1)).toBeLessThan(0.5 * (history.loss[0] as number));
    expect([...parameters.keys()].sort()).toEqual([...lora.parameters].sort());
    const merged = lora.merge(parameters);
    expect(merged.graph.nodes).toBe(model.onnx.graph.nodes);
    const [unmerged, plain] = [await logitsOf(adapted), await logitsOf(merged)];
    expect(furthest(unmerged, plain)).toBeLessThan(1e-4);
    expect(furthest(plain, await logitsOf(model.onnx))).toBeGreaterThan(0.1);
  });
});

describe('addLora with masks', () => {
  it('keeps zeros zero in the merged model, which computes what the adapted one does', async () => {
    const dense = tinyLlama({ tied: false });
    const masks = new Map(
      dense.linears.map(({ weight, inFeatures, outFeatures }) => [
        weight,
        Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => (at % 3 === 0 ? 0 : 1)),
      ]),
    );
    const pruned = dense.linears.reduce((model, linear) => {
      const mask = masks.get(linear.weight) as Float32Array;
      const values = dense.weight(linear).map((value, at) => value * (mask[at] as number));
      return model.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], values));
    }, dense);
    const lora = addLora({
      model: pruned.onnx,
      linears: pruned.linears,
      rank: 4,
      alpha: 8,
      random: createRandom('masked'),
      masks,
    });
    expect(furthest(await logitsOf(lora.model), await logitsOf(pruned.onnx))).toBe(0);
    const { parameters, model: adapted } = await train({
      model: lora.model,
      parameters: lora.parameters,
      loss: nextTokenCrossEntropy(),
      feeds: [feeds],
      optimizer: adamW(),
      schedule: () => 1e-2,
      steps: 20,
      threads: 1,
    });
    const merged = lora.merge(parameters);
    expect(furthest(await logitsOf(adapted), await logitsOf(merged))).toBeLessThan(1e-4);
    expect(furthest(await logitsOf(merged), await logitsOf(pruned.onnx))).toBeGreaterThan(0.05);
    for (const [weight, mask] of masks) {
      const values = elements(merged.graph.initializers.get(weight) as NumericTensor, 'float32');
      mask.forEach((kept, at) => kept === 0 && expect(Math.abs(values[at] as number)).toBe(0));
      expect(values.filter((value) => value !== 0).length).toBeGreaterThan(0.6 * values.length);
    }
  });
});

describe('addFakeQuantization', () => {
  const random = createRandom('lsq');
  const [rows, inFeatures, out, bits] = [3, 8, 2, 3];
  const problem = {
    rows,
    in: inFeatures,
    out,
    x: Array.from({ length: rows * inFeatures }, () => random.normal()),
    t: Array.from({ length: rows * out }, () => random.normal()),
    weight: Array.from({ length: inFeatures * out }, () => random.normal()),
    bias: Array.from({ length: out }, () => 0),
  };
  const scales = Float32Array.from({ length: 2 * out }, () => 0.3 + 0.2 * random.next());

  it.each([
    ['symmetric', 4, undefined],
    ['asymmetric', 4, Float32Array.of(3, 4, 2, 5)],
    ['symmetric with a short last group', 5, undefined],
    ['asymmetric with a short last group', 5, Float32Array.of(3, 4, 2, 5)],
  ])('%s: gradients of weight and step size follow LSQ', async (_, groupSize, zeroPoints) => {
    const { model, stepSizes, options } = addFakeQuantization(regressionModel(problem), {
      weights: [{ weight: 'linear.weight', bits, groupSize, scales, ...(zeroPoints && { zeroPoints }) }],
    });
    const name = stepSizeName('linear.weight');
    expect(stepSizes).toEqual([name]);
    const { parameters } = await train({
      model,
      parameters: ['linear.weight', name],
      parameterOptions: (of) => options(of) ?? {},
      loss: squaredError,
      feeds: [regressionFeeds(problem)],
      optimizer: sgd(),
      schedule: () => 1,
      steps: 1,
      clipNorm: Infinity,
      threads: 1,
    });

    const quantized = problem.weight.map((value, at) => {
      const group = Math.floor(at / (out * groupSize)) * out + (at % out);
      const [s, z] = [scales[group] as number, zeroPoints?.[group] ?? 2 ** (bits - 1)];
      const position = value / s + z;
      const inside = position >= 0 && position <= 2 ** bits - 1;
      const code = Math.round(Math.min(Math.max(position, 0), 2 ** bits - 1));
      return { group, value: (code - z) * s, inside, slope: inside ? code - z - value / s : code - z };
    });
    const weightGradient = new Float64Array(problem.weight.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < out; column++) {
        let error = -(problem.t[row * out + column] as number);
        for (let i = 0; i < inFeatures; i++)
          error += (problem.x[row * inFeatures + i] as number) * (quantized[i * out + column]?.value as number);
        for (let i = 0; i < inFeatures; i++)
          weightGradient[i * out + column] =
            (weightGradient[i * out + column] as number) +
            (2 * error * (problem.x[row * inFeatures + i] as number)) / (rows * out);
      }
    }
    const stepGradient = new Float64Array(scales.length);
    for (const [at, { group, slope }] of quantized.entries())
      stepGradient[group] = (stepGradient[group] as number) + (weightGradient[at] as number) * slope;
    const scale = 1 / Math.sqrt(groupSize * (2 ** (bits - 1) - 1));
    expect(quantized.filter(({ inside }) => !inside).length).toBeGreaterThan(0);
    for (const [at, { inside }] of quantized.entries()) {
      const moved = (problem.weight[at] as number) - (parameters.get('linear.weight')?.[at] as number);
      expect(moved).toBeCloseTo(inside ? (weightGradient[at] as number) : 0, 5);
    }
    for (const [at, gradient] of stepGradient.entries()) {
      expect((scales[at] as number) - (parameters.get(name)?.[at] as number)).toBeCloseTo(scale * gradient, 5);
    }
  });

  it('computes the same values as the grid of the packed formats', async () => {
    const model = tinyLlama();
    const weights = model.linears.map(({ weight, inFeatures: rowsIn, outFeatures }) => ({
      weight,
      bits: 4,
      groupSize: 16,
      scales: initialScales(
        {
          weight: elements(model.onnx.graph.initializers.get(weight) as never, 'float32'),
          dims: [rowsIn, outFeatures],
        },
        { bits: 4, groupSize: 16 },
      ),
    }));
    const trainable = addFakeQuantization(model.onnx, { weights }).model;
    const packed = new Map(
      weights.map(({ weight, scales: steps }) => {
        const tensor = model.onnx.graph.initializers.get(weight) as NumericTensor;
        const columns = tensor.dims[1] as number;
        const values = elements(tensor, 'float32').map((value, at) => {
          const grid = gridOf({
            bits: 4,
            scale: steps[Math.floor(at / columns / 16) * columns + (at % columns)] as number,
            zeroPoint: 8,
          });
          return valueOf(grid, codeOf(grid, value));
        });
        return [weight, values] as const;
      }),
    );
    expect(furthest(await logitsOf(trainable), await logitsOf(withParameters(model.onnx, packed)))).toBeLessThan(1e-5);
  });

  it('quantizes activations as a whole and trains their step size', async () => {
    const { model, stepSizes, options } = addFakeQuantization(regressionModel(problem), {
      activations: [{ value: 'product', bits: 4, scale: 0.5, features: inFeatures }],
    });
    const { history, parameters } = await train({
      model,
      parameters: ['linear.weight', 'linear.bias', ...stepSizes],
      parameterOptions: (of) => options(of) ?? {},
      loss: squaredError,
      feeds: [regressionFeeds(problem)],
      optimizer: adamW(),
      schedule: () => 0.03,
      steps: 60,
      threads: 1,
    });
    expect(history.loss.at(-1)).toBeLessThan(0.2 * (history.loss[0] as number));
    expect(parameters.get('product.step_size')?.[0]).not.toBe(0.5);
  });
});

describe('addFakeQuantization with readers', () => {
  it('rounds a value only for these nodes', async () => {
    const dense = tinyLlama();
    const { input } = dense.roles.layers[1]!;
    const activation = { value: input, bits: 2, scale: 2, features: 32 };
    const norm = dense.onnx.graph.nodes.filter((node) => node.inputs.includes(input)).map(({ name }) => name);
    expect(norm.length).toBeGreaterThan(1);
    const all = addFakeQuantization(dense.onnx, { activations: [activation] }).model;
    const one = addFakeQuantization(dense.onnx, {
      activations: [{ ...activation, readers: new Set([norm[0]!]) }],
    }).model;
    const none = addFakeQuantization(dense.onnx, {
      activations: [{ ...activation, readers: new Set(['nobody']) }],
    }).model;
    const [a, b, c, d] = await Promise.all([all, one, none, dense.onnx].map((model) => logitsOf(model)));
    expect(furthest(c!, d!)).toBe(0);
    expect(furthest(a!, d!)).toBeGreaterThan(0.01);
    expect(furthest(b!, d!)).toBeGreaterThan(0.001);
    expect(furthest(a!, b!)).toBeGreaterThan(0.001);
  });
});

describe('mergeTeacher', () => {
  it('trains a smaller student and does not change the teacher', async () => {
    const [teacher, student] = [tinyLlama({ seed: 1 }), tinyLlama({ seed: 2, layers: 1 })];
    const merged = mergeTeacher(student.onnx, teacher.onnx);
    const { history, parameters, model } = await train({
      model: merged,
      loss: logitDistillation({ temperature: 2 }),
      feeds: [{ ...feeds, shapes: { input_ids: DIMS, target_weights: DIMS } }],
      optimizer: adamW(),
      schedule: () => 1e-2,
      steps: 60,
      threads: 1,
    });
    expect(history.metrics.distillation?.at(-1)).toBeLessThan(0.1 * (history.metrics.distillation?.[0] as number));
    expect([...parameters.keys()].some((name) => name.startsWith('teacher/'))).toBe(false);
    const trained = withParameters(student.onnx, parameters);
    expect(furthest(await logitsOf(trained), await logitsOf(teacher.onnx))).toBeLessThan(
      furthest(await logitsOf(student.onnx), await logitsOf(teacher.onnx)),
    );
    expect(model.graph.initializers.get('teacher/embedding.weight')).toEqual(
      teacher.onnx.graph.initializers.get('embedding.weight'),
    );
  });
});
