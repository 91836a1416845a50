/**
 * Quantization with a low-rank correction of the rounding error beside each layer: y = x Q(W) + (x A) B with A B ≈ E =
 * W − Q(W). Yao et al. 2023 (ZeroQuant-V2), https://arxiv.org/abs/2303.08302, "LoRC": the truncated singular value
 * decomposition of E; Zhang et al. 2024 (LQER), https://arxiv.org/abs/2402.02446, "L²QER": that of S E with S =
 * diag(E|X_j|), so that errors on strong inputs count more.
 * A third weighting uses the full second moment of the inputs (methods/shared/solvers/truncate-whitened.ts), which
 * minimizes the error of the layer's output at the given rank; the same optimum as Zhang et al. 2025 (QERA),
 * https://arxiv.org/abs/2410.06040.
 * Differs from the papers: A and B are stored in float16, grids are those of ONNX Runtime, and each block is corrected
 * for the inputs that the corrected blocks before it produce.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { matmul, thinSvd } from '../../engine/runtime/linear-algebra.ts';
import { toFloat16 } from '../shared/formats/codebook.ts';
import { type Factors, factorsOf } from '../shared/solvers/low-rank.ts';
import { withLowRankBranches } from '../shared/formats/low-rank-branch.ts';
import {
  dequantizeWeight,
  quantizeWeight,
  type QuantizedWeight,
  type WeightShape,
} from '../shared/formats/matmul-nbits.ts';
import { gptqLayer } from '../shared/solvers/gptq-layer.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { truncateWhitened } from '../shared/solvers/truncate-whitened.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

/** Keeps the first factor finite for inputs that were almost always zero. */
const SMALLEST_MAGNITUDE = 1e-6;
const WHITENING_DAMPING = 1e-6;

export default defineMethod({
  id: 'quantize-lowrank-correction',
  family: 'combined',
  access: 'calibrated',
  revision: 2,
  description:
    'Quantizes the weights of the linear layers to few bits and adds a low-rank path beside each layer that restores the part of the rounding error with the largest effect on its outputs. ' +
    'The rank of the path sets the trade-off; it costs bytes and a little time. ' +
    'Token embedding and output layer stay in floating point unless a variant says otherwise (e8).',
  paper: {
    title: 'LQER: Low-Rank Quantization Error Reconstruction for LLMs',
    authors: 'Cheng Zhang, Jianyi Cheng, George A. Constantinides, Yiren Zhao',
    year: 2024,
    url: 'https://arxiv.org/abs/2402.02446',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...weightFormat,
    rank: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Rank of the low-rank path beside each layer.')),
    weighting: v.optional(
      v.pipe(
        v.picklist(['none', 'magnitude', 'second-moment']),
        v.description(
          'Weighting of the error: none, the mean magnitude of each input, or the second moment of the inputs.',
        ),
      ),
      'second-moment',
    ),
    rounding: v.optional(
      v.pipe(
        v.picklist(['nearest', 'gptq']),
        v.description('How the weights are rounded first: to the nearest grid point, or with GPTQ.'),
      ),
      'nearest',
    ),
    damping: dampingParameter,
  }),
  variants: {
    'w4g32-r4': { bits: 4, groupSize: 32, rank: 4 },
    'w4g32-r2-e8': { bits: 4, groupSize: 32, rank: 2, embedding: 'int8' },
    'w3g32-r2': { bits: 3, groupSize: 32, rank: 2 },
    'w3g32-r4': { bits: 3, groupSize: 32, rank: 4 },
    'w3g32-r8': { bits: 3, groupSize: 32, rank: 8 },
    'w3g32-r8-plain': { bits: 3, groupSize: 32, rank: 8, weighting: 'none' },
    'w3g32-r8-magnitude': { bits: 3, groupSize: 32, rank: 8, weighting: 'magnitude' },
    'w3g32-r8-gptq': { bits: 3, groupSize: 32, rank: 8, rounding: 'gptq' },
    'w2g32-r8': { bits: 2, groupSize: 32, rank: 8 },
    'w2g32-r16': { bits: 2, groupSize: 32, rank: 16 },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { activations, embedding, rank, weighting, rounding, damping, ...format } = params;
    const settled: { linear: LinearRole; quantized: QuantizedWeight; factors: Factors }[] = [];
    await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment', 'absolute-sum'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const shape = { inFeatures, outFeatures };
        const moment = statistics.of('second-moment');
        const quantized =
          rounding === 'gptq'
            ? await gptqLayer({ weight, moment, damping, where, signal, ...shape, ...format })
            : quantizeWeight(weight, { ...shape, ...format });
        const rounded = dequantizeWeight(quantized);
        const factors = await correction({
          error: weight.map((value, at) => value - rounded[at]!),
          shape,
          rank: Math.min(rank, inFeatures, outFeatures),
          weighting,
          moment,
          magnitudes: statistics.of('absolute-sum'),
          where,
        });
        settled.push({ linear, quantized, factors });
        const corrected = await productOf(factors, shape);
        return rounded.map((value, at) => value + corrected[at]!);
      },
    });
    return withLowRankBranches(storeQuantized(model, settled, { activations, embedding, note }), settled);
  },
});

export interface CorrectionProblem {
  /** E, [in, out] */
  readonly error: Float32Array;
  readonly shape: WeightShape;
  readonly rank: number;
  readonly weighting: 'none' | 'magnitude' | 'second-moment';
  /** Σ x xᵀ, [in, in] */
  readonly moment: Float64Array;
  /** E|X_j| up to a factor, [in] */
  readonly magnitudes: Float64Array;
  /** Name of the layer, for messages. */
  readonly where: string;
}

/** A and B, as float16 holds them, with A B nearest to E in the chosen weighting. */
export async function correction(problem: CorrectionProblem): Promise<Factors> {
  const { error, shape, rank, weighting, moment, magnitudes, where } = problem;
  if (weighting === 'second-moment') {
    const settings = { weight: error, shape, secondMoment: moment, damping: WHITENING_DAMPING, rank, where };
    return asFloat16(await truncateWhitened(settings));
  }
  const { inFeatures, outFeatures } = shape;
  const largest = Math.max(...magnitudes);
  const s = magnitudes.map((size) => (weighting === 'none' ? 1 : Math.max(size / largest, SMALLEST_MAGNITUDE)));
  const scaled = Float64Array.from(error, (value, at) => value * s[Math.floor(at / outFeatures)]!);
  const decomposed = await thinSvd(scaled, inFeatures, outFeatures);
  const terms = decomposed.s.length;
  const u = decomposed.u.map((value, at) => value / s[Math.floor(at / terms)]!);
  return asFloat16(factorsOf({ ...decomposed, u }, shape, rank));
}

function asFloat16({ rank, down, up }: Factors): Factors {
  return { rank, down: down.map(toFloat16), up: up.map(toFloat16) };
}

/** A B, [in, out] */
function productOf({ rank, down, up }: Factors, { inFeatures, outFeatures }: WeightShape): Promise<Float32Array> {
  return matmul({ left: down, right: up, rows: inFeatures, inner: rank, columns: outFeatures });
}
