/**
 * Structured pruning with distillation: masks on sublayers, heads and neurons are learned together with the weights
 * under a constraint on the number of kept parameters; then the matrices are cut and training continues. The dense
 * model is the teacher throughout. Xia, Zhong & Chen 2022 (CoFi), https://arxiv.org/abs/2204.00408. Masks are hard
 * concrete (engine/training/hard-concrete.ts).
 * The loss is that of the task and the teacher plus, with p the expected share of kept parameters and t its target,
 *   λ₁ (p − t) + λ₂ (p − t)²       maximized over λ₁ and λ₂                                 (section 3.1)
 * Differs from CoFi: hidden dimensions are not pruned; layer i learns from layer i of the teacher, because masks do not
 * change the order of layers; a sublayer whose mask is 0 keeps one unit, since every block has all its matrices; the
 * learning rate of the masks lets them cross their range in the available steps.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LayerRoles, LinearRole, Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import type { FeedSource } from '../../engine/training/feed-source.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import {
  hardConcrete,
  logisticNoise,
  maskOf,
  openProbability,
  openProbabilityOf,
} from '../../engine/training/hard-concrete.ts';
import { type Loss, weightedLosses } from '../../engine/training/loss.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { distillationLoss, layerDistillationParameters } from '../shared/training/distillation-loss.ts';
import { budgetParameters, fineTune, stepsOf } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { countUnits, keepUnits } from '../shared/surgery/structure.ts';
import { blockParameters, searchUnits, unitCosts, unitShareParameter } from '../shared/surgery/units.ts';

/** Initial α: P(z = 1) = 0.92, so that the noise does little harm before anything is pruned. */
const START = 4;
/** Share of the steps in which masks are learned, and within these the share in which the target falls from 1. */
const PRUNING_SHARE = 0.4;
const WARM_UP_SHARE = 0.5;
/** How far α and λ can move over all steps at the highest rate. */
const TRAVEL = 30;

export default defineMethod({
  id: 'structured-distilled',
  family: 'pruning',
  access: 'trained',
  revision: 2,
  description:
    'Learns which heads, neurons and sublayers to remove while it fine-tunes the model to reproduce the probabilities and hidden states of the original model, then removes them and continues training. ' +
    'The matrices become smaller, so the file, the memory and the time shrink too.',
  paper: {
    title: 'Structured Pruning Learns Compact and Accurate Models',
    authors: 'Mengzhou Xia, Zexuan Zhong, Danqi Chen',
    year: 2022,
    url: 'https://arxiv.org/abs/2204.00408',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: unitShareParameter,
    ...layerDistillationParameters,
    ...budgetParameters,
  }),
  variants: ladder({
    p75: { keep: 0.75 },
    p50: { keep: 0.5 },
    p25: { keep: 0.25 },
  }),

  async compress(model, context) {
    const { params, note } = context;
    const steps = stepsOf(context, model);
    const pruningSteps = Math.max(1, Math.round(PRUNING_SHARE * steps));
    const masked = withMasks(model);
    const rate = TRAVEL / pruningSteps / params.learningRate;
    const distillation = distillationLoss(model, params);
    const learned = await fineTune(context, {
      model,
      onnx: mergeTeacher(masked.onnx, model.onnx),
      loss: weightedLosses([
        { factor: 1, loss: distillation },
        { factor: 1, loss: constraint(model) },
      ]),
      parameters: [...parameterNames(model.onnx), ...masked.alphas, ...MULTIPLIERS],
      parameterOptions(name) {
        if (masked.alphas.includes(name)) return { decays: false, learningRateScale: rate };
        return MULTIPLIERS.includes(name) ? { decays: false, learningRateScale: rate, gradientScale: -1 } : {};
      },
      feeds: [masked.noise, targets(params.keep, pruningSteps)],
      stage: { first: 0, steps: pruningSteps },
    });
    const cut = cutByMasks(
      model.withOnnx(withParameters(model.onnx, learned.parameters)),
      learned.parameters,
      params.keep,
    );
    const counts = countUnits(cut).map(({ heads, neurons }) => `${heads}/${neurons}`);
    note(`heads and neurons that stay, by layer: ${counts.join(', ')}`);
    const { parameters } = await fineTune(context, {
      model,
      onnx: mergeTeacher(cut.onnx, model.onnx),
      loss: distillation,
      parameters: parameterNames(cut.onnx),
      stage: { first: pruningSteps, steps: steps - pruningSteps },
    });
    return cut.withOnnx(withParameters(cut.onnx, parameters));
  },
});

type Part = 'o' | 'down';
const PARTS: readonly Part[] = ['o', 'down'];
/** α of the units of a projection, and α of the whole sublayer. */
const unitAlpha = ({ weight }: LinearRole): string => `${weight}.unit_alpha`;
const sublayerAlpha = ({ weight }: LinearRole): string => `${weight}.sublayer_alpha`;
const MULTIPLIERS: readonly string[] = ['lagrange.1', 'lagrange.2'];
const TARGET = 'kept_target';

interface Masked {
  readonly onnx: OnnxModel;
  readonly alphas: readonly string[];
  /** ln u − ln(1 − u) for every mask. */
  readonly noise: FeedSource;
}

/** The model with masks on the outputs of heads and neurons, and on whole sublayers. */
export function withMasks(model: Model): Masked {
  const w = extendModel(model.onnx, 'masks/');
  const counts = countUnits(model);
  const shapes: Record<string, readonly number[]> = {};
  const alphas: string[] = [];
  const mask = (alpha: string, length: number): string => {
    w.initializer(alpha, tensorOf('float32', [length], new Float32Array(length).fill(START)));
    alphas.push(alpha);
    const noise = w.input(`noise/${alpha}`, 'float32', [length]);
    shapes[noise] = [length];
    return hardConcrete(w, alpha, noise);
  };
  for (const [index, layer] of model.roles.layers.entries()) {
    for (const part of PARTS) {
      const linear = layer[part];
      const width = part === 'o' ? counts[index]!.groupWidth : 1;
      const units = linear.inFeatures / width;
      const z = w.mul(mask(unitAlpha(linear), units), mask(sublayerAlpha(linear), 1));
      const features = w.reshape(w.expand(w.unsqueeze(z, [1]), [units, width]), [linear.inFeatures]);
      w.wrap(linear.input, (inner) => w.mul(inner, features));
    }
  }
  for (const name of MULTIPLIERS) w.initializer(name, tensorOf('float32', [1], new Float32Array(1)));
  return { onnx: w.finish(), alphas, noise: logisticNoise(shapes) };
}

/** t of each step: falls linearly from 1, then equals the share to keep. */
function targets(keep: number, steps: number): FeedSource {
  const warmUp = Math.max(1, Math.round(WARM_UP_SHARE * steps));
  return {
    shapes: { [TARGET]: [1] },
    at: (index) => ({
      [TARGET]: tensorOf('float32', [1], Float32Array.of(1 - (1 - keep) * Math.min(1, (index + 1) / warmUp))),
    }),
  };
}

/** λ₁ (p − t) + λ₂ (p − t)² with p the expected share of kept parameters of the blocks. */
export function constraint(model: Model): Loss {
  return ({ w, metric }) => {
    const target = w.input(TARGET, 'float32', [1]);
    const costs = unitCosts(model);
    const parts = model.roles.layers.flatMap((layer, index) =>
      PARTS.map((part) => {
        const units = w.reduceSum(openProbability(w, unitAlpha(layer[part])), {});
        const kept = w.mul(units, openProbability(w, sublayerAlpha(layer[part])));
        return w.mul(kept, w.scalar(part === 'o' ? costs[index]!.head : costs[index]!.neuron));
      }),
    );
    const kept = w.mul(w.sum(parts), w.scalar(1 / blockParameters(model)));
    const excess = w.sub(kept, target);
    const [first, second] = [MULTIPLIERS[0]!, MULTIPLIERS[1]!];
    const terms = w.add(w.mul(first, excess), w.mul(second, w.mul(excess, excess)));
    metric('kept_share', w.reduceSum(kept, { keepdims: false }));
    return w.reduceSum(terms, { keepdims: false });
  };
}

/**
 * The model cut to the share of parameters to keep. Units are kept by their expected number of parameters, and
 * multiplied by their mask without noise.
 */
export function cutByMasks(model: Model, alphas: ReadonlyMap<string, Float32Array>, keep: number): Model {
  const alphasOf = (linear: LinearRole) => ({
    units: alphas.get(unitAlpha(linear))!,
    sublayer: alphas.get(sublayerAlpha(linear))![0]!,
  });
  let scaled = model;
  const costs = unitCosts(model);
  // The budget is in parameters: counted in units, heads would lose to neurons.
  const expected = model.roles.layers.map((layer: LayerRoles, index) => {
    const cut = (part: Part) => {
      const linear = layer[part];
      const { units, sublayer } = alphasOf(linear);
      const rows = linear.inFeatures / units.length; // of one unit
      const weight = model
        .weight(linear)
        .map((value, at) => value * maskOf(units[Math.floor(at / linear.outFeatures / rows)]!) * maskOf(sublayer));
      scaled = scaled.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
      const cost = costs[index]![part === 'o' ? 'head' : 'neuron'];
      return Float64Array.from(units, (alpha) => openProbabilityOf(alpha) * openProbabilityOf(sublayer) * cost);
    };
    return { heads: cut('o'), neurons: cut('down') };
  });
  return keepUnits(scaled, searchUnits(model, expected, keep));
}
