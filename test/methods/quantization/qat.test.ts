import { describe, expect, it } from 'vitest';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { elements, tensorOf } from '../../../numerics/tensor/tensor.ts';
import { stepSizeName } from '../../../engine/training/fake-quantize.ts';
import { withParameters } from '../../../engine/training/parameters.ts';
import qat, { fakeQuantized, packTrained, startOf, trainedGrids } from '../../../methods/quantization/qat.ts';
import gptq from '../../../methods/quantization/gptq.ts';
import rtn from '../../../methods/quantization/rtn.ts';
import { dequantizeWeight, withQuantizedLinears } from '../../../methods/shared/formats/matmul-nbits.ts';
import { inputGrids, withRoundedInputs } from '../../../methods/shared/formats/rounded-inputs.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { countingExamples, nextTokenLoss } from '../../support/next-token-loss.ts';
import { largestDifference, logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt, tinyLlama } from '../../support/tiny-model.ts';

const rows = [
  [1, 9, 17, 4, 33, 60, 2, 8],
  [5, 5, 40, 12, 7, 21, 3, 50],
];
// Layers of 32 and of 48 inputs: the last group of 32 is short in the second.
const llama = tinyLlama();

describe.each([
  { bits: 4, groupSize: 32, symmetric: true, start: 'rtn' },
  { bits: 4, groupSize: 16, symmetric: false, start: 'rtn' },
  { bits: 4, groupSize: 'channel', symmetric: true, start: 'lsq' },
  { bits: 2, groupSize: 32, symmetric: true, start: 'lsq' },
  { bits: 2, groupSize: 16, symmetric: false, start: 'rtn' },
  { bits: 2, groupSize: 'channel', symmetric: true, start: 'rtn' },
  { bits: 8, groupSize: 32, symmetric: true, start: 'rtn' },
] as const)('$bits bits, groups of $groupSize, symmetric $symmetric, start $start', (format) => {
  it.each([llama, tinyGpt(), tinyBert()].map((model) => [model.id, model] as const))(
    'packs what the fake-quantized %s computes',
    async (_, model) => {
      const layers = model.linears.map((linear) => ({ linear, quantized: startOf(model, linear, format) }));
      const fake = fakeQuantized(model, layers);
      const parameters = moved(model.linears, fake.model.graph.initializers);
      const packed = packTrained({ model, layers, parameters });
      const trained = await logitsOf({ onnx: withParameters(fake.model, parameters) }, rows);
      const stored = withQuantizedLinears(packed.model, packed.layers, { activations: 'float32' });
      expect(largestDifference(await logitsOf(stored, rows), trained)).toBeLessThan(1e-5);
      expect(largestDifference(trained, await logitsOf(model, rows))).toBeGreaterThan(1e-2);
    },
  );

  /** Weights and step sizes as after a training, some weights halfway between two levels. */
  function moved(linears: typeof llama.linears, initializers: typeof llama.onnx.graph.initializers) {
    const random = createRandom('moved');
    const parameters = new Map<string, Float32Array>();
    for (const { weight, outFeatures } of linears) {
      const name = stepSizeName(weight);
      const scales = read(initializers, name).map((scale) => scale * (0.9 + 0.2 * random.next()));
      const values = read(initializers, weight).map((value) => value + 0.02 * random.normal());
      for (let out = 0; out < outFeatures; out++) values[out] = (scales[out] as number) * 0.5;
      parameters.set(name, scales).set(weight, values);
    }
    return parameters;
  }
});

function read(initializers: typeof llama.onnx.graph.initializers, name: string): Float32Array {
  const tensor = initializers.get(name);
  if (tensor === undefined) throw new Error(`no initializer ${name}`);
  return elements(tensor, 'float32').slice();
}

describe.each([8, 4] as const)('activations of %i bits', (bits) => {
  const format = { bits: 4, groupSize: 16, symmetric: true, start: 'rtn' } as const;

  it.each([llama, tinyGpt(), tinyBert()].map((model) => [model.id, model] as const))(
    'are rounded in the stored %s as they were in training',
    async (_, model) => {
      const { examples } = randomExamples(model, 'activations');
      const { signal } = new AbortController();
      const grids = await inputGrids({ model, examples, bits, signal });
      const layers = model.linears.map((linear) => ({ linear, quantized: startOf(model, linear, format) }));
      const fake = fakeQuantized(model, layers, grids);
      const parameters = new Map(
        fake.stepSizes.map((name) => [name, read(fake.model.graph.initializers, name).map((scale) => 1.1 * scale)]),
      );
      for (const linear of model.linears) parameters.set(linear.weight, model.weight(linear).slice());
      const trained = await logitsOf({ onnx: withParameters(fake.model, parameters) }, rows);
      const packed = packTrained({ model, layers, parameters });
      const weightsAlone = withQuantizedLinears(packed.model, packed.layers, { activations: 'float32' });
      const stored = withRoundedInputs(weightsAlone, trainedGrids(grids, parameters));
      // Float32 sums in another order may tip a value over to the next level.
      const largest = Math.max(...trained.map(Math.abs));
      const difference = (await logitsOf(stored, rows)).map((value, at) => Math.abs(value - trained[at]!));
      expect([...difference].sort((a, b) => a - b)[Math.floor(0.8 * difference.length)]).toBeLessThan(1e-4 * largest);
      expect(largestDifference(trained, await logitsOf(weightsAlone, rows))).toBeGreaterThan(bits === 8 ? 1e-4 : 1e-2);
      const rounds = stored.onnx.graph.nodes.filter(({ op }) => op === 'QuantizeLinear');
      expect(rounds).toHaveLength(4 * model.roles.layers.length);
    },
  );

  it('refuses a step size that is zero or negative after training', () => {
    const grids = new Map([['x', { bits, scale: 0.1, zeroPoint: 3 }]]);
    const learned = (scale: number) => new Map([[stepSizeName('x'), Float32Array.of(scale)]]);
    expect(trainedGrids(grids, learned(0.25)).get('x')).toEqual({ bits, scale: 0.25, zeroPoint: 3 });
    expect(() => trainedGrids(grids, learned(-0.1))).toThrow('lower the learning rate');
  });
});

describe('startOf', () => {
  it('starts with the step sizes of round-to-nearest, or with 2 mean |w| / √Qp of each group', () => {
    const [linear] = llama.linears;
    if (linear === undefined) throw new Error('no layer');
    const format = { bits: 4, groupSize: 16, symmetric: true } as const;
    const weight = llama.weight(linear);
    const rounded = startOf(llama, linear, { ...format, start: 'rtn' });
    const nearest = dequantizeWeight(rounded);
    const furthest = Math.max(...rounded.scales.map(Math.abs)) / 2;
    expect(largestDifference(nearest, weight)).toBeLessThan(furthest * 1.001);
    const { scales } = startOf(llama, linear, { ...format, start: 'lsq' });
    // Second group of the third output.
    const group = Array.from({ length: 16 }, (_, i) => Math.abs(weight[(16 + i) * linear.outFeatures + 2] as number));
    const mean = group.reduce((sum, value) => sum + value, 0) / 16;
    expect(scales[2 * 2 + 1]).toBeCloseTo((2 * mean) / Math.sqrt(7), 6);
  });

  it('gives a group of zeros a non-zero step size', () => {
    const [linear] = llama.linears;
    if (linear === undefined) throw new Error('no layer');
    const { inFeatures, outFeatures } = linear;
    const zeros = tensorOf('float32', [inFeatures, outFeatures], new Float32Array(inFeatures * outFeatures));
    const model = llama.withWeight(linear, zeros);
    for (const start of ['rtn', 'lsq'] as const) {
      const { scales } = startOf(model, linear, { bits: 4, groupSize: 16, symmetric: true, start });
      expect(scales.every((scale) => scale === 1)).toBe(true);
    }
  });
});

describe('qat', () => {
  it('learns step sizes of activations and is better than fixed ones at 4 bits', async () => {
    const training = countingExamples();
    const calibration = countingExamples({ length: 32 });
    const params = { bits: 4, groupSize: 32, activationBits: 4 };
    const model = tinyGpt();
    const tuned = { method: qat, variant: '', params: { ...params, steps: 60, learningRate: 5e-3 }, model, training };
    const { context, notes } = methodContext({ ...tuned, calibration });
    const trained = await qat.compress(model, context);
    expect(notes).toEqual([expect.stringMatching(/^simulated: activations are rounded to 4 bits on a fixed grid/)]);
    const fixed = methodContext({ method: gptq, variant: '', params, model, calibration });
    const plain = await gptq.compress(model, fixed.context);
    expect(fixed.notes).toEqual(notes);
    const name = `${model.linears[0]?.input}.scale`;
    expect(read(trained.onnx.graph.initializers, name)).not.toEqual(read(plain.onnx.graph.initializers, name));
    expect(await nextTokenLoss(trained, training)).toBeLessThan(0.7 * (await nextTokenLoss(plain, training)));
  });

  it.each([2, 4] as const)('learns step sizes and is better than round-to-nearest at %i bits', async (bits) => {
    const training = countingExamples();
    const format = { bits, groupSize: 32, activations: 'float32' };
    const params = { ...format, steps: 60, learningRate: 5e-3 };
    const model = tinyGpt();
    const { context, spent } = methodContext({ method: qat, variant: '', params, model, training });
    const trained = await qat.compress(model, context);
    const plain = await rtn.compress(model, methodContext({ method: rtn, variant: '', params: format, model }).context);
    expect(spent.steps).toBe(60);
    const name = `${model.linears[0]?.weight}.scales`;
    const [learned, given] = [trained, plain].map(({ onnx }) => read(onnx.graph.initializers, name));
    expect(learned).toHaveLength(given?.length as number);
    expect(largestDifference(learned as Float32Array, given as Float32Array)).toBeGreaterThan(1e-3);
    expect(await nextTokenLoss(trained, training)).toBeLessThan(0.7 * (await nextTokenLoss(plain, training)));
  });
});
