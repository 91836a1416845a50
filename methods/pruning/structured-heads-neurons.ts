/**
 * One-shot structured pruning of attention heads and feed-forward neurons, without retraining.
 * Kwon et al. 2022, https://arxiv.org/abs/2204.09656: mask search by the diagonal of the Fisher information of mask
 * variables (section 4.1, in methods/shared/surgery/units.ts), rearrangement by the Fisher information within a layer
 * (4.2, rearranged()), mask tuning by layer-wise least squares (4.3, tuned()).
 * https://github.com/WoosukKwon/retraining-free-pruning Differs from the paper: the budget is in parameters, not
 * operations. Every block keeps a head and a neuron. Heads that share a key-value head are removed together with it.
 * Least squares are solved exactly and regularized towards 1, whereas the authors' code iterates and rejects masks
 * beyond ±10. Tuned masks are multiplied into the output projections.
 */
import * as v from 'valibot';
import { diagonalFisher, unitGradients, type UnitGradients } from '../../engine/calibrate/fisher.ts';
import { type Reconstruction, reconstructionMoments } from '../../engine/calibrate/reconstruction.ts';
import { type CalibratedContext, defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { matmul, solvePositiveDefinite } from '../../engine/runtime/linear-algebra.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { countUnits, keepUnits, type KeptUnits } from '../shared/surgery/structure.ts';
import {
  randomUnits,
  searchUnits,
  unitEnergies,
  type UnitScores,
  unitShareParameter,
} from '../shared/surgery/units.ts';

const IMPORTANCES = ['fisher', 'activation', 'random'] as const;

export default defineMethod({
  id: 'structured-heads-neurons',
  family: 'pruning',
  access: 'gradient',
  revision: 2,
  description:
    'Removes whole attention heads and feed-forward neurons in one shot: those to which the loss on calibration data is least sensitive. It then rescales the remaining units so that each layer’s output stays close to the original. ' +
    'The matrices become smaller, so the file, the memory and the time shrink too. ' +
    'The variants -activation and -random are controls that choose units by activation size or at random.',
  paper: {
    title: 'A Fast Post-Training Pruning Framework for Transformers',
    authors: 'Woosuk Kwon, Sehoon Kim, Michael W. Mahoney, Joseph Hassoun, Kurt Keutzer, Amir Gholami',
    year: 2022,
    url: 'https://arxiv.org/abs/2204.09656',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: unitShareParameter,
    importance: v.optional(
      v.pipe(
        v.picklist(IMPORTANCES),
        v.description(
          'Criterion for units: Fisher information, the size of their contribution to the residual stream, or random.',
        ),
      ),
      'fisher',
    ),
    tuning: v.optional(v.pipe(v.boolean(), v.description('Scale the remaining units by least squares.')), true),
  }),
  variants: {
    p90: { keep: 0.9 },
    p75: { keep: 0.75 },
    p60: { keep: 0.6 },
    p50: { keep: 0.5 },
    p40: { keep: 0.4 },
    p25: { keep: 0.25 },
    'p50-untuned': { keep: 0.5, tuning: false },
    'p75-activation': { keep: 0.75, importance: 'activation' },
    'p50-activation': { keep: 0.5, importance: 'activation' },
    'p75-random': { keep: 0.75, importance: 'random' },
    'p50-random': { keep: 0.5, importance: 'random' },
  },

  async compress(model, context) {
    const { params, calibration, signal, progress, note } = context;
    const kept = await chooseUnits(model, context);
    note(
      `heads and neurons that stay, by layer: ${kept.map((of) => `${of.heads.length}/${of.neurons.length}`).join(', ')}`,
    );
    let pruned = keepUnits(model, kept);
    if (!params.tuning) return pruned;
    // From the first layer to the last, since each layer also corrects the error of the layers before it.
    const projections = model.roles.layers.flatMap((_, layer) => [
      { layer, part: 'o' as const },
      { layer, part: 'down' as const },
    ]);
    for (const [done, { layer, part }] of projections.entries()) {
      const linear = { dense: model.roles.layers[layer]![part], compressed: pruned.roles.layers[layer]![part] };
      const moments = await reconstructionMoments({
        dense: model,
        compressed: pruned,
        linear,
        examples: calibration.examples,
        signal,
      });
      const width = part === 'o' ? countUnits(pruned)[layer]!.groupWidth : 1;
      const weight = await tuned(pruned.weight(linear.compressed), { ...linear.compressed, ...moments, width });
      const { inFeatures, outFeatures } = linear.compressed;
      pruned = pruned.withWeight(linear.compressed, tensorOf('float32', [inFeatures, outFeatures], weight));
      progress((done + 1) / projections.length);
    }
    return pruned;
  },
});

type Context = CalibratedContext<{ readonly keep: number; readonly importance: (typeof IMPORTANCES)[number] }>;

async function chooseUnits(
  model: Model,
  { params: { keep, importance }, calibration: { examples }, random, signal }: Context,
): Promise<readonly KeptUnits[]> {
  const counts = countUnits(model);
  if (importance === 'activation') return searchUnits(model, await unitEnergies(model, examples, signal), keep);
  if (importance === 'random') return randomUnits(model, random, keep);
  const gradients = await unitGradients({ model, examples, headWidth: counts[0]!.groupWidth, signal });
  const scores = gradients.map((of, layer): UnitScores => {
    const { heads, neurons } = counts[layer]!;
    return { heads: diagonalFisher(of.heads, heads), neurons: diagonalFisher(of.neurons, neurons) };
  });
  return searchUnits(model, scores, keep).map(({ heads, neurons }, layer): KeptUnits => {
    const of: UnitGradients = gradients[layer]!;
    return {
      heads: rearranged(of.heads, { units: counts[layer]!.heads, keep: heads.length }),
      neurons: rearranged(of.neurons, { units: counts[layer]!.neurons, keep: neurons.length }),
    };
  });
}

/**
 * Section 4.2: which `count` units of a layer to keep so that ‖Σ g_u‖² over the removed ones is small; units removed
 * together can cancel each other. Starts with removing the units of smallest ‖g_u‖², then tries each further unit in
 * place of the removed unit that is best to keep. gradients: [examples, units]; returns indices, ascending.
 */
export function rearranged(
  gradients: Float64Array,
  { units, keep }: { readonly units: number; readonly keep: number },
): readonly number[] {
  const examples = gradients.length / units;
  const own = diagonalFisher(gradients, units);
  const order = Array.from({ length: units }, (_, unit) => unit).sort((a, b) => own[a]! - own[b]! || a - b);
  const gone = new Set(order.slice(0, units - keep));
  const sums = new Float64Array(examples);
  const add = (unit: number, factor: number) => {
    for (let row = 0; row < examples; row++) sums[row]! += factor * gradients[row * units + unit]!;
  };
  for (const unit of gone) add(unit, 1);
  /** ‖Σ g_u‖² without one of the removed units. */
  const without = (unit: number): number => {
    let square = 0;
    for (let row = 0; row < examples; row++) square += (sums[row]! - gradients[row * units + unit]!) ** 2;
    return square;
  };
  if (gone.size > 0) {
    for (const candidate of order.slice(units - keep)) {
      gone.add(candidate);
      add(candidate, 1);
      let stays = candidate;
      let least = without(candidate);
      for (const unit of gone) {
        const square = without(unit);
        if (square < least) [stays, least] = [unit, square];
      }
      gone.delete(stays);
      add(stays, -1);
    }
  }
  return order.filter((unit) => !gone.has(unit)).sort((a, b) => a - b);
}

/** Ridge penalty towards 1, as a share of the mean diagonal. */
const DAMPING = 1e-3;

interface Tuning extends Reconstruction, Pick<LinearRole, 'inFeatures' | 'outFeatures'> {
  /** Features of one unit. */
  readonly width: number;
}

/**
 * Section 4.3: the weight [in, out] with the rows of each unit times its m, which minimises
 *   Σ ‖Σ_u m_u x_u W_u − t‖² + λ Σ (m_u − 1)²:   (A + λ I) m = b + λ,   A_uv = Σ_fg (xᵀx ∘ W Wᵀ)_fg,   b_u = Σ_f (xᵀt ∘ W)_f
 * with f the features of u and g those of v.
 */
export async function tuned(weight: Float32Array, tuning: Tuning): Promise<Float32Array> {
  const { inFeatures, outFeatures, width, moment, cross } = tuning;
  const w = Float64Array.from(weight);
  const shape = { rows: inFeatures, inner: outFeatures, columns: inFeatures, transposeRight: true };
  const similar = await matmul({ left: w, right: w, ...shape });
  const units = inFeatures / width;
  const a = new Float64Array(units * units);
  const right = new Float64Array(units);
  for (let f = 0; f < inFeatures; f++) {
    const unit = Math.floor(f / width);
    for (let g = 0; g < inFeatures; g++) {
      a[unit * units + Math.floor(g / width)]! += moment[f * inFeatures + g]! * similar[f * inFeatures + g]!;
    }
    for (let at = f * outFeatures; at < (f + 1) * outFeatures; at++) right[unit]! += cross[at]! * w[at]!;
  }
  let trace = 0;
  for (let unit = 0; unit < units; unit++) trace += a[unit * units + unit]!;
  const hold = (DAMPING * trace) / units || 1;
  for (let unit = 0; unit < units; unit++) {
    a[unit * units + unit]! += hold;
    right[unit]! += hold;
  }
  const masks = await solvePositiveDefinite({ a, size: units, right, columns: 1 });
  return weight.map((value, at) => value * masks[Math.floor(at / (outFeatures * width))]!);
}
