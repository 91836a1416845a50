/**
 * Knowledge-preserving structured pruning without retraining, one sublayer at a time from the bottom: measure the
 * knowledge in each remaining head and neuron, prune the sublayer, and refit its output projection by least squares.
 * Park, Choi & Kang 2024 (K-prune), https://arxiv.org/abs/2308.03449, sections 3.2 to 3.4
 *   predictive:        ½ E[(∂KL(dense ‖ pruned) / ∂m)²], softmax at temperature T, m the mask of the unit
 *   representational:  E‖what the unit adds to the residual stream‖², its features taken one by one
 * Differs from the paper: the budget is in parameters, not operations; every block keeps a head and a neuron; heads
 * that share a key-value head are removed together with it; a head's score is the sum over its features, whereas the
 * authors take the mean and multiply by μ, 64 at a head width of 64; λ has one value for all models, chosen on the
 * validation split of a small model. The least-squares fit is regularized towards the original weight.
 */
import * as v from 'valibot';
import { diagonalFisher, unitGradients } from '../../engine/calibrate/fisher.ts';
import { reconstructionMoments } from '../../engine/calibrate/reconstruction.ts';
import { type CalibratedContext, defineMethod } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { logitDistillation } from '../../engine/training/loss.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { rebuiltWeight } from '../shared/solvers/rebuilt-weight.ts';
import { countUnits, keepUnits, type KeptUnits } from '../shared/surgery/structure.ts';
import {
  blockParameters,
  keptUnits,
  rankedUnits,
  type Unit,
  unitCosts,
  unitEnergies,
  type UnitScores,
  unitShareParameter,
} from '../shared/surgery/units.ts';

export default defineMethod({
  id: 'k-prune',
  family: 'pruning',
  access: 'gradient',
  revision: 2,
  description:
    'Removes attention heads and feed-forward neurons sublayer by sublayer from the bottom, choosing those with the least effect on the predictions and hidden states of the original model. ' +
    'After each cut the output projection is refitted by least squares to reproduce the hidden states of the original model. ' +
    'The variant p50-unrebuilt is a control without the refit.',
  paper: {
    title: 'Accurate Retraining-free Pruning for Pretrained Encoder-based Language Models',
    authors: 'Seungcheol Park, Hojun Choi, U Kang',
    year: 2024,
    url: 'https://arxiv.org/abs/2308.03449',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: unitShareParameter,
    temperature: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description('T: temperature that divides the logits in the divergence.')),
      2,
    ),
    representation: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.description(
          'λ: weight of representational knowledge relative to predictive knowledge; the default is not the paper’s.',
        ),
      ),
      0.01,
    ),
    rebuilding: v.optional(v.pipe(v.boolean(), v.description('Rebuild output projections by least squares.')), true),
  }),
  variants: {
    p90: { keep: 0.9 },
    p75: { keep: 0.75 },
    p60: { keep: 0.6 },
    p50: { keep: 0.5 },
    p40: { keep: 0.4 },
    p25: { keep: 0.25 },
    'p50-unrebuilt': { keep: 0.5, rebuilding: false },
  },

  async compress(dense, context) {
    const { params, calibration, signal, progress, note } = context;
    let pruned = dense;
    let budget = params.keep * blockParameters(dense);
    const sublayers = dense.roles.layers.flatMap((_, layer) => [
      { layer, kind: 'head' as const },
      { layer, kind: 'neuron' as const },
    ]);
    for (const [done, target] of sublayers.entries()) {
      signal.throwIfAborted();
      const scores = await knowledge(dense, pruned, { params, calibration, signal, from: target.layer });
      const kept = chooseWithin(pruned, scores, { target, budget });
      pruned = keepUnits(pruned, kept);
      const { head, neuron } = unitCosts(pruned)[target.layer]!;
      const { heads, neurons } = kept[target.layer]!;
      budget -= target.kind === 'head' ? heads.length * head : neurons.length * neuron;
      if (params.rebuilding) {
        const part = target.kind === 'head' ? 'o' : 'down';
        const [linear, before] = [pruned.roles.layers[target.layer]![part], dense.roles.layers[target.layer]![part]];
        const moments = await reconstructionMoments({
          dense,
          compressed: pruned,
          linear: { dense: before, compressed: linear },
          examples: calibration.examples,
          signal,
        });
        const weight = await rebuiltWeight({ ...linear, ...moments, weight: pruned.weight(linear) });
        pruned = pruned.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], weight));
      }
      progress((done + 1) / sublayers.length);
    }
    const counts = countUnits(pruned).map(({ heads, neurons }) => `${heads}/${neurons}`);
    note(`heads and neurons that stay, by layer: ${counts.join(', ')}`);
    note(`λ ${params.representation} was chosen on the validation split of a small model and is not the authors’`);
    return pruned;
  },
});

type Scoring = Pick<
  CalibratedContext<{ readonly temperature: number; readonly representation: number }>,
  'params' | 'calibration' | 'signal'
> & {
  /** Index of the first block whose units are scored, default 0. */
  readonly from?: number;
};

/** Section 3.2: the knowledge lost with each unit of the pruned model. */
export async function knowledge(
  dense: Model,
  pruned: Model,
  { params: { temperature, representation }, calibration: { examples }, signal, from = 0 }: Scoring,
): Promise<readonly UnitScores[]> {
  const counts = countUnits(pruned);
  const energies = await unitEnergies(pruned, examples, signal);
  const weights = pruned.kind === 'decoder' ? 'target_weights' : null;
  const gradients = await unitGradients({
    model: pruned.withOnnx(mergeTeacher(pruned.onnx, dense.onnx)),
    examples,
    loss: logitDistillation({ temperature, weights }),
    headWidth: counts[0]!.groupWidth,
    from,
    signal,
  });
  const both = (of: Float64Array, energy: Float64Array) =>
    diagonalFisher(of, energy.length).map(
      (square, unit) => square / (2 * examples.length) + representation * energy[unit]!,
    );
  return energies.map(({ heads, neurons }, layer) => ({
    heads: both(gradients[layer]!.heads, heads),
    neurons: both(gradients[layer]!.neurons, neurons),
  }));
}

interface Target {
  readonly target: { readonly layer: number; readonly kind: Unit['kind'] };
  /** Parameter budget left for this sublayer and those above it. */
  readonly budget: number;
}

/**
 * Section 3.3: of the units in the target sublayer and above, keeps the most valuable per parameter that fit into the
 * budget. Only the target sublayer is pruned; units above it are scored again when their sublayer is the target.
 */
export function chooseWithin(
  model: Model,
  scores: readonly UnitScores[],
  { target, budget }: Target,
): readonly KeptUnits[] {
  const isTarget = ({ layer, kind }: Unit) => layer === target.layer && kind === target.kind;
  const isDone = ({ layer, kind }: Unit) =>
    layer < target.layer || (layer === target.layer && kind === 'head' && target.kind === 'neuron');
  const units = rankedUnits(model, scores);
  const open = units.filter((unit) => !isDone(unit));
  const first = new Set(new Map(open.toReversed().map((unit) => [`${unit.kind} ${unit.layer}`, unit])).values());
  let left = budget;
  for (const { cost } of first) left -= cost;
  const stays = new Set<Unit>(first);
  for (const unit of open) {
    if (first.has(unit)) continue;
    if (unit.cost > left) break;
    left -= unit.cost;
    stays.add(unit);
  }
  return keptUnits(model, (unit) => !isTarget(unit) || stays.has(unit), units);
}
