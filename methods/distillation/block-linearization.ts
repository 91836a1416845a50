/**
 * Replaces attention or feed-forward blocks by linear maps in closed form. The blocks whose output is most nearly
 * linear in their input are replaced, each by the linear map with the least mean square error.
 * Erdogan, Tonin & Cevher 2025 (NBL), https://arxiv.org/abs/2505.21077; x is the input of the block and y what it adds
 * to the stream:
 *   linear minimum mean square error:   W = C_xx⁻¹ C_xy,   b = E y − E x W
 *   the bound that chooses (CCA):       h − Σ ρ²,   ρ the canonical correlations of x and s = stream + y, h the width
 * The authors' code, https://github.com/LIONS-EPFL/NBL, replaces attention blocks, feed-forward blocks, or both.
 * Differs from the paper: the parameter is a share of the blocks instead of their number, and both covariances are
 * damped.
 */
import * as v from 'valibot';
import { residualAfter } from '../../engine/calibrate/reconstruction.ts';
import { type Example, defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { addInitializers, redirectValue, removeDeadCode, replaceNode, withGraph } from '../../numerics/onnx/edit.ts';
import type { Graph } from '../../numerics/onnx/graph.ts';
import { createNode } from '../../numerics/onnx/node.ts';
import { captureValues } from '../../engine/runtime/capture.ts';
import { gram, inverseCholesky, matmul } from '../../engine/runtime/linear-algebra.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';
import { rebuiltWeight } from '../shared/solvers/rebuilt-weight.ts';
import { biasOf, withFloats } from '../shared/surgery/structure.ts';

export default defineMethod({
  id: 'block-linearization',
  family: 'distillation',
  access: 'calibrated',
  revision: 2,
  description:
    'Replaces whole attention or feed-forward blocks by one linear layer each, fitted in closed form to their outputs on calibration text. Blocks whose canonical correlations show them to be most nearly linear are replaced first. ' +
    'It needs no gradients and no training, and the model becomes smaller and faster. ' +
    'The variants -dropped are controls that remove the same blocks without replacement.',
  paper: {
    title: 'Efficient Large Language Model Inference with Neural Block Linearization',
    authors: 'Mete Erdogan, Francesco Tonin, Volkan Cevher',
    year: 2025,
    url: 'https://arxiv.org/abs/2505.21077',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    keep: v.pipe(
      v.number(),
      v.minValue(0),
      v.ltValue(1),
      v.description('Share of the sublayers that stay, rounded to whole ones: not all.'),
    ),
    sublayers: v.optional(
      v.pipe(
        v.picklist(['attention', 'feed-forward', 'all']),
        v.description('Which may be replaced: attention blocks, feed-forward blocks, or both.'),
      ),
      'attention',
    ),
    replacement: v.optional(
      v.pipe(v.picklist(['linear', 'none']), v.description('What replaces them: a linear map, or nothing.')),
      'linear',
    ),
  }),
  variants: {
    a75: { keep: 0.75 },
    a50: { keep: 0.5 },
    a25: { keep: 0.25 },
    f75: { keep: 0.75, sublayers: 'feed-forward' },
    f50: { keep: 0.5, sublayers: 'feed-forward' },
    s50: { keep: 0.5, sublayers: 'all' },
    s25: { keep: 0.25, sublayers: 'all' },
    'a75-dropped': { keep: 0.75, replacement: 'none' },
    'a50-dropped': { keep: 0.5, replacement: 'none' },
  },

  async compress(teacher, { params, calibration: { examples }, signal, note, progress }) {
    const candidates = teacher.roles.layers.flatMap(({ q, o, up, down }): Sublayer[] => [
      ...(params.sublayers === 'feed-forward' ? [] : [{ reader: q, writer: o }]),
      ...(params.sublayers === 'attention' ? [] : [{ reader: up, writer: down }]),
    ]);
    const statistics = await sublayerStatistics(teacher, candidates, { examples, signal });
    progress(0.5);
    const bounds: number[] = [];
    for (const joint of statistics) bounds.push(await nonlinearity(joint));
    const replaced = mostLinear(bounds, params.keep);
    note(
      `replaced, with the bound on their error: ${replaced.map((at) => `${candidates[at]!.writer.role} ${bounds[at]!.toFixed(2)}`).join(', ')}`,
    );
    let { graph } = teacher.onnx;
    for (const [done, at] of replaced.entries()) {
      signal.throwIfAborted();
      const { writer } = candidates[at]!;
      if (params.replacement === 'none') {
        const { skip, sum } = residualAfter(teacher.withOnnx(withGraph(teacher.onnx, graph)), writer);
        graph = redirectValue(graph, sum, skip);
      } else graph = withLinear(graph, candidates[at]!, await linearEstimate(statistics[at]!));
      progress(0.5 + (done + 1) / replaced.length / 2);
    }
    return teacher.withOnnx(withGraph(teacher.onnx, removeDeadCode(graph)));
  },
});

/**
 * An attention or feed-forward block: its first linear layer that reads its input, and the one that computes its
 * output.
 */
export interface Sublayer {
  readonly reader: LinearRole;
  readonly writer: LinearRole;
}

/** Means and covariances of the concatenation of x, y and s = stream + y, each `width` long. */
export interface JointStatistics {
  readonly width: number;
  /** [3 width] */
  readonly mean: Float64Array;
  /** [3 width, 3 width] */
  readonly covariance: Float64Array;
}

/** Computed in one pass over the teacher; sums in float64. */
export async function sublayerStatistics(
  model: Model,
  sublayers: readonly Sublayer[],
  { examples, signal }: { readonly examples: readonly Example[]; readonly signal?: AbortSignal },
): Promise<readonly JointStatistics[]> {
  const { width } = model.roles;
  const size = 3 * width;
  const values = sublayers.map(({ reader, writer }) => [reader.input, writer.output, residualAfter(model, writer).sum]);
  const totals = sublayers.map(() => ({ sum: new Float64Array(size), square: new Float64Array(size * size) }));
  let count = 0;
  await captureValues({
    model: model.onnx,
    values: [...new Set(values.flat())],
    examples,
    async visit(captured) {
      for (const [index, names] of values.entries()) {
        const parts = names.map((name) => elements(captured[name]!, 'float32'));
        const rows = parts[0]!.length / width;
        const joint = new Float64Array(rows * size);
        for (const [part, all] of parts.entries())
          for (let at = 0; at < all.length; at++)
            joint[Math.floor(at / width) * size + part * width + (at % width)] = all[at]!;
        const total = totals[index]!;
        joint.forEach((value, at) => (total.sum[at % size]! += value));
        total.square = await gram(joint, rows, size, total.square);
        if (index === 0) count += rows;
      }
    },
    ...(signal && { signal }),
  });
  return totals.map(({ sum, square }, index) => {
    const mean = sum.map((value) => value / count);
    const covariance = square.map((value, at) => value / count - mean[Math.floor(at / size)]! * mean[at % size]!);
    const { writer } = sublayers[index]!;
    // The captured y has no bias yet; a bias changes no covariance.
    if (writer.bias !== undefined) biasOf(model, writer).forEach((value, at) => (mean[width + at]! += value));
    return { width, mean, covariance };
  });
}

/** Offset of x, y or s in the rows and columns of a covariance. */
function part({ width, covariance }: JointStatistics, row: number, column: number): Float64Array {
  const cut = new Float64Array(width * width);
  for (let i = 0; i < width; i++) {
    const start = (row * width + i) * 3 * width + column * width;
    cut.set(covariance.subarray(start, start + width), i * width);
  }
  return cut;
}

/**
 * Share of the mean variance added to each variance: keeps a covariance invertible where the data spans fewer
 * dimensions than there are features.
 */
const DAMPING = 1e-5;

/** h − Σ ρ², from 0 (s is linear in x) to h; Σ ρ² = ‖L_x⁻¹ C_xs L_s⁻ᵀ‖² with C = L Lᵀ, in any basis. */
export async function nonlinearity(joint: JointStatistics): Promise<number> {
  const { width } = joint;
  const whitening = async (at: number): Promise<Float64Array> => {
    const covariance = part(joint, at, at);
    let trace = 0;
    for (let i = 0; i < width; i++) trace += covariance[i * (width + 1)]!;
    for (let i = 0; i < width; i++) covariance[i * (width + 1)]! += (DAMPING * trace) / width || 1;
    return inverseCholesky(covariance, width);
  };
  const [left, right] = [await whitening(0), await whitening(2)];
  const shape = { rows: width, inner: width, columns: width };
  const half = await matmul({ left, right: part(joint, 0, 2), ...shape });
  const correlations = await matmul({ left: half, right, ...shape, transposeRight: true });
  return width - correlations.reduce((sum, value) => sum + value * value, 0);
}

/**
 * Indices, ascending, of the blocks with the lowest bounds, those to replace when `share` of all is kept; at least one.
 */
export function mostLinear(bounds: readonly number[], keep: number): readonly number[] {
  const count = Math.max(1, bounds.length - Math.round(keep * bounds.length));
  const order = [...bounds.keys()].sort((a, b) => bounds[a]! - bounds[b]! || a - b);
  return order.slice(0, count).sort((a, b) => a - b);
}

export interface LinearEstimate {
  /** [width, width], of x W + b */
  readonly weight: Float32Array;
  /** [width] */
  readonly bias: Float32Array;
}

/** The linear map of x with the least mean square error to y. */
export async function linearEstimate(joint: JointStatistics): Promise<LinearEstimate> {
  const { width, mean } = joint;
  const weight = await rebuiltWeight({
    weight: new Float64Array(width * width),
    moment: part(joint, 0, 0),
    cross: part(joint, 0, 1),
    inFeatures: width,
    outFeatures: width,
    hold: DAMPING,
  });
  const bias = mean.slice(width, 2 * width);
  weight.forEach((value, at) => (bias[at % width]! -= mean[Math.floor(at / width)]! * value));
  return { weight, bias: Float32Array.from(bias) };
}

/** Replaces the writer's product and bias by the linear map; nodes that only the old block used are removed as dead. */
function withLinear(graph: Graph, { reader, writer }: Sublayer, { weight, bias }: LinearEstimate): Graph {
  const width = bias.length;
  const { node, output } = writer;
  const name = `${writer.weight}.linear`;
  const added = addInitializers(graph, { [name]: tensorOf('float32', [width, width], weight) });
  const product = (to: string) => createNode({ op: 'MatMul', name: node, inputs: [reader.input, name], outputs: [to] });
  if (writer.bias !== undefined)
    return withFloats(replaceNode(added, node, [product(output)]), writer.bias, [width], bias);
  const [biasName, between] = [`${name}.bias`, `${output}.product`];
  return replaceNode(addInitializers(added, { [biasName]: tensorOf('float32', [width], bias) }), node, [
    product(between),
    createNode({ op: 'Add', name: `${node}.bias`, inputs: [between, biasName], outputs: [output] }),
  ]);
}
