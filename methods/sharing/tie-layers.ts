/**
 * Ties neighbouring layers of a trained model: one set of weights per group of layers, then a least-squares correction
 * for each layer on calibration data. The groups are those of Takase & Kiyono 2021, https://arxiv.org/abs/2104.06022,
 * section 3 (SEQUENCE), who train the tied model from the start. Here the tied weights W' are the mean of the trained
 * ones, or those of the first layer. With x the current input of the layer and t its target output, in closed form:
 *   scale:     t ≈ (x W') diag(a),   a_j = Σ t_j (x W')_j / Σ (x W')_j²
 *   low-rank:  t ≈ x (W' + A B),     A B the best of its rank: the whitened SVD of (full least-squares weight) − W'
 * so that on calibration data the correction never increases the error of a layer. Biases and norms are not shared.
 */
import * as v from 'valibot';
import type { Reconstruction } from '../../engine/calibrate/reconstruction.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { matmul } from '../../engine/runtime/linear-algebra.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { foldIdentities } from '../../engine/training/prepare-graph.ts';
import { type Factors, rankFor } from '../shared/solvers/low-rank.ts';
import { rebuildLayers } from '../shared/solvers/rebuild-layers.ts';
import { rebuiltWeight } from '../shared/solvers/rebuilt-weight.ts';
import { requireSeveralLayers } from '../shared/training/student.ts';
import {
  mergeParameter,
  neighbouringLayers,
  shareParameter,
  tiedLinears,
  withTiedWeights,
} from '../shared/surgery/tied-weights.ts';
import { truncateWhitened } from '../shared/solvers/truncate-whitened.ts';

/** Ridge penalty on corrections, as a share of the mean second moment. */
const HOLD = 1e-3;

export default defineMethod({
  id: 'tie-layers',
  family: 'sharing',
  access: 'calibrated',
  revision: 2,
  description:
    'Lets neighbouring layers read one set of weights, their mean or that of the first, and corrects the output of each layer by a least-squares fit on calibration text: a scale per output, or a low-rank matrix. ' +
    'The file holds shared weights once; the computation does not shrink. ' +
    'The naive variants are controls without a correction.',
  paper: {
    title: 'Lessons on Parameter Sharing across Layers in Transformers',
    authors: 'Sho Takase, Shun Kiyono',
    year: 2021,
    url: 'https://arxiv.org/abs/2104.06022',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    layers: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(2), v.description('Neighbouring layers that share their weights.')),
      2,
    ),
    merge: v.optional(mergeParameter, 'average'),
    share: v.optional(shareParameter, 'all'),
    correction: v.pipe(
      v.picklist(['none', 'scale', 'low-rank']),
      v.description('Correction of each layer: none, a factor per output, or a low-rank matrix.'),
    ),
    delta: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.ltValue(1),
        v.description('Share of the parameters of a linear layer that its low-rank correction may take.'),
      ),
      0.25,
    ),
  }),
  variants: {
    naive: { correction: 'none' },
    'first-naive': { correction: 'none', merge: 'first' },
    scale: { correction: 'scale' },
    'first-scale': { correction: 'scale', merge: 'first' },
    d10: { correction: 'low-rank', delta: 0.1 },
    d25: { correction: 'low-rank' },
    'first-d25': { correction: 'low-rank', merge: 'first' },
    'attention-d25': { correction: 'low-rank', share: 'attention' },
    'l5-d25': { correction: 'low-rank', layers: 5 },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { layers: size, merge, share, correction, delta } = params;
    requireSeveralLayers(model);
    const { layers } = model.roles;
    const groups = neighbouringLayers(layers.length, Math.ceil(layers.length / size));
    note(`layers that share: ${groups.map((group) => group.join(' ')).join(', ')}`);
    const linears = tiedLinears(model, groups, share);
    const tied = withTiedWeights(model, linears, merge);
    signal.throwIfAborted();
    if (correction === 'none') return tied;
    // A layer that kept its own weights is not corrected: only its inputs differ, and a correction takes space.
    const corrected = new Set(
      linears.flatMap((group) => (merge === 'first' ? group.slice(1) : group)).map(({ role }) => role),
    );
    const left: string[] = [];
    const whole = await rebuildLayers({
      dense: model,
      compressed: tied,
      layers: layers.map((dense, at) => ({ dense, compressed: tied.roles.layers[at] as typeof dense })),
      examples: calibration.examples,
      signal,
      progress,
      chosen: ({ role }) => corrected.has(role),
      async rebuild(current, linear, moments) {
        const problem = { ...linear, ...moments, weight: tied.weight(linear) };
        if (correction === 'scale') return withScales(current, linear, await outputScales(problem));
        const rank = rankFor(linear, delta);
        if (rank !== undefined) return withCorrection(current, linear, await lowRankCorrection(problem, rank));
        left.push(linear.role);
        return current;
      },
    });
    if (left.length > 0) note(`without a correction, since even rank 1 is not smaller: ${left.join(', ')}`);
    return whole;
  },
});

export interface CorrectionProblem extends Reconstruction, Pick<LinearRole, 'role' | 'inFeatures' | 'outFeatures'> {
  /** W', [in, out] */
  readonly weight: Float32Array;
}

/** a_j, [out]; 1 for an output that is always zero. */
export async function outputScales({
  weight,
  moment,
  cross,
  inFeatures,
  outFeatures,
}: CorrectionProblem): Promise<Float32Array> {
  const tied = Float64Array.from(weight);
  const shape = { rows: inFeatures, inner: inFeatures, columns: outFeatures };
  const spread = await matmul({ left: moment, right: tied, ...shape }); // Σ xᵀ (x W'), [in, out]
  return Float32Array.from({ length: outFeatures }, (_, j) => {
    let [agreement, energy] = [0, 0];
    for (let at = j; at < tied.length; at += outFeatures) {
      agreement += tied[at]! * cross[at]!;
      energy += tied[at]! * spread[at]!;
    }
    return energy > 0 ? agreement / energy : 1;
  });
}

/** The A and B that minimize Σ ‖x (W' + A B) − t‖². */
export async function lowRankCorrection(problem: CorrectionProblem, rank: number): Promise<Factors> {
  const { weight, moment, inFeatures, outFeatures } = problem;
  const best = await rebuiltWeight({ ...problem, hold: HOLD });
  return truncateWhitened({
    weight: best.map((value, at) => value - weight[at]!),
    shape: { inFeatures, outFeatures },
    secondMoment: moment,
    damping: HOLD,
    rank,
    where: problem.role,
  });
}

function withScales(model: Model, { output, node }: LinearRole, scales: Float32Array): Model {
  const w = extendModel(model.onnx, `${node}.`);
  const factor = w.initializer(`${node}.scales`, tensorOf('float32', [scales.length], scales));
  w.wrap(output, (inner) => w.mul(inner, factor));
  return finished(model, w.finish());
}

function withCorrection(model: Model, linear: LinearRole, { rank, down, up }: Factors): Model {
  const { node, input, output, inFeatures, outFeatures } = linear;
  const w = extendModel(model.onnx, `${node}.`);
  const a = w.initializer(`${node}.correction_a`, tensorOf('float32', [inFeatures, rank], down));
  const b = w.initializer(`${node}.correction_b`, tensorOf('float32', [rank, outFeatures], up));
  w.wrap(output, (inner) => w.add(inner, w.matmul(w.matmul(input, a), b)));
  return finished(model, w.finish());
}

function finished(model: Model, onnx: Model['onnx']): Model {
  return model.withOnnx({ ...onnx, graph: foldIdentities(onnx.graph) });
}
