/**
 * Low rank plus sparse: W = U V + S, where S keeps whole columns (output neurons) and loses more of them during
 * training.
 * Li et al. 2023 (LoSparse), https://arxiv.org/abs/2306.11222, Algorithm 1; code: https://github.com/yxli2123/LoSparse.
 *   start:       U V the truncated SVD of W, S = W − U V
 *   importance:  of each element |S_ij ∂L/∂S_ij|, smoothed over steps; of a column the mean of its elements
 *   pruning:     the least important columns of all layers together become zero; the share that is kept falls along a cubic
 * The artifact stores U, V, the kept columns of S and their positions.
 * Differs from the paper: a zeroed column stays zero; the steps before, during and after pruning are shares of the
 * budget; AdamW.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { int } from '../../numerics/onnx/attributes.ts';
import { addInitializers, removeDeadCode, replaceNode, withGraph } from '../../numerics/onnx/edit.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { SENSITIVITY, withSensitivity } from '../../engine/training/optimizer.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { foldIdentities } from '../../engine/training/prepare-graph.ts';
import { cubicSchedule } from '../../engine/training/schedule.ts';
import type { Hook } from '../../engine/training/train.ts';
import { budgetParameters, fineTune, stepsOf } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { factorNames, type Factors, keepParameter, productOf, rankFor, truncate } from '../shared/solvers/low-rank.ts';

/** Shares of the steps after which pruning begins and ends. */
const BEGIN_SHARE = 0.1;
const END_SHARE = 0.75;
/** β of the paper's code. */
const SMOOTHING = 0.85;

export default defineMethod({
  id: 'losparse',
  family: 'low-rank',
  access: 'trained',
  revision: 2,
  description:
    'Writes each weight matrix as a low-rank product plus a matrix of which only some columns are kept, and fine-tunes both while it removes the columns to which the loss is least sensitive. ' +
    'The product holds what the outputs share; the columns hold what is specific to a few outputs. ' +
    'Embedding, norms and output layer are trained but not made smaller.',
  paper: {
    title: 'LoSparse: Structured Compression of Large Language Models based on Low-Rank and Sparse Approximation',
    authors: 'Yixiao Li, Yifan Yu, Qingru Zhang, Chen Liang, Pengcheng He, Weizhu Chen, Tuo Zhao',
    year: 2023,
    url: 'https://arxiv.org/abs/2306.11222',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: v.pipe(
      keepParameter,
      v.description('Share of the parameters of the linear layers that both parts together may take.'),
    ),
    lowRank: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.maxValue(1),
        v.description('Share of what is kept that the low-rank part takes; the rest are columns.'),
      ),
      0.25,
    ),
    prunings: v.optional(
      v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Number of times that columns are removed.')),
      20,
    ),
    ...budgetParameters,
  }),
  variants: ladder({
    p75: { keep: 0.75 },
    p50: { keep: 0.5 },
    p25: { keep: 0.25 },
    'p50-half': { keep: 0.5, lowRank: 0.5 },
  }),

  async compress(model, context) {
    const { keep, lowRank, prunings } = context.params;
    const steps = stepsOf(context, model);
    const split: Split[] = [];
    for (const linear of model.linears) {
      context.signal.throwIfAborted();
      split.push(await splitWeight(model, linear, keep * lowRank));
    }
    const columns = keptColumnShare(model, split, keep);
    const { onnx, factors } = withSplitWeights(model, split);
    const sparse = new Map(model.linears.map((linear) => [linear.weight, linear]));
    const { parameters } = await fineTune(context, {
      model,
      onnx,
      parameters: [...parameterNames(onnx), ...factors],
      parameterOptions: (name) => {
        const linear = sparse.get(name);
        return linear ? { mask: new Float32Array(linear.inFeatures * linear.outFeatures).fill(1) } : {};
      },
      observed: (optimizer) => withSensitivity(optimizer, { beta: SMOOTHING }),
      hooks: [pruneColumns({ linears: model.linears, share: columns, prunings, steps })],
    });
    const trained = split.map(({ linear, factors: { rank } }): Split => {
      const [down, up, rest] = [...factorNames(linear), linear.weight].map((name) => parameters.get(name)) as [
        Float32Array,
        Float32Array,
        Float32Array,
      ];
      return { linear, factors: { rank, down, up }, rest };
    });
    return withColumns(model.withOnnx(withParameters(model.onnx, parameters)), trained);
  },
});

/** One layer as U V + S. */
export interface Split {
  readonly linear: LinearRole;
  readonly factors: Factors;
  /** S, [in, out] */
  readonly rest: Float32Array;
}

/** U V: the nearest matrix whose factors take `share` of the layer's parameters, at least rank 1. S = W − U V. */
export async function splitWeight(model: Model, linear: LinearRole, share: number): Promise<Split> {
  const weight = model.weight(linear);
  const rank = rankFor(linear, share);
  if (rank === undefined) {
    throw new UnsupportedError(
      `${model.id}: ${linear.role} [${linear.inFeatures}, ${linear.outFeatures}] has no low-rank part with fewer parameters than the layer, even at rank 1; use a wider model`,
    );
  }
  const factors = await truncate(weight, linear, rank);
  const product = await productOf(factors, linear);
  return { linear, factors, rest: weight.map((value, at) => value - product[at]!) };
}

/** Share of the elements of all S that may be kept so that S and the factors together take at most `keep`. */
function keptColumnShare({ id }: Model, split: readonly Split[], keep: number): number {
  const sum = (of: (part: Split) => number) => split.reduce((total, part) => total + of(part), 0);
  const whole = sum(({ linear: { inFeatures, outFeatures } }) => inFeatures * outFeatures);
  const share = keep - sum(({ linear, factors }) => factors.rank * (linear.inFeatures + linear.outFeatures)) / whole;
  if (share >= 0) return share;
  throw new UnsupportedError(
    `${id}: factors of the lowest rank take ${(100 * (keep - share)).toFixed(1)} % of the parameters of the linear layers, expected at most ${100 * keep} %; raise params.keep`,
  );
}

/** The model that is trained: (x U) V + x S, with S under the name of the weight. `factors`: names of U and V. */
export function withSplitWeights(
  model: Model,
  split: readonly Split[],
): { readonly onnx: OnnxModel; readonly factors: readonly string[] } {
  let rest = model;
  for (const { linear, rest: values } of split) {
    rest = rest.withWeight(linear, tensorOf('float32', [linear.inFeatures, linear.outFeatures], values));
  }
  const w = extendModel(rest.onnx, 'low_rank/');
  const factors = split.flatMap(({ linear, factors: { rank, down, up } }) => {
    const [u, s] = factorNames(linear);
    w.initializer(u, tensorOf('float32', [linear.inFeatures, rank], down));
    w.initializer(s, tensorOf('float32', [rank, linear.outFeatures], up));
    w.wrap(linear.output, (inner) => w.add(inner, w.matmul(w.matmul(linear.input, u), s)));
    return [u, s];
  });
  const { graph, ...others } = w.finish();
  return { onnx: { ...others, graph: foldIdentities(graph) }, factors };
}

/** Removes columns every Δt steps, for the last time at the step where the target share is reached. */
export function pruneColumns(options: {
  readonly linears: readonly LinearRole[];
  readonly share: number;
  readonly prunings: number;
  readonly steps: number;
}): Hook {
  const { linears, share, prunings, steps } = options;
  const begin = Math.floor(BEGIN_SHARE * steps);
  const last = Math.max(begin + 1, Math.floor(END_SHARE * steps));
  const every = Math.max(1, Math.floor((last - begin) / prunings));
  const end = Math.max(every, Math.floor(last / every) * every);
  const shareAt = cubicSchedule({ from: 1, to: share, begin: Math.min(begin, end - 1), end });
  return {
    every,
    run({ step, parameters, moments, setMask }) {
      if (step <= begin && step !== end) return;
      if (step > end) return;
      const sensitivities = moments(SENSITIVITY);
      const layers = linears.map((linear) => ({
        ...linear,
        importance: columnMeans(sensitivities.get(linear.weight) as Float32Array, linear),
        gone: emptyColumns(parameters.get(linear.weight) as Float32Array, linear),
      }));
      const masks = keepColumns(layers, shareAt(step));
      for (const [index, { weight, inFeatures }] of linears.entries()) {
        const kept = masks[index] as Float32Array;
        setMask(
          weight,
          Float32Array.from({ length: inFeatures * kept.length }, (_, at) => kept[at % kept.length]!),
        );
      }
    },
  };
}

type Shape = Pick<LinearRole, 'inFeatures' | 'outFeatures'>;

/** Mean over the inputs, [out]. values: [in, out]. */
function columnMeans(values: Float32Array, { inFeatures, outFeatures }: Shape): Float64Array {
  const means = new Float64Array(outFeatures);
  values.forEach((value, at) => (means[at % outFeatures]! += value / inFeatures));
  return means;
}

/** 1 where a column is entirely zero. */
function emptyColumns(values: Float32Array, { outFeatures }: Shape): Uint8Array {
  const empty = new Uint8Array(outFeatures).fill(1);
  values.forEach((value, at) => {
    if (value !== 0) empty[at % outFeatures] = 0;
  });
  return empty;
}

export interface RankedColumns extends Shape {
  /** [out] */
  readonly importance: Float64Array;
  /** [out]; 1 for a column that is already removed. */
  readonly gone: Uint8Array;
}

/**
 * 1 for each kept column, [out] by layer: the most important of all layers, as many as hold `share` of all elements.
 */
export function keepColumns(layers: readonly RankedColumns[], share: number): readonly Float32Array[] {
  const whole = layers.reduce((sum, { inFeatures, outFeatures }) => sum + inFeatures * outFeatures, 0);
  // The product of a decimal share and a whole number can be slightly too small because of floating-point rounding.
  let room = share * whole + 1e-6;
  const columns = layers.flatMap(({ importance, gone }, layer) =>
    [...importance.keys()]
      .filter((column) => gone[column] === 0)
      .map((column) => ({ layer, column, importance: importance[column]! })),
  );
  const kept = layers.map(({ outFeatures }) => new Float32Array(outFeatures));
  for (const { layer, column } of columns.sort((a, b) => b.importance - a.importance)) {
    room -= (layers[layer] as RankedColumns).inFeatures;
    if (room < 0) break;
    (kept[layer] as Float32Array)[column] = 1;
  }
  return kept;
}

/**
 * The model with each of these layers computed as (x U) V + x S, with the non-zero columns of S only. A Gather puts
 * each computed column at its output; all other outputs read a zero appended at the end.
 */
export function withColumns(model: Model, split: readonly Split[]): Model {
  let { graph } = model.onnx;
  const names = { pads: 'columns.pads', axes: 'columns.axes' };
  graph = addInitializers(graph, {
    [names.pads]: tensorOf('int64', [2], BigInt64Array.of(0n, 1n)),
    [names.axes]: tensorOf('int64', [1], BigInt64Array.of(-1n)),
  });
  for (const { linear, factors, rest } of split) {
    const { node, input, output, weight, inFeatures, outFeatures } = linear;
    const gone = emptyColumns(rest, linear);
    const kept = [...gone.keys()].filter((column) => gone[column] === 0);
    const [u, s] = factorNames(linear);
    const value = (name: string) => `${output}.${name}`;
    const made = (op: string, name: string, inputs: readonly string[], last = false, attributes = {}) =>
      createNode({
        op,
        name: last ? node : `${node}.${name}`,
        inputs,
        outputs: [last ? output : value(name)],
        attributes,
      });
    const nodes = [made('MatMul', 'down', [input, u]), made('MatMul', 'up', [value('down'), s], kept.length === 0)];
    graph = addInitializers(graph, {
      [u]: tensorOf('float32', [inFeatures, factors.rank], factors.down),
      [s]: tensorOf('float32', [factors.rank, outFeatures], factors.up),
    });
    if (kept.length > 0) {
      const [stored, places] = [`${weight}.columns`, `${weight}.places`];
      graph = addInitializers(graph, {
        [stored]: tensorOf('float32', [inFeatures, kept.length], columnsOf(rest, linear, kept)),
        [places]: tensorOf(
          'int32',
          [outFeatures],
          Int32Array.from(gone, (_, column) => kept.indexOf(column)),
        ),
      });
      nodes.push(
        made('MatMul', 'columns', [input, stored]),
        // Index −1 is the last element, the appended zero.
        made('Pad', 'padded', [value('columns'), names.pads, '', names.axes]),
        made('Gather', 'placed', [value('padded'), places], false, { axis: int(-1) }),
        made('Add', 'sum', [value('up'), value('placed')], true),
      );
    }
    graph = replaceNode(graph, node, nodes);
  }
  return model.withOnnx(withGraph(model.onnx, removeDeadCode(graph)));
}

/** [in, out] → [in, kept] */
function columnsOf(values: Float32Array, { inFeatures, outFeatures }: Shape, kept: readonly number[]): Float32Array {
  return Float32Array.from(
    { length: inFeatures * kept.length },
    (_, at) => values[Math.floor(at / kept.length) * outFeatures + kept[at % kept.length]!]!,
  );
}
