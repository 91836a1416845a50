/**
 * FLAP: removes the heads and neurons whose contribution to the residual stream fluctuates least, and adds its mean as
 * a bias.
 * An et al. 2024, https://arxiv.org/abs/2312.11983; https://github.com/CASIA-IVA-Lab/FLAP, WIFV and AL-AM:
 *   S_f = Var[x_f] · Σ_o W_fo²       of each feature f that enters o or down (equation 5)
 * Attention scores are squared. Scores are standardized within each layer and kind and averaged over a head; the units
 * with the highest scores are kept until their parameters come nearest to the budget (equation 7). The output gets Σ
 * W_f E[x_f] over the removed features as a bias (equation 8).
 * Differs from the authors' code: statistics are those of all positions at once, heads that share a key-value head are
 * removed together with it, every block keeps a head and a neuron, and the parameters of units are counted as they are
 * in the model.
 */
import * as v from 'valibot';
import { inputStatistics, positionCount } from '../../engine/calibrate/input-statistics.ts';
import { defineMethod, type Example } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { withAddedBiases } from '../shared/surgery/added-bias.ts';
import { countUnits, keepUnits, type KeptUnits } from '../shared/surgery/structure.ts';
import { blockParameters, keptUnits, rankedUnits, unitShareParameter } from '../shared/surgery/units.ts';

export default defineMethod({
  id: 'flap',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Removes whole attention heads and feed-forward neurons whose contribution changes least over calibration data, and adds the mean of what they contributed as a constant. ' +
    'It uses no gradients and solves nothing; the matrices become smaller, so the file, the memory and the time shrink too. ' +
    'The variants -random are controls that choose units at random.',
  paper: {
    title: 'Fluctuation-based Adaptive Structured Pruning for Large Language Models',
    authors: 'Yongqi An, Xu Zhao, Tao Yu, Ming Tang, Jinqiao Wang',
    year: 2024,
    url: 'https://arxiv.org/abs/2312.11983',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: unitShareParameter,
    choice: v.optional(
      v.pipe(
        v.picklist(['fluctuation', 'random']),
        v.description('Which units stay: those that fluctuate most, or any.'),
      ),
      'fluctuation',
    ),
    compensation: v.optional(
      v.pipe(v.boolean(), v.description('Add the mean of what the removed units contributed.')),
      true,
    ),
  }),
  variants: {
    p90: { keep: 0.9 },
    p75: { keep: 0.75 },
    p60: { keep: 0.6 },
    p50: { keep: 0.5 },
    'p75-uncompensated': { keep: 0.75, compensation: false },
    'p75-random': { keep: 0.75, choice: 'random' },
    'p50-random': { keep: 0.5, choice: 'random' },
  },

  async compress(model, { params, calibration: { examples }, random, signal, note }) {
    const features = await featureStatistics(model, examples, signal);
    const counts = countUnits(model);
    const scores =
      params.choice === 'random'
        ? counts.map(({ heads, neurons }) => ({ heads: draws(heads, random), neurons: draws(neurons, random) }))
        : features.map(({ o, down }, layer) => ({
            heads: groupMeans(standardized(o.scores.map((score) => score * score)), counts[layer]!.heads),
            neurons: standardized(down.scores),
          }));
    const kept = unitsWithin(model, scores, params.keep);
    note(
      `heads and neurons that stay, by layer: ${kept.map((of) => `${of.heads.length}/${of.neurons.length}`).join(', ')}`,
    );
    const pruned = keepUnits(model, kept);
    if (!params.compensation) return pruned;
    const biases = kept.flatMap(({ heads, neurons }, layer) => {
      const { o, down } = model.roles.layers[layer]!;
      const { groupWidth } = counts[layer]!;
      const [of, now] = [features[layer]!, pruned.roles.layers[layer]!];
      return [
        {
          linear: now.o,
          bias: missing(model, o, of.o.means, (feature) => heads.includes(Math.floor(feature / groupWidth))),
        },
        { linear: now.down, bias: missing(model, down, of.down.means, (feature) => neurons.includes(feature)) },
      ];
    });
    return withAddedBiases(pruned, biases);
  },
});

interface Features {
  /** E[x_f], [in] */
  readonly means: Float64Array;
  /** S_f, [in] */
  readonly scores: Float64Array;
}

/** Statistics of the inputs of the projections o and down of each layer. */
async function featureStatistics(model: Model, examples: readonly Example[], signal: AbortSignal) {
  const { layers } = model.roles;
  const run = { model, examples, linears: layers.flatMap(({ o, down }) => [o, down]), signal };
  const statistics = await inputStatistics(run, ['sum', 'square-sum']);
  const count = positionCount(examples);
  const of = (linear: LinearRole): Features => {
    const { of: sums } = statistics.get(linear.role)!;
    const means = sums('sum').map((sum) => sum / count);
    const squares = sums('square-sum');
    const scores = squares.map(
      (square, feature) => (square / count - means[feature]! ** 2) * rowSquares(model, linear, feature),
    );
    return { means, scores };
  };
  return layers.map(({ o, down }) => ({ o: of(o), down: of(down) }));
}

/** Σ_o W_fo² */
function rowSquares(model: Model, linear: LinearRole, feature: number): number {
  const { outFeatures } = linear;
  const row = model.weight(linear).subarray(feature * outFeatures, (feature + 1) * outFeatures);
  return row.reduce((sum, value) => sum + value * value, 0);
}

/** Standardized to mean 0 and variance 1 (n − 1 in the denominator, as in torch). */
export function standardized(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const variance = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0) / Math.max(1, scores.length - 1);
  return scores.map((score) => (variance === 0 ? 0 : (score - mean) / Math.sqrt(variance)));
}

/** The mean of each of `count` runs of equal length. */
function groupMeans(scores: Float64Array, groups: number): Float64Array {
  const width = scores.length / groups;
  const means = new Float64Array(groups);
  scores.forEach((score, feature) => (means[Math.floor(feature / width)]! += score / width));
  return means;
}

const draws = (length: number, random: { next(): number }) => Float64Array.from({ length }, () => random.next());

type Scores = Parameters<typeof rankedUnits>[1];

/**
 * Keeps units in the order of their scores, whatever their cost, as many as come nearest to the share of the blocks'
 * parameters.
 */
function unitsWithin(model: Model, scores: Scores, share: number): readonly KeptUnits[] {
  const units = rankedUnits(model, scores).toSorted((a, b) => b.importance - a.importance);
  // The best unit of each layer and kind is always kept, so these come first.
  const best = new Map(units.toReversed().map((unit) => [`${unit.kind} ${unit.layer}`, unit]));
  const needed = new Set(best.values());
  const order = [...needed, ...units.filter((unit) => !needed.has(unit))];
  const budget = share * blockParameters(model);
  let [spent, count] = [0, 0];
  for (const { cost } of order) {
    if (count >= needed.size && spent + cost / 2 > budget) break;
    spent += cost;
    count++;
  }
  const stays = new Set(order.slice(0, count));
  return keptUnits(model, (unit) => stays.has(unit), units);
}

/** Σ W_f E[x_f] over the removed features, [out]. */
function missing(
  model: Model,
  linear: LinearRole,
  means: Float64Array,
  stays: (feature: number) => boolean,
): Float32Array {
  const { outFeatures } = linear;
  const weight = model.weight(linear);
  const bias = new Float64Array(outFeatures);
  for (const [feature, mean] of means.entries()) {
    if (stays(feature)) continue;
    for (let out = 0; out < outFeatures; out++) bias[out]! += mean * weight[feature * outFeatures + out]!;
  }
  return Float32Array.from(bias);
}
