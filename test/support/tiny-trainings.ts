/** Trainings of a few steps that between them have every loss, optimizer and adapter of engine/training. */
import { createRandom } from '../../numerics/tensor/random.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { addFakeQuantization, initialScales } from '../../engine/training/fake-quantize.ts';
import type { FeedSource } from '../../engine/training/feed-source.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { hardConcrete, logisticNoise, openProbability } from '../../engine/training/hard-concrete.ts';
import { addLora } from '../../engine/training/lora.ts';
import {
  attentionDistributionLoss,
  attentionLoss,
  classificationCrossEntropy,
  cosineLoss,
  hiddenStateLoss,
  logitDistillation,
  nextTokenCrossEntropy,
  relationLoss,
  weightedLosses,
} from '../../engine/training/loss.ts';
import { adamW, withSensitivity } from '../../engine/training/optimizer.ts';
import { sgd } from './sgd.ts';
import { parameterNames } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import type { TrainOptions } from '../../engine/training/train.ts';
import { attentionScores, biasedOutput, lastHidden, pairOf } from '../../methods/shared/training/distilled-values.ts';
import { tinyBert, tinyGpt, tinyLlama } from './tiny-model.ts';

const [BATCH, SEQUENCE] = [2, 8];
const DIMS = [BATCH, SEQUENCE];
const VOCABULARY_SIZE = 64;

const integers = (dims: readonly number[], draw: () => number) =>
  tensorOf(
    'int64',
    dims,
    BigInt64Array.from({ length: elementCount(dims) }, () => BigInt(draw())),
  );

/** Few different tokens, so that rows of the embedding meet. */
function feedsOf({ kind }: Model, vocabularySize = VOCABULARY_SIZE): FeedSource {
  const decoder = kind === 'decoder';
  const names = decoder
    ? ['input_ids', 'targets', 'target_weights']
    : ['input_ids', 'attention_mask', 'token_type_ids'];
  const shapes = { ...Object.fromEntries(names.map((name) => [name, DIMS])), ...(!decoder && { labels: [BATCH] }) };
  return {
    shapes,
    at(index) {
      const random = createRandom(`tiny trainings/${index}`);
      const token = () => (random.integer(6) * 11) % vocabularySize;
      return {
        input_ids: integers(DIMS, token),
        targets: integers(DIMS, token),
        target_weights: tensorOf(
          'float32',
          DIMS,
          Float32Array.from({ length: BATCH * SEQUENCE }, (_, at) => (at % SEQUENCE === SEQUENCE - 1 ? 0 : 1)),
        ),
        attention_mask: integers(DIMS, () => 1),
        token_type_ids: integers(DIMS, () => 0),
        labels: integers([BATCH], () => random.integer(3)),
      };
    },
  };
}

function plain(model: Model): TrainOptions {
  return {
    model: model.onnx,
    loss: model.kind === 'decoder' ? nextTokenCrossEntropy() : classificationCrossEntropy(),
    feeds: [feedsOf(model)],
    optimizer: adamW(),
    schedule: (step) => 1e-3 * (step + 1),
    steps: 5,
    stepsPerCall: 2,
    threads: 1,
  };
}

function masksAndHooks(): TrainOptions {
  const model = tinyLlama();
  const [masked = '', set = ''] = model.linears.map(({ weight }) => weight);
  const sizeOf = (name: string) => elementCount(model.onnx.graph.initializers.get(name)?.dims ?? []);
  return {
    ...plain(model),
    parameterOptions: (name) =>
      name === masked
        ? { mask: new Float32Array(sizeOf(name)).fill(1) }
        : name.includes('norm')
          ? { mask: Float32Array.from({ length: sizeOf(name) }, (_, at) => (at % 4 === 0 ? 0 : 1)), gradientScale: 0.5 }
          : { learningRateScale: name.startsWith('embedding') ? 0.1 : 1 },
    hooks: [
      {
        every: 3,
        run({ step, parameters, moments, setMask, setParameter }) {
          const first = moments('first_moment').get(masked) as Float32Array;
          setMask(
            masked,
            (parameters.get(masked) as Float32Array).map((_, at) =>
              at % 3 === 0 || (first[at] as number) > 1 ? 0 : 1,
            ),
          );
          if (step > 0)
            setParameter(
              set,
              (parameters.get(set) as Float32Array).map((value) => value / 2),
            );
        },
      },
      { every: 2, run: () => undefined },
    ],
  };
}

function distillation(model: Model, teacher: Model): TrainOptions {
  const layers = model.roles.layers.map((layer, at) => [layer, teacher.roles.layers[at] ?? layer] as const);
  const scores = layers.map(([own, other]) => [attentionScores(model, own), attentionScores(teacher, other)] as const);
  const hidden = pairOf(lastHidden(model), lastHidden(teacher));
  const queries = layers.map(([own, other]) => pairOf(biasedOutput(model, own.q), biasedOutput(teacher, other.q)));
  const decoder = model.kind === 'decoder';
  const loss = weightedLosses([
    { factor: 0.5, loss: decoder ? nextTokenCrossEntropy() : classificationCrossEntropy() },
    { factor: 0.5, loss: logitDistillation({ temperature: 2, ...(!decoder && { weights: null }) }) },
    { factor: 0.2, loss: cosineLoss({ pairs: [hidden] }) },
    { factor: 0.2, loss: hiddenStateLoss({ pairs: [hidden] }) },
    {
      factor: 0.2,
      loss: attentionLoss({
        pairs: scores.map(([own, other]) => pairOf(own.raw, other.raw)),
        visible: scores.map(([own]) => own.visible),
      }),
    },
    {
      factor: 0.2,
      loss: attentionDistributionLoss({ pairs: scores.map(([own, other]) => pairOf(own.masked, other.masked)) }),
    },
    { factor: 0.2, loss: relationLoss({ pairs: queries, heads: 2 }) },
  ]);
  return { ...plain(model), model: mergeTeacher(model.onnx, teacher.onnx), loss };
}

function lora(masked: boolean): TrainOptions {
  const model = masked ? tinyLlama({ tied: false }) : tinyGpt();
  const masks = new Map(
    model.linears.map(({ weight, inFeatures, outFeatures }) => [
      weight,
      Float32Array.from({ length: inFeatures * outFeatures }, (_, at) => (at % 3 === 0 ? 0 : 1)),
    ]),
  );
  const { linears } = model;
  const random = createRandom('tiny lora');
  const adapted = addLora({ model: model.onnx, linears, rank: 2, alpha: 4, random, ...(masked && { masks }) });
  return {
    ...plain(model),
    model: adapted.model,
    parameters: adapted.parameters,
    loss: nextTokenCrossEntropy({ labelSmoothing: 0.1 }),
  };
}

function quantized(): TrainOptions {
  const model = tinyLlama();
  const [bits, groupSize] = [4, 16];
  const weights = model.linears.map((linear, at) => {
    const { weight, inFeatures, outFeatures } = linear;
    const dims = [inFeatures, outFeatures];
    const scales = initialScales({ weight: model.weight(linear), dims }, { bits, groupSize });
    return { weight, bits, groupSize, scales, ...(at === 0 && { zeroPoints: scales.map(() => 7) }) };
  });
  const activations = model.linears.slice(0, 2).map(({ output, outFeatures }) => ({
    value: output,
    bits: 8,
    scale: 0.05,
    features: outFeatures,
  }));
  const { model: rounded, stepSizes, options } = addFakeQuantization(model.onnx, { weights, activations });
  return {
    ...plain(model),
    model: rounded,
    parameters: [...parameterNames(model.onnx), ...stepSizes],
    parameterOptions: (name) => options(name) ?? {},
    optimizer: withSensitivity(adamW(), { beta: 0.9 }),
    schedule: () => 1e-4,
  };
}

/** Scores that learn which elements stay, by hard concrete gates and by the sign of a score. */
function gates(): TrainOptions {
  const model = tinyGpt();
  const [gated = '', signed = ''] = model.linears.map(({ weight }) => weight);
  const w = extendModel(model.onnx, 'gate/');
  const dimsOf = (name: string) => w.tensor(name).dims;
  const start = (name: string, value: number) =>
    w.initializer(
      `${name}.score`,
      tensorOf('float32', dimsOf(name), new Float32Array(elementCount(dimsOf(name))).fill(value)),
    );
  const alpha = start(gated, 1);
  const score = start(signed, 0.5);
  const noise = w.input('gate/noise', 'float32', dimsOf(gated));
  w.wrap(gated, (inner) => w.mul(inner, hardConcrete(w, alpha, noise)));
  w.wrap(signed, (inner) => {
    const sign = w.passThrough(w.sign(w.mul(score, w.scalar(2))));
    return w.mul(inner, w.mul(w.add(sign, w.scalar(1)), w.scalar(0.5)));
  });
  const noises = logisticNoise({ 'gate/noise': dimsOf(gated) });
  return {
    ...plain(model),
    model: w.finish(),
    parameters: [...parameterNames(model.onnx), alpha, score],
    feeds: [feedsOf(model), noises],
    loss: weightedLosses([
      { factor: 1, loss: nextTokenCrossEntropy() },
      {
        factor: 0.1,
        loss: ({ w: writer }) =>
          writer.sum([
            writer.reduceMean(openProbability(writer, alpha), { keepdims: false }),
            writer.reduceMean(writer.sigmoid(score), { keepdims: false }),
          ]),
      },
    ]),
  };
}

/** One step whose gradient is rounding alone. */
export function distilledFromItself(): TrainOptions {
  const model = tinyGpt();
  return {
    ...plain(model),
    model: mergeTeacher(model.onnx, model.onnx),
    loss: logitDistillation({ temperature: 2 }),
    steps: 1,
  };
}

/** By what they are made of. */
export const tinyTrainings = {
  'decoder of RMS norms and rotation, AdamW': () => plain(tinyLlama()),
  'decoder of many tokens, nothing clipped': () => ({
    ...plain(tinyGpt({ vocabularySize: 300 })),
    clipNorm: Infinity,
  }),
  'encoder, descent with momentum': () => ({
    ...plain(tinyBert()),
    optimizer: sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    schedule: () => 1e-2,
  }),
  'gradients accumulated': () => ({ ...plain(tinyLlama()), accumulation: 3 }),
  'masks and hooks': masksAndHooks,
  'decoder distilled by all losses': () => distillation(tinyLlama(), tinyLlama({ seed: 1 })),
  'encoder distilled by all losses': () => distillation(tinyBert(), tinyBert({ seed: 1 })),
  'low-rank adapters, smoothed labels': () => lora(false),
  'masked low-rank adapters': () => lora(true),
  'rounded weights and activations, sensitivity': quantized,
  'gates by hard concrete and by sign': gates,
} satisfies Record<string, () => TrainOptions>;
