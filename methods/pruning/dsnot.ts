/**
 * DSnoT: starts from a pruned layer and exchanges pruned and kept weights of each output until the mean of the output
 * is restored.
 * Zhang et al. 2024, https://arxiv.org/abs/2310.08915, Algorithm 1; https://github.com/zyxxmu/DSnoT
 *   ε = Σ_i over pruned W_i E[X_i]                             the error of the output's mean
 *   restored: the pruned i of largest sign(ε) · W_i E[X_i] / Var[X_i]                          equation 3
 *   removed:  the kept i of smallest |W_i| ‖X_i‖₂ among those with sign(ε) · W_i E[X_i] < 0    equation 4
 * As in the authors' code, exchanges for an output end once |ε| is small, after a maximum number of them, or when no
 * candidate is left; with N:M the removed weight is from the group of the restored one, and ε may not change sign. Each
 * block sees the outputs of the pruned blocks before it.
 * On small models it can lose to its start: the mean is a small part of the error of an output there, and an exchange
 * that restores it raises the rest.
 */
import * as v from 'valibot';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { positionCount } from '../../engine/calibrate/input-statistics.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { WeightShape } from '../shared/formats/matmul-nbits.ts';
import {
  type Mask,
  outputMask,
  patternCounts,
  patternMask,
  type Sparsity,
  sparsityParameter,
} from '../shared/solvers/sparsity.ts';

export default defineMethod({
  id: 'dsnot',
  family: 'pruning',
  access: 'calibrated',
  revision: 2,
  description:
    'Starts from the weights that wanda or magnitude would prune and exchanges some of them for others, so that each output of a layer keeps its mean on calibration data. ' +
    'It changes which weights are zero but not the values of the others, so it costs little more than wanda. ' +
    'Embedding, norms and output layer stay as they are; zeros save space only when the file is compressed, and no time.',
  paper: {
    title: 'Dynamic Sparse No Training: Training-Free Fine-tuning for Sparse LLMs',
    authors:
      'Yuxin Zhang, Lirui Zhao, Mingbao Lin, Yunyun Sun, Yiwu Yao, Xingjia Han, Jared Tanner, Shiwei Liu, Rongrong Ji',
    year: 2024,
    url: 'https://arxiv.org/abs/2310.08915',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    sparsity: sparsityParameter,
    start: v.optional(
      v.pipe(v.picklist(['wanda', 'magnitude']), v.description('The method whose choice of weights is improved.')),
      'wanda',
    ),
    exchanges: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.maxValue(1),
        v.description(
          'Maximum number of exchanges for each output, as a share of its inputs; the authors use 50 for 4096 inputs.',
        ),
      ),
      50 / 4096,
    ),
    threshold: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.description('Exchanges for an output end when the error of its sum over 2048 positions is below this.'),
      ),
      0.1,
    ),
  }),
  variants: {
    s30: { sparsity: 0.3 },
    s50: { sparsity: 0.5 },
    s60: { sparsity: 0.6 },
    s70: { sparsity: 0.7 },
    's50-magnitude': { sparsity: 0.5, start: 'magnitude' },
    's70-magnitude': { sparsity: 0.7, start: 'magnitude' },
    '2-of-4': { sparsity: '2:4' },
  },

  compress(model, { params, calibration, signal, progress }) {
    const count = positionCount(calibration.examples);
    return compressLayerByLayer({
      model,
      examples: calibration.examples,
      statistics: ['sum', 'square-sum'],
      signal,
      progress,
      compressLinear(linear, weight, statistics) {
        const squares = statistics.of('square-sum').map((sum) => sum / count);
        const means = statistics.of('sum').map((sum) => sum / count);
        const variances = squares.map((square, i) => square - means[i]! ** 2);
        const mask = exchanged(weight, { ...linear, ...params, means, variances, norms: squares.map(Math.sqrt) });
        return weight.map((value, at) => (mask[at] === 0 ? 0 : value));
      },
    });
  },
});

export interface ExchangeOptions extends WeightShape {
  /** Statistics of the inputs, [in] each: mean, variance, and root mean square. */
  readonly means: Float64Array;
  readonly variances: Float64Array;
  readonly norms: Float64Array;
  readonly sparsity: Sparsity;
  readonly start: 'wanda' | 'magnitude';
  /** Share of the inputs. */
  readonly exchanges: number;
  readonly threshold: number;
}

/** Positions per sequence in the paper, to which the threshold refers. */
const POSITIONS = 2048;

/** weight: [in, out] → 1 where an element is kept, [in, out]. */
export function exchanged(weight: Float32Array, options: ExchangeOptions): Mask {
  const { outFeatures, norms, sparsity, start } = options;
  const sizes = Float64Array.from(weight, (value, at) => Math.abs(value) * norms[Math.floor(at / outFeatures)]!);
  const scores = start === 'wanda' ? sizes : weight.map(Math.abs);
  const mask =
    typeof sparsity === 'string' ? patternMask(scores, options, sparsity) : outputMask(scores, options, sparsity);
  const goes = typeof sparsity === 'string' ? scores : sizes;
  for (let output = 0; output < outFeatures; output++) exchangeOutput(weight, mask, { ...options, output, goes });
  return mask;
}

interface OutputOptions extends ExchangeOptions {
  readonly output: number;
  /** The score by which the weight to remove is smallest, [in, out]. */
  readonly goes: ArrayLike<number>;
}

/** Each weight is exchanged at most once. Writes into `mask`. */
function exchangeOutput(weight: Float32Array, mask: Mask, options: OutputOptions): void {
  const { inFeatures, outFeatures, output, goes, means, variances, sparsity, threshold } = options;
  const exchanges = Math.round(options.exchanges * inFeatures);
  const group = typeof sparsity === 'string' ? patternCounts(sparsity).of : undefined;
  const at = (input: number) => input * outFeatures + output;
  const gifts = means.map((mean, input) => weight[at(input)]! * mean); // [in], the mean contribution of each weight
  const settled = new Uint8Array(inFeatures);
  const stays = (input: number) => mask[at(input)] === 1;
  let error = 0;
  for (let input = 0; input < inFeatures; input++) if (!stays(input)) error += gifts[input]!;
  const firstSign = Math.sign(error);
  for (let exchange = 0; exchange < exchanges && Math.abs(error) * POSITIONS > threshold; exchange++) {
    const sign = Math.sign(error);
    const [back, gain] = best(inFeatures, (input) =>
      stays(input) || settled[input] === 1 ? 0 : (sign * gifts[input]!) / variances[input]!,
    );
    if (!(gain > 0)) return;
    const first = group === undefined ? 0 : back - (back % group);
    const end = group === undefined ? inFeatures : Math.min(first + group, inFeatures);
    const [out, size] = best(end, (input) => {
      const isCandidate = input >= first && stays(input) && settled[input] === 0;
      return isCandidate && (group !== undefined || sign * gifts[input]! < 0) ? -goes[at(input)]! : -Infinity;
    });
    if (size === -Infinity) return;
    const after = error + gifts[out]! - gifts[back]!;
    if (group !== undefined && Math.sign(after) !== firstSign) return;
    [mask[at(back)], mask[at(out)]] = [1, 0];
    settled[back] = settled[out] = 1;
    error = after;
  }
}

/** The index below `count` with the highest score, the first of equal ones, and its score. */
function best(count: number, score: (candidate: number) => number): readonly [candidate: number, score: number] {
  let [found, highest] = [0, -Infinity];
  for (let candidate = 0; candidate < count; candidate++) {
    const value = score(candidate);
    if (value > highest) [found, highest] = [candidate, value];
  }
  return [found, highest];
}
