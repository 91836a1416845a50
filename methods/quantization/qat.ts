/**
 * Quantization-aware training with learned step sizes (LSQ). Esser et al. 2020, https://arxiv.org/abs/1902.08153.
 * In the forward pass weights are rounded to their grid, w̄ = (clip(round(w / s) + z, 0, 2ᵇ − 1) − z) s; gradients pass
 * through the rounding unchanged and reach both w and s. Afterwards the codes are stored, with the learned step sizes.
 * Activations, in variants that quantize them, are rounded in the same way: one learned step size each, with a zero
 * point from calibration. In LSQ+ (Bhalgat et al. 2020, https://arxiv.org/abs/2004.09576) the zero point is learned
 * too.
 * Differs from the paper: a weight has a step size per group of inputs, not per layer; the optimizer is AdamW, whose
 * steps do not scale with the gradient, so s has a smaller learning rate in addition to the paper's gradient scale.
 */
import * as v from 'valibot';
import { NumericalError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import {
  addFakeQuantization,
  type FakeQuantization,
  initialScales,
  trainedScales,
} from '../../engine/training/fake-quantize.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import type { ActivationGrid } from '../shared/formats/activation-grid.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import type { Bits } from '../shared/formats/grid.ts';
import { type GroupSize, quantizeWeight, type QuantizedWeight } from '../shared/formats/matmul-nbits.ts';
import {
  activationBitsParameter,
  inputGrids,
  roundedInputsRemark,
  withRoundedInputs,
} from '../shared/formats/rounded-inputs.ts';
import { roundHalfToEven } from '../shared/formats/round-half-to-even.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

/** Step sizes are about a tenth of the weights and must move less. */
const STEP_SIZE_RATE = 0.1;
/**
 * At 4 bits the rounding error is small, and the rate that helps at 2 bits does more harm than good; chosen on
 * validation splits.
 */
const GENTLE_RATE = 5e-5;
/**
 * At 3 bits the usual rate is worse than plain rounding on a GPT, and this one is better on a Llama too; also chosen on
 * validation splits.
 */
const MIDDLE_RATE = 1.5e-4;

export default defineMethod({
  id: 'qat',
  family: 'quantization',
  access: 'trained',
  revision: 2,
  description:
    'Trains the model with the weights of its linear layers rounded as they will be stored, and learns the step size of each grid together with the weights. ' +
    'The weights adapt to the rounding, which helps most at 2 bits. ' +
    'Embedding, norms and output layer are trained but stay in floating point; variants with e8, e4 and e2 round the first and the last afterwards.',
  paper: {
    title: 'Learned Step Size Quantization',
    authors: 'Steven K. Esser, Jeffrey L. McKinstry, Deepika Bablani, Rathinakumar Appuswamy, Dharmendra S. Modha',
    year: 2020,
    url: 'https://arxiv.org/abs/1902.08153',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...weightFormat,
    activationBits: activationBitsParameter,
    start: v.optional(
      v.pipe(
        v.picklist(['rtn', 'lsq']),
        v.description("Step sizes to begin with: those of round-to-nearest, or the paper's 2 mean |w| / √Qp."),
      ),
      'rtn',
    ),
    ...budgetParameters,
  }),
  variants: {
    ...ladder({
      w4g32: { bits: 4, groupSize: 32, learningRate: GENTLE_RATE },
      'w4g32-e8': { bits: 4, groupSize: 32, embedding: 'int8', learningRate: GENTLE_RATE },
      w4a8g32: { bits: 4, activationBits: 8, groupSize: 32, learningRate: GENTLE_RATE },
      w4a4g32: { bits: 4, activationBits: 4, groupSize: 32 },
      w3g32: { bits: 3, groupSize: 32, learningRate: MIDDLE_RATE },
      w2g32: { bits: 2, groupSize: 32 },
      'w4g32-e4': { bits: 4, groupSize: 32, embedding: 'int4', learningRate: GENTLE_RATE },
      'w3g32-e4': { bits: 3, groupSize: 32, embedding: 'int4', learningRate: MIDDLE_RATE },
      'w2g32-e4': { bits: 2, groupSize: 32, embedding: 'int4' },
      'w2g32-e2': { bits: 2, groupSize: 32, embedding: 'int2' },
      'w2g16-asym': { bits: 2, groupSize: 16, symmetric: false },
    }),
    ...ladder({ w2g32: { bits: 2, groupSize: 32 } }, ['t30m']),
  },

  async compress(model, context) {
    const { activations, embedding, activationBits, ...format } = context.params;
    const { note } = context;
    const layers = model.linears.map((linear) => ({ linear, quantized: startOf(model, linear, format) }));
    const grids =
      activationBits === undefined
        ? new Map<string, ActivationGrid>()
        : await inputGrids({
            model,
            examples: context.calibration.examples,
            bits: activationBits,
            signal: context.signal,
          });
    const fake = fakeQuantized(model, layers, grids);
    const { parameters } = await fineTune(context, {
      model,
      onnx: fake.model,
      parameters: [...parameterNames(fake.model), ...fake.stepSizes],
      parameterOptions: (name) => {
        const options = fake.options(name);
        return options === undefined ? {} : { ...options, learningRateScale: STEP_SIZE_RATE };
      },
    });
    const packed = packTrained({ model, layers, parameters });
    if (activationBits === undefined) {
      return storeQuantized(packed.model, packed.layers, { activations, embedding, note });
    }
    context.simulated(roundedInputsRemark(activationBits));
    const stored = storeQuantized(packed.model, packed.layers, { activations: 'float32', embedding, note });
    return withRoundedInputs(stored, trainedGrids(grids, parameters));
  },
});

/** The grids with the step sizes that were learned. */
export function trainedGrids(
  grids: ReadonlyMap<string, ActivationGrid>,
  parameters: ReadonlyMap<string, Float32Array>,
): ReadonlyMap<string, ActivationGrid> {
  return new Map(
    [...grids].map(([value, grid]) => {
      const scale = trainedScales(parameters, value)[0]!;
      if (scale > 0) return [value, { ...grid, scale }];
      throw new NumericalError(
        `qat: the step size learned for "${value}" is ${scale}, expected a positive number; lower the learning rate`,
      );
    }),
  );
}

export interface QuantizedLayer {
  readonly linear: LinearRole;
  readonly quantized: QuantizedWeight;
}

interface StartFormat {
  readonly bits: Bits;
  readonly groupSize: GroupSize;
  readonly symmetric: boolean;
  readonly start: 'rtn' | 'lsq';
}

/** The weight rounded to nearest, with the paper's initial step sizes if params ask for them. */
export function startOf(model: Model, linear: LinearRole, { start, ...format }: StartFormat): QuantizedWeight {
  const { inFeatures, outFeatures } = linear;
  const weight = model.weight(linear);
  const rounded = quantizeWeight(weight, { inFeatures, outFeatures, ...format });
  const groupSize = groupSizeOf(rounded);
  const scales =
    start === 'rtn'
      ? rounded.scales
      : transpose(initialScales({ weight, dims: [inFeatures, outFeatures] }, { bits: format.bits, groupSize }), {
          rows: Math.ceil(inFeatures / groupSize),
          columns: outFeatures,
        });
  // A group of zeros has step size 0, which cannot be divided by; with any other step size its codes still mean zero.
  return { ...rounded, scales: scales.map((scale) => (scale === 0 ? 1 : scale)) };
}

/**
 * The model that is trained: the dense model with the weights of each layer, and inputs that have a grid, rounded in
 * the forward pass.
 */
export function fakeQuantized(
  model: Model,
  layers: readonly QuantizedLayer[],
  grids: ReadonlyMap<string, ActivationGrid> = new Map(),
): FakeQuantization {
  return addFakeQuantization(model.onnx, {
    activations: [...grids].map(([value, grid]) => {
      const readers = model.linears.filter(({ input }) => input === value);
      return { value, readers: new Set(readers.map(({ node }) => node)), features: readers[0]!.inFeatures, ...grid };
    }),
    weights: layers.map(({ linear, quantized }) => {
      const { bits, symmetric, inFeatures, outFeatures, scales, zeroPoints } = quantized;
      const groupSize = groupSizeOf(quantized);
      const stored = { rows: outFeatures, columns: Math.ceil(inFeatures / groupSize) };
      return {
        weight: linear.weight,
        bits,
        groupSize,
        scales: transpose(scales, stored),
        ...(!symmetric && { zeroPoints: transpose(Float32Array.from(zeroPoints), stored) }),
      };
    }),
  });
}

/** The dense model with the trained parameters, and the codes and step sizes of its linear layers. */
export function packTrained(trained: {
  readonly model: Model;
  readonly layers: readonly QuantizedLayer[];
  readonly parameters: ReadonlyMap<string, Float32Array>;
}): { readonly model: Model; readonly layers: readonly QuantizedLayer[] } {
  const { model, parameters } = trained;
  const onnx: OnnxModel = withParameters(model.onnx, parameters);
  const layers = trained.layers.map(({ linear, quantized }) => {
    const scales = transpose(trainedScales(parameters, linear.weight), {
      rows: quantized.scales.length / linear.outFeatures,
      columns: linear.outFeatures,
    });
    const codes = codesOf(parameters.get(linear.weight) as Float32Array, { ...quantized, scales });
    return { linear, quantized: { ...quantized, scales, codes } };
  });
  return { model: model.withOnnx(onnx), layers };
}

/** Codes [out, in] of a weight [in, out], in the graph's arithmetic: float32, halves to the even code. */
function codesOf(weight: Float32Array, quantized: Omit<QuantizedWeight, 'codes'>): Uint8Array {
  const { bits, inFeatures, outFeatures, scales, zeroPoints } = quantized;
  const groupSize = groupSizeOf(quantized);
  const groups = Math.ceil(inFeatures / groupSize);
  const codes = new Uint8Array(outFeatures * inFeatures);
  for (let out = 0; out < outFeatures; out++) {
    for (let i = 0; i < inFeatures; i++) {
      const group = out * groups + Math.floor(i / groupSize);
      const position = Math.fround(Math.fround(weight[i * outFeatures + out]! / scales[group]!) + zeroPoints[group]!);
      codes[out * inFeatures + i] = roundHalfToEven(Math.min(Math.max(position, 0), 2 ** bits - 1));
    }
  }
  return codes;
}

/** Inputs that share a step size; a block that covers a whole output may be longer. */
function groupSizeOf({ blockSize, inFeatures }: Pick<QuantizedWeight, 'blockSize' | 'inFeatures'>): number {
  return Math.min(blockSize, inFeatures);
}

/** [rows, columns] → [columns, rows] */
function transpose(values: Float32Array, { rows, columns }: { rows: number; columns: number }): Float32Array {
  const transposed = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) transposed[column * rows + row] = values[row * columns + column]!;
  }
  return transposed;
}
