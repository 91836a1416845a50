/**
 * Low rank and few bits: each weight matrix is replaced by two thinner ones with the smallest error of the layer's
 * output, and both are quantized by GPTQ, in which the remaining weights compensate for rounding errors.
 * Wang et al. 2024 (SVD-LLM), https://arxiv.org/abs/2403.07378: the truncation is
 * methods/shared/solvers/truncate-whitened.ts; the factors are quantized by methods/shared/solvers/gptq-layer.ts, a
 * combination that the paper tests too. After the first factor is rounded, the second is refitted by least squares to
 * the outputs of the rounded one, as the paper's closed-form update fits U:
 *   min ‖X W − X Â B‖²  →  B = (Âᵀ H Â)⁻¹ Âᵀ H W,  H = Xᵀ X
 * Differs from the paper: each block is fitted to the outputs of the compressed blocks before it; layers whose factors
 * would not be smaller are only quantized.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole } from '../../engine/definitions/model.ts';
import { matmul, solvePositiveDefinite } from '../../engine/runtime/linear-algebra.ts';
import { gptqLayer } from '../shared/solvers/gptq-layer.ts';
import type { GridFormat } from '../shared/formats/grid.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { type Factors, factorNames, keepParameter, rankFor, withFactors } from '../shared/solvers/low-rank.ts';
import {
  dequantizeWeight,
  type GroupSize,
  quantizeWeight,
  type QuantizedWeight,
  type WeightShape,
} from '../shared/formats/matmul-nbits.ts';
import { truncateWhitened } from '../shared/solvers/truncate-whitened.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

const WHITENING_DAMPING = 1e-6;

export default defineMethod({
  id: 'svd-quantize',
  family: 'combined',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces each weight matrix by the product of two thinner matrices with the smallest output error, and quantizes both to few bits. ' +
    'Weights that are not yet quantized compensate for each rounding error, and the second matrix is refitted to the quantized first. ' +
    'Token embedding and output layer stay in floating point unless a parameter says otherwise.',
  paper: {
    title: 'SVD-LLM: Truncation-aware Singular Value Decomposition for Large Language Model Compression',
    authors: 'Xin Wang, Yu Zheng, Zhongwei Wan, Mi Zhang',
    year: 2024,
    url: 'https://arxiv.org/abs/2403.07378',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: keepParameter,
    ...weightFormat,
    rounding: v.optional(
      v.pipe(
        v.picklist(['nearest', 'gptq']),
        v.description('How factors are rounded: to the nearest grid point, or with GPTQ.'),
      ),
      'gptq',
    ),
    damping: dampingParameter,
  }),
  variants: {
    'p90-w8g32': { keep: 0.9, bits: 8, groupSize: 32 },
    'p75-w8g32': { keep: 0.75, bits: 8, groupSize: 32 },
    'p50-w8g32': { keep: 0.5, bits: 8, groupSize: 32 },
    'p90-w4g32': { keep: 0.9, bits: 4, groupSize: 32 },
    'p75-w4g32': { keep: 0.75, bits: 4, groupSize: 32 },
    'p50-w4g32': { keep: 0.5, bits: 4, groupSize: 32 },
    'p75-w4g32-e4': { keep: 0.75, bits: 4, groupSize: 32, embedding: 'int4' },
    'p50-w4g32-e4': { keep: 0.5, bits: 4, groupSize: 32, embedding: 'int4' },
    'p25-w4g32-e4': { keep: 0.25, bits: 4, groupSize: 32, embedding: 'int4' },
    'p75-w4g32-nearest': { keep: 0.75, bits: 4, groupSize: 32, rounding: 'nearest' },
  },

  async compress(model, { params, calibration, signal, note, progress }) {
    const { activations, embedding, keep, ...options } = params;
    const factored: { linear: LinearRole; compressed: QuantizedFactors }[] = [];
    const whole: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
    await compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['second-moment'],
      signal,
      progress,
      async compressLinear(linear, weight, statistics) {
        const { role: where, inFeatures, outFeatures } = linear;
        const layer = { weight, moment: statistics.of('second-moment'), inFeatures, outFeatures, where, ...options };
        const rank = rankFor(linear, keep);
        if (rank === undefined) {
          const quantized = await rounded(layer);
          whole.push({ linear, quantized });
          return dequantizeWeight(quantized);
        }
        const compressed = await quantizeFactors({ ...layer, rank });
        factored.push({ linear, compressed });
        const { down, up } = compressed.factors;
        return matmul({ left: down, right: up, rows: inFeatures, inner: rank, columns: outFeatures });
      },
    });
    if (whole.length > 0) {
      const roles = whole.map(({ linear }) => linear.role).join(', ');
      note(`only quantized, since even factors of rank 1 are not smaller: ${roles}`);
    }
    const thin = withFactors(
      model,
      factored.map(({ linear, compressed: { factors } }) => ({ linear, factors })),
    );
    const layers = [...whole, ...factored.flatMap(({ linear, compressed }) => factorLayers(linear, compressed))];
    return storeQuantized(thin, layers, { activations, embedding, note });
  },
});

interface Layer extends WeightShape, GridFormat {
  /** [in, out] */
  readonly weight: Float32Array;
  /** Σ x xᵀ, [in, in] */
  readonly moment: Float64Array;
  readonly groupSize: GroupSize;
  readonly rounding: 'nearest' | 'gptq';
  readonly damping: number;
  /** Name of the layer, for messages. */
  readonly where: string;
}

export interface QuantizedFactors {
  readonly down: QuantizedWeight;
  readonly up: QuantizedWeight;
  /** The float32 values of the quantized factors. */
  readonly factors: Factors;
}

export async function quantizeFactors(layer: Layer & { readonly rank: number }): Promise<QuantizedFactors> {
  const { weight, moment, rank, inFeatures, outFeatures, where } = layer;
  const shape = { inFeatures, outFeatures };
  const cut = await truncateWhitened({ weight, shape, secondMoment: moment, damping: WHITENING_DAMPING, rank, where });
  const first = await rounded({ ...layer, weight: cut.down, outFeatures: rank });
  const down = dequantizeWeight(first);
  const inner = await innerMoments(down, layer);
  const refitted = layer.rounding === 'gptq' ? await refit(inner, { rank, outFeatures }) : cut.up;
  const second = await rounded({ ...layer, weight: refitted, moment: inner.moment, inFeatures: rank });
  return { down: first, up: second, factors: { rank, down, up: dequantizeWeight(second) } };
}

async function rounded({ rounding, ...layer }: Layer): Promise<QuantizedWeight> {
  return rounding === 'gptq' ? gptqLayer(layer) : quantizeWeight(layer.weight, layer);
}

interface InnerMoments {
  /** Âᵀ H Â, [rank, rank] */
  readonly moment: Float64Array;
  /** Âᵀ H W, [rank, out] */
  readonly target: Float64Array;
}

/** The inputs of the second factor and its target outputs. down: Â, [in, rank] */
async function innerMoments(
  down: Float32Array,
  { weight, moment, rank, inFeatures, outFeatures }: Layer & { readonly rank: number },
): Promise<InnerMoments> {
  const left = Float64Array.from(down);
  const half = await matmul({
    left,
    right: moment,
    rows: rank,
    inner: inFeatures,
    columns: inFeatures,
    transposeLeft: true,
  }); // Âᵀ H
  const product = (right: Float64Array, columns: number) =>
    matmul({ left: half, right, rows: rank, inner: inFeatures, columns });
  return { moment: await product(left, rank), target: await product(Float64Array.from(weight), outFeatures) };
}

/** B. The diagonal is damped because rounding can make columns of Â linearly dependent. */
async function refit(
  { moment, target }: InnerMoments,
  { rank, outFeatures }: { readonly rank: number; readonly outFeatures: number },
): Promise<Float32Array> {
  const damped = moment.slice();
  let trace = 0;
  for (let r = 0; r < rank; r++) trace += moment[r * (rank + 1)]!;
  for (let r = 0; r < rank; r++) damped[r * (rank + 1)]! += (WHITENING_DAMPING * trace) / rank || 1;
  return Float32Array.from(await solvePositiveDefinite({ a: damped, size: rank, right: target, columns: outFeatures }));
}

/** The two MatMuls with which withFactors replaced a layer, as two linear layers. */
function factorLayers(linear: LinearRole, { down, up, factors }: QuantizedFactors) {
  const { node, output } = linear;
  const [first, second] = factorNames(linear);
  const between = `${output}.rank${factors.rank}`;
  return [
    {
      linear: { ...linear, node: `${node}.down`, weight: first, output: between, outFeatures: factors.rank },
      quantized: down,
    },
    { linear: { ...linear, weight: second, input: between, inFeatures: factors.rank }, quantized: up },
  ];
}
