/**
 * Activation-aware singular value decomposition. Yuan et al. 2023, https://arxiv.org/abs/2312.05821; code:
 * https://github.com/hahnyuan/ASVD4LLM. With S = diag(mean |X_j|^α) over calibration inputs,
 *   W S = U Σ Vᵀ   →   W ≈ U_r Σ_r (Vᵀ_r S⁻¹)
 * so that input channels with large activations are approximated more closely. Ranks come from the paper's
 * sensitivity-based search: each layer alone is truncated to each of nine shares of its parameters, and the loss on
 * calibration text is measured.
 * Each layer then gets its smallest share whose loss is below a threshold, the lowest threshold that reaches the target
 * size.
 * Differs from the paper: the threshold is found by a linear search instead of bisection, with the same result;
 * encoders are measured by their classification loss; the key-value cache is not compressed.
 */
import * as v from 'valibot';
import { activationNorms, type ActivationNorms } from '../../engine/calibrate/activation-norms.ts';
import { createCalibrationLoss } from '../../engine/calibrate/calibration-loss.ts';
import { NumericalError, UnsupportedError } from '../../contracts/errors.ts';
import { type Example, defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import type { ThinSvd } from '../../numerics/tensor/thin-svd.ts';
import {
  factorsOf,
  keepParameter,
  keepVariants,
  productOf,
  rankFor,
  scaledSvd,
  withFactors,
} from '../shared/solvers/low-rank.ts';

/** Shares of a layer's parameters that the search tries. */
const TRIED_SHARES = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** Added to every scale, as in the paper's code, so that a channel with zero activations does not divide by zero. */
const SMALLEST_SCALE = 1e-6;

export default defineMethod({
  id: 'asvd',
  family: 'low-rank',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces weight matrices by the product of two thinner ones, after scaling each input channel by how large its activations are on calibration text. ' +
    'Each layer is tried alone at nine sizes; the layers with the smallest loss increase are cut most, and some stay dense. ' +
    'Embedding, norms and output layer stay as they are.',
  paper: {
    title: 'ASVD: Activation-aware Singular Value Decomposition for Compressing Large Language Models',
    authors: 'Zhihang Yuan, Yuzhang Shang, Yue Song, Qiang Wu, Yan Yan, Guangyu Sun',
    year: 2023,
    url: 'https://arxiv.org/abs/2312.05821',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: v.pipe(keepParameter, v.description('Share of the parameters of all linear layers together that stays.')),
    alpha: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.description('α: 0 is plain SVD, 1 scales by the full mean magnitude of the activations.'),
      ),
      0.5,
    ),
    ranks: v.optional(
      v.pipe(
        v.picklist(['search', 'uniform']),
        v.description('Ranks: searched layer by layer, or the same share for all layers.'),
      ),
      'search',
    ),
    searchTokens: v.optional(
      v.pipe(
        v.number(),
        v.integer(),
        v.minValue(2),
        v.description('Calibration tokens used for each loss that the search measures.'),
      ),
      2048,
    ),
  }),
  variants: {
    ...keepVariants,
    'p50-uniform': { keep: 0.5, ranks: 'uniform' },
    'p50-a100': { keep: 0.5, alpha: 1 },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { keep, alpha, ranks, searchTokens } = params;
    const norms = await activationNorms({ model, examples: calibration.examples, signal });
    const layers: Layer[] = [];
    for (const linear of model.linears) {
      signal.throwIfAborted();
      const scales = channelScales(norms.get(linear.role) as ActivationNorms, alpha);
      layers.push({ linear, svd: await scaledSvd(model.weight(linear), linear, scales) });
    }
    const trials: Trial[] = [];
    const examples = examplesUpTo(calibration.examples, searchTokens);
    for (const [index, layer] of layers.entries()) {
      if (ranks === 'search') trials.push(...(await tryRanks({ model, layer, examples, signal })));
      progress((index + 1) / layers.length);
    }
    const chosen =
      ranks === 'search'
        ? chooseRanks({ id: model.id, linears: model.linears, trials, keep })
        : uniformRanks(model.linears, keep);
    const dense = model.linears.filter((linear) => !chosen.has(linear));
    if (dense.length > 0) note(`left whole: ${dense.map(({ role }) => role).join(', ')}`);
    return withFactors(
      model,
      layers.flatMap(({ linear, svd }) => {
        const rank = chosen.get(linear);
        return rank === undefined ? [] : [{ linear, factors: factorsOf(svd, linear, rank) }];
      }),
    );
  },
});

interface Layer {
  readonly linear: LinearRole;
  /** SVD of the scaled weight, scales divided out again: see scaledSvd. */
  readonly svd: ThinSvd;
}

/** One layer truncated to one rank, all others unchanged. */
export interface Trial {
  readonly linear: LinearRole;
  readonly rank: number;
  /** Loss on calibration text, in nats. */
  readonly loss: number;
}

/** (mean |X_j|)^α, [in] */
export function channelScales({ meanAbsolute }: Pick<ActivationNorms, 'meanAbsolute'>, alpha: number): Float64Array {
  return meanAbsolute.map((mean) => mean ** alpha + SMALLEST_SCALE);
}

/**
 * The loss of the whole model with this layer alone at each rank tried. Throws NumericalError where it is not finite.
 */
export async function tryRanks(options: {
  readonly model: Model;
  readonly layer: Layer;
  readonly examples: readonly Example[];
  readonly signal: AbortSignal;
}): Promise<readonly Trial[]> {
  const { layer, ...run } = options;
  const { linear, svd } = layer;
  const ranks = new Set(TRIED_SHARES.map((share) => rankFor(linear, share)).filter((rank) => rank !== undefined));
  const loss = await createCalibrationLoss({ ...run, tried: linear });
  const trials: Trial[] = [];
  try {
    for (const rank of ranks) {
      const weight = await productOf(factorsOf(svd, linear, rank), linear);
      const measured = await loss.measure(weight);
      if (!Number.isFinite(measured)) {
        throw new NumericalError(
          `asvd: the calibration loss with ${linear.role} at rank ${rank} is ${measured}, expected a finite number; ` +
            'check that the dense model computes finite logits on the calibration data',
        );
      }
      trials.push({ linear, rank, loss: measured });
    }
  } finally {
    await loss.release();
  }
  return trials;
}

function uniformRanks(linears: readonly LinearRole[], keep: number): ReadonlyMap<LinearRole, number> {
  return new Map(
    linears.flatMap((linear) => {
      const rank = rankFor(linear, keep);
      return rank === undefined ? [] : [[linear, rank] as const];
    }),
  );
}

/**
 * The rank of each truncated layer: the lowest rank tried whose loss is at most a threshold common to all layers. The
 * threshold is the lowest at which all linear layers together keep no more than `keep` of their parameters.
 */
export function chooseRanks(search: {
  readonly id: string;
  readonly linears: readonly LinearRole[];
  readonly trials: readonly Trial[];
  readonly keep: number;
}): ReadonlyMap<LinearRole, number> {
  const { id, linears, trials, keep } = search;
  const whole = linears.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
  const ranks = new Map<LinearRole, number>();
  let kept = whole;
  const ordered = [...trials].sort((a, b) => a.loss - b.loss);
  for (const { linear, rank } of ordered) {
    if (kept <= keep * whole) break;
    const { inFeatures, outFeatures } = linear;
    const before = ranks.get(linear);
    if (before !== undefined && before <= rank) continue;
    const size = before === undefined ? inFeatures * outFeatures : before * (inFeatures + outFeatures);
    kept += rank * (inFeatures + outFeatures) - size;
    ranks.set(linear, rank);
  }
  if (kept > keep * whole) {
    throw new UnsupportedError(
      `${id}: with every linear layer at its lowest rank, ${((100 * kept) / whole).toFixed(1)} % of their parameters are kept, ` +
        `expected at most ${100 * keep} %; raise params.keep`,
    );
  }
  return ranks;
}

/** The first examples that together hold at least this many tokens; at least one. */
function examplesUpTo(examples: readonly Example[], tokens: number): readonly Example[] {
  let count = 0;
  const end = examples.findIndex((example) => (count += example.tokens.length) > tokens);
  return end < 0 ? examples : examples.slice(0, Math.max(1, end));
}
