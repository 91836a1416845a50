/**
 * Gradual magnitude pruning: during fine-tuning a growing share of the smallest weights is set to zero, so that the
 * remaining weights can adapt in between.
 * Zhu & Gupta 2017, https://arxiv.org/abs/1710.01878, equation 1, from sparsity 0 at step 0:
 *   s_t = s_f − s_f (1 − t / (n Δt))³
 * Differs from the paper: a pruned weight stays zero, because the optimizer applies the mask too; in the paper it can
 * return.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { cubicSchedule } from '../../engine/training/schedule.ts';
import type { Hook } from '../../engine/training/train.ts';
import { budgetParameters, fineTune, stepsOf } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { layerMask } from '../shared/solvers/sparsity.ts';

/** Share of the steps in which sparsity grows; the rest is for recovery. */
const GROWTH_SHARE = 0.75;

export default defineMethod({
  id: 'gradual-magnitude',
  family: 'pruning',
  access: 'trained',
  revision: 2,
  description:
    'Fine-tunes the model while it sets a growing share of the smallest weights of each linear layer to zero, fast at first and slowly towards the end. ' +
    'The remaining weights can adapt during training, which one-shot pruning does not allow. ' +
    'Embedding, norms and output layer are trained but not pruned.',
  paper: {
    title: 'To prune, or not to prune: exploring the efficacy of pruning for model compression',
    authors: 'Michael Zhu, Suyog Gupta',
    year: 2017,
    url: 'https://arxiv.org/abs/1710.01878',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: v.pipe(
      v.number(),
      v.gtValue(0),
      v.ltValue(1),
      v.description('Share of the weights of each linear layer that are zero at the end.'),
    ),
    prunings: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Number of pruning rounds.')),
      20,
    ),
    ...budgetParameters,
  }),
  variants: {
    ...ladder({
      s50: { sparsity: 0.5 },
      s70: { sparsity: 0.7 },
      s90: { sparsity: 0.9 },
    }),
    ...ladder({ s50: { sparsity: 0.5 } }, ['t30m']),
  },

  async compress(model, context) {
    const pruned = new Set(model.linears.map(({ weight }) => weight));
    const { parameters } = await fineTune(context, {
      model,
      onnx: model.onnx,
      parameterOptions: (name) =>
        pruned.has(name) ? { mask: ones(model.onnx.graph.initializers.get(name)?.dims) } : {},
      hooks: [pruneGradually({ weights: [...pruned], steps: stepsOf(context, model), ...context.params })],
    });
    return model.withOnnx(withParameters(model.onnx, parameters));
  },
});

/** Sets masks every Δt steps, for the last time at step n Δt, where the sparsity reaches its target. */
export function pruneGradually(options: {
  readonly weights: readonly string[];
  readonly sparsity: number;
  readonly prunings: number;
  readonly steps: number;
}): Hook {
  const { weights, sparsity, prunings, steps } = options;
  const growth = Math.max(1, Math.floor(GROWTH_SHARE * steps));
  const every = Math.max(1, Math.floor(growth / prunings));
  const end = Math.min(prunings, Math.floor(growth / every)) * every;
  const sparsityAt = cubicSchedule({ to: sparsity, end });
  return {
    every,
    run({ step, parameters, setMask }) {
      if (step === 0 || step > end) return;
      for (const weight of weights) {
        const scores = (parameters.get(weight) as Float32Array).map(Math.abs);
        setMask(weight, Float32Array.from(layerMask(scores, sparsityAt(step))));
      }
    },
  };
}

function ones(dims: readonly number[] = []): Float32Array {
  return new Float32Array(dims.reduce((product, dim) => product * dim, 1)).fill(1);
}
