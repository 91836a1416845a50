/**
 * Movement pruning: during fine-tuning each weight has a score that grows when the weight moves away from zero. The
 * weights with the lowest scores are masked; they can return.
 * Sanh, Wolf & Rush 2020, https://arxiv.org/abs/2005.07683. The forward pass uses W ∘ M(S); the backward pass treats M
 * as the identity (straight-through), so that gradient descent on the scores is
 *   S ← S − α ∂L/∂S,   ∂L/∂S = ∂L/∂(W ∘ M) ∘ W                                  (section 4.1)
 * hard: M keeps the v highest scores of a layer, v falling along a cubic. soft: M = 1[σ(S) > τ], loss + λ mean σ(S)
 * (4.2).
 * Differs from the paper: scores are shifted every few steps so that the threshold is 0, instead of sorted in every
 * step; λ is constant; the learning rate of soft scores is such that they can cross their range in the available steps.
 * As in the authors' code the optimizer of the scores is AdamW too, without decay.
 */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { type Loss, taskLoss, weightedLosses } from '../../engine/training/loss.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { cubicSchedule } from '../../engine/training/schedule.ts';
import type { Hook } from '../../engine/training/train.ts';
import { budgetParameters, fineTune, stepsOf } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { layerMask, withMask } from '../shared/solvers/sparsity.ts';

/** Share of the steps in which sparsity grows, as in gradual magnitude pruning. */
const GROWTH_SHARE = 0.75;
/** Number of times that the threshold is recomputed. */
const THRESHOLDS = 50;
/** τ of soft movement pruning, as in the paper's experiments. */
const SOFT_THRESHOLD = 0.1;
/** How far a score can move over all steps at the highest rate; the distance from 0 to the threshold is 2.2. */
const SOFT_TRAVEL = 12;

export default defineMethod({
  id: 'movement',
  family: 'pruning',
  access: 'trained',
  revision: 2,
  description:
    'Fine-tunes the model together with a score for every weight, which falls when training moves the weight towards zero, and masks the weights of lowest score. ' +
    'It is meant for fine-tuning to a new task, where large weights may have become useless. ' +
    'Embedding, norms and output layer are trained but not pruned. With a penalty instead of a target sparsity, training decides the number of zeros.',
  paper: {
    title: 'Movement Pruning: Adaptive Sparsity by Fine-Tuning',
    authors: 'Victor Sanh, Thomas Wolf, Alexander M. Rush',
    year: 2020,
    url: 'https://arxiv.org/abs/2005.07683',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.ltValue(1),
        v.description('Hard: share of the weights of each linear layer that are zero at the end.'),
      ),
    ),
    penalty: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description('Soft: λ, weight of the mean of σ(S) in the loss.')),
    ),
    ...budgetParameters,
  }),
  variants: ladder({
    s50: { sparsity: 0.5 },
    s70: { sparsity: 0.7 },
    s90: { sparsity: 0.9 },
  }),

  async compress(model, context) {
    const { sparsity, penalty, learningRate } = context.params;
    const steps = stepsOf(context, model);
    if ((sparsity === undefined) === (penalty === undefined)) {
      throw new InputError('movement: give either sparsity (hard) or penalty (soft)');
    }
    const scores = model.linears.map(scoreName);
    // Where only the order of the scores matters, their learning rate does not.
    const rate = penalty === undefined ? 1 : SOFT_TRAVEL / steps / learningRate;
    const { parameters } = await fineTune(context, {
      model,
      onnx: withScores(model, { soft: sparsity === undefined }),
      parameters: [...parameterNames(model.onnx), ...scores],
      parameterOptions: (name) => (scores.includes(name) ? { decays: false, learningRateScale: rate } : {}),
      ...(penalty === undefined
        ? { hooks: [moveThreshold({ scores, sparsity: sparsity as number, steps })] }
        : {
            loss: weightedLosses([
              { factor: 1, loss: taskLoss(model) },
              { factor: penalty, loss: scorePenalty(scores) },
            ]),
          }),
    });
    const trained = model.withOnnx(withParameters(model.onnx, parameters));
    let zeros = 0;
    let weights = 0;
    let pruned = trained;
    for (const linear of model.linears) {
      const values = parameters.get(scoreName(linear)) as Float32Array;
      const mask =
        sparsity === undefined
          ? Uint8Array.from(values, (score) => (score > SOFT_LOGIT ? 1 : 0))
          : layerMask(values, sparsity);
      zeros += mask.reduce((count, kept) => count + 1 - kept, 0);
      weights += mask.length;
      pruned = withMask(pruned, linear, mask);
    }
    if (sparsity === undefined) context.note(`zeros in linear layers: ${((100 * zeros) / weights).toFixed(1)} %`);
    return pruned;
  },
});

const SOFT_LOGIT = Math.log(SOFT_THRESHOLD / (1 - SOFT_THRESHOLD));

export const scoreName = ({ weight }: Pick<LinearRole, 'weight'>): string => `${weight}.score`;

/** The model with W ∘ M(S) in place of every linear layer's W; no weight is masked at the start. */
export function withScores({ onnx, linears }: Model, { soft }: { readonly soft: boolean }): OnnxModel {
  const w = extendModel(onnx, 'movement/');
  for (const linear of linears) {
    const { inFeatures, outFeatures, weight } = linear;
    const start = new Float32Array(inFeatures * outFeatures).fill(soft ? 0 : START);
    const score = w.initializer(scoreName(linear), tensorOf('float32', [inFeatures, outFeatures], start));
    w.wrap(weight, (dense) => {
      const above = soft ? w.sub(score, w.scalar(SOFT_LOGIT)) : score;
      // (1 + sign 2x) / 2 with a sign that is never 0: 1 for x > 0, else 0; the gradient passes unchanged.
      const sign = w.passThrough(w.sign(w.mul(above, w.scalar(2))));
      const decided = w.passThrough(w.sign(w.sub(sign, w.scalar(0.5))));
      return w.mul(dense, w.mul(w.add(decided, w.scalar(1)), w.scalar(0.5)));
    });
  }
  return w.finish();
}

/** Initial scores: above the threshold 0, so that nothing is masked at the start. Only their order matters. */
const START = 1;

/** Σ over layers of the mean of σ(S), as a mean over all scores. */
function scorePenalty(scores: readonly string[]): Loss {
  return ({ w }) => {
    const means = scores.map((score) => w.reduceMean(w.sigmoid(score), { keepdims: false }));
    return w.mul(w.sum(means), w.scalar(1 / means.length));
  };
}

/** Shifts the scores of each layer by a common number, so that the scheduled share of them is below 0. */
export function moveThreshold(options: {
  readonly scores: readonly string[];
  readonly sparsity: number;
  readonly steps: number;
}): Hook {
  const { scores, sparsity, steps } = options;
  const sparsityAt = cubicSchedule({ to: sparsity, end: Math.max(1, Math.floor(GROWTH_SHARE * steps)) });
  return {
    every: Math.max(1, Math.floor(steps / THRESHOLDS)),
    run({ step, parameters, setParameter }) {
      if (step === 0) return;
      for (const name of scores) {
        const values = parameters.get(name) as Float32Array;
        const threshold = thresholdOf(values, layerMask(values, sparsityAt(step)));
        setParameter(
          name,
          values.map((score) => score - threshold),
        );
      }
    },
  };
}

/** A number between the highest masked score and the lowest unmasked one. */
function thresholdOf(values: Float32Array, mask: Uint8Array): number {
  let [below, above] = [-Infinity, Infinity];
  for (const [at, score] of values.entries()) {
    if (mask[at] === 0) below = Math.max(below, score);
    else above = Math.min(above, score);
  }
  if (below === -Infinity) return above - START;
  return above === Infinity ? below + START : (below + above) / 2;
}
