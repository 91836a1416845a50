/**
 * Units of structured pruning: a key-value head with the heads it serves, or a feed-forward neuron. Computes the cost
 * of each, and which to keep within a share of the blocks' parameters.
 */
import * as v from 'valibot';
import { activationNorms } from '../../../engine/calibrate/activation-norms.ts';
import type { Example } from '../../../engine/definitions/method.ts';
import type { Random } from '../../../numerics/tensor/random.ts';
import type { LinearRole, Model } from '../../../engine/definitions/model.ts';
import { countUnits, type KeptUnits } from './structure.ts';

export const unitShareParameter = v.pipe(
  v.number(),
  v.gtValue(0),
  v.ltValue(1),
  v.description('Share of the parameters of all blocks that may stay; every block keeps at least a head and a neuron.'),
);

export interface UnitCost {
  /** Parameters of one key-value head and the heads it serves. */
  readonly head: number;
  /** Parameters of one neuron. */
  readonly neuron: number;
}

/** By layer; includes the biases of the input projections but not those of o and down, which are always kept. */
export function unitCosts(model: Model): readonly UnitCost[] {
  const counts = countUnits(model);
  const columns = (linear: LinearRole | undefined): number =>
    linear === undefined ? 0 : linear.outFeatures * (linear.inFeatures + (linear.bias === undefined ? 0 : 1));
  return model.roles.layers.map(({ q, k, v, o, gate, up, down }, index) => {
    const { heads, neurons } = counts[index]!;
    return {
      head: (columns(q) + columns(k) + columns(v) + o.inFeatures * o.outFeatures) / heads,
      neuron: (columns(gate) + columns(up) + down.inFeatures * down.outFeatures) / neurons,
    };
  });
}

/** Parameters of all units of the model together. */
export function blockParameters(model: Model): number {
  const costs = unitCosts(model);
  return countUnits(model).reduce(
    (sum, { heads, neurons }, layer) => sum + heads * costs[layer]!.head + neurons * costs[layer]!.neuron,
    0,
  );
}

/** A number for every unit of one block. */
export interface UnitScores {
  /** [key-value heads] */
  readonly heads: Float64Array;
  /** [neurons] */
  readonly neurons: Float64Array;
}

/**
 * Mean over positions of Σ_f x_f² · mean_o W_fo² with f the features of a unit and W the projection o or down: the mean
 * square of the unit's contribution to the residual stream, its features taken one by one.
 */
export async function unitEnergies(
  model: Model,
  examples: readonly Example[],
  signal: AbortSignal,
): Promise<readonly UnitScores[]> {
  const { layers } = model.roles;
  const norms = await activationNorms({ model, examples, linears: layers.flatMap(({ o, down }) => [o, down]), signal });
  const counts = countUnits(model);
  const energies = (linear: LinearRole, width: number): Float64Array => {
    const { euclidean, count } = norms.get(linear.role) as NonNullable<ReturnType<typeof norms.get>>;
    const weight = model.weight(linear);
    const sums = new Float64Array(linear.inFeatures / width);
    for (let feature = 0; feature < linear.inFeatures; feature++) {
      const row = weight.subarray(feature * linear.outFeatures, (feature + 1) * linear.outFeatures);
      const meanSquare = row.reduce((sum, value) => sum + value * value, 0) / row.length;
      sums[Math.floor(feature / width)]! += (euclidean[feature]! ** 2 * meanSquare) / count;
    }
    return sums;
  };
  return layers.map(({ o, down }, index) => ({
    heads: energies(o, counts[index]!.groupWidth),
    neurons: energies(down, 1),
  }));
}

/** Indices of the `count` highest scores, ascending; of equal ones the first. */
export function highest(scores: Float64Array, count: number): readonly number[] {
  const order = [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

export interface Unit {
  readonly layer: number;
  readonly kind: 'head' | 'neuron';
  readonly index: number;
  readonly importance: number;
  readonly cost: number;
}

/** Every unit of the model, the most important per parameter first; of equal ones in the order of the network. */
export function rankedUnits(model: Model, importance: readonly UnitScores[]): readonly Unit[] {
  const units = unitCosts(model).flatMap((costs, layer) =>
    (['head', 'neuron'] as const).flatMap((kind) =>
      Array.from(kind === 'head' ? importance[layer]!.heads : importance[layer]!.neurons, (value, index): Unit => {
        return { layer, kind, index, importance: value, cost: costs[kind] };
      }),
    ),
  );
  return units.sort((a, b) => b.importance / b.cost - a.importance / a.cost);
}

/**
 * The units to keep within `share` of the blocks' parameters: for every number of heads, the most important ones and as
 * many of the most important neurons as then fit; of all these choices, the one with the largest total importance. Kwon
 * et al.
 * 2022, https://arxiv.org/abs/2204.09656, Algorithm 1, with parameters instead of operations.
 */
export function searchUnits(model: Model, importance: readonly UnitScores[], share: number): readonly KeptUnits[] {
  const units = rankedUnits(model, importance);
  const first = new Map(units.toReversed().map((unit) => [`${unit.kind} ${unit.layer}`, unit]));
  const needed = new Set(first.values());
  const optional = (kind: Unit['kind']) => units.filter((unit) => unit.kind === kind && !needed.has(unit));
  const [heads, neurons] = [prefixes(optional('head')), prefixes(optional('neuron'))];
  const budget = share * blockParameters(model) - [...needed].reduce((sum, { cost }) => sum + cost, 0);
  let best = { heads: 0, neurons: 0, importance: -Infinity };
  let count = neurons.costs.length - 1;
  for (let head = 0; head < heads.costs.length && (head === 0 || heads.costs[head]! <= budget); head++) {
    while (count > 0 && heads.costs[head]! + neurons.costs[count]! > budget) count--;
    const kept = heads.importances[head]! + neurons.importances[count]!;
    if (kept > best.importance) best = { heads: head, neurons: count, importance: kept };
  }
  const kept = new Set([
    ...needed,
    ...optional('head').slice(0, best.heads),
    ...optional('neuron').slice(0, best.neurons),
  ]);
  return keptUnits(model, (unit) => kept.has(unit), units);
}

/**
 * Units drawn uniformly at random until the share of the blocks' parameters is used up: the expected share of kept
 * heads equals that of kept neurons. Every block keeps a head and a neuron.
 */
export function randomUnits(model: Model, random: Random, share: number): readonly KeptUnits[] {
  const alike = countUnits(model).map(({ heads, neurons }) => ({
    heads: new Float64Array(heads),
    neurons: new Float64Array(neurons),
  }));
  const units = random.shuffle(rankedUnits(model, alike));
  const first = new Map(units.toReversed().map((unit) => [`${unit.kind} ${unit.layer}`, unit]));
  const kept = new Set(first.values());
  let left = share * blockParameters(model) - [...kept].reduce((sum, { cost }) => sum + cost, 0);
  for (const unit of units) {
    if (kept.has(unit) || unit.cost > left) continue;
    kept.add(unit);
    left -= unit.cost;
  }
  return keptUnits(model, (unit) => kept.has(unit), units);
}

/** Groups a list of units by block, keeping those that pass. */
export function keptUnits(model: Model, stays: (unit: Unit) => boolean, units: readonly Unit[]): readonly KeptUnits[] {
  const indices = (layer: number, kind: Unit['kind']) =>
    units
      .filter((unit) => unit.layer === layer && unit.kind === kind && stays(unit))
      .map(({ index }) => index)
      .sort((a, b) => a - b);
  return model.roles.layers.map((_, layer) => ({ heads: indices(layer, 'head'), neurons: indices(layer, 'neuron') }));
}

/** Prefix sums over the first n units, n from 0. */
function prefixes(units: readonly Unit[]): {
  readonly costs: readonly number[];
  readonly importances: readonly number[];
} {
  const [costs, importances] = [[0], [0]];
  for (const { cost, importance } of units) {
    costs.push(costs[costs.length - 1]! + cost);
    importances.push(importances[importances.length - 1]! + importance);
  }
  return { costs, importances };
}
