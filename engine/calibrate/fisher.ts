/**
 * Gradients of a loss on calibration examples with respect to weights and units. They score weights and units for
 * pruning; nothing is updated. The Fisher information is the empirical one, from the squared gradients of single
 * examples: its diagonal or, for units, the full matrix (as the gradients themselves). Kunstner et al. 2019,
 * https://arxiv.org/abs/1905.12558, equation 3.
 * Units are attention heads and feed-forward neurons; the output of each is multiplied by a mask variable of value 1:
 * Kwon et al.
 * 2022, https://arxiv.org/abs/2204.09656, section 3.1.
 */
import { gradientGraph } from '../../numerics/autodiff/gradient.ts';
import { UnsupportedError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import type { Example } from '../definitions/method.ts';
import type { LinearRole, Model } from '../definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { runExamples } from '../runtime/capture.ts';
import { elements, type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { tokenBatches } from '../training/batches.ts';
import { extendModel } from '../training/graph-writer.ts';
import { addLoss } from '../training/loss-graph.ts';
import { type Loss, taskLoss } from '../training/loss.ts';

export interface ScoringRun {
  readonly model: Model;
  readonly examples: readonly Example[];
  /** Loss of one example; default: the cross-entropy of the model's own task. */
  readonly loss?: Loss;
  readonly signal?: AbortSignal;
}

export interface WeightRun extends ScoringRun {
  /** Default: all linear layers of the blocks. */
  readonly linears?: readonly LinearRole[];
}

/** Σ over the examples of g², by role, in the layout of the weight [in, out]. Throws UnsupportedError for an encoder whose examples have no label. */
export async function weightFisher({ linears, ...run }: WeightRun): Promise<ReadonlyMap<string, Float64Array>> {
  const scored = (linears ?? run.model.linears).map((linear) => ({
    linear,
    sum: new Float64Array(linear.inFeatures * linear.outFeatures),
  }));
  await exampleGradients({
    ...run,
    onnx: run.model.onnx,
    targets: scored.map(({ linear }) => linear.weight),
    visit(gradients) {
      for (const { linear, sum } of scored) {
        for (const [at, gradient] of present(
          gradients.get(linear.weight),
          `gradient of "${linear.weight}"`,
        ).entries()) {
          sum[at]! += gradient * gradient;
        }
      }
    },
  });
  return new Map(scored.map(({ linear, sum }) => [linear.role, sum]));
}

/** ∂L/∂m of the units of one block, one row per example. */
export interface UnitGradients {
  /** [examples, heads]: for the features that each head passes to the output projection. */
  readonly heads: Float64Array;
  /** [examples, neurons]: for the feature that each feed-forward neuron passes to the down projection. */
  readonly neurons: Float64Array;
}

export interface UnitRun extends ScoringRun {
  /** Features of one head. */
  readonly headWidth: number;
  /** Index of the first block to compute gradients for, default 0; the gradients of earlier blocks stay 0. */
  readonly from?: number;
}

/** By layer. A mask variable over several features gets the sum of their gradients. Throws as weightFisher does. */
export async function unitGradients({ headWidth, from = 0, ...run }: UnitRun): Promise<readonly UnitGradients[]> {
  const { layers } = run.model.roles;
  const asked = layers.slice(from).flatMap(({ o, down }) => [o, down]);
  const count = run.examples.length;
  const rows = layers.map(({ o, down }) => ({
    o,
    down,
    heads: new Float64Array((count * o.inFeatures) / headWidth),
    neurons: new Float64Array(count * down.inFeatures),
  }));
  await exampleGradients({
    ...run,
    onnx: withMasks(run.model.onnx, asked),
    targets: asked.map(maskName),
    visit(gradients, index) {
      for (const { o, down, heads, neurons } of rows.slice(from)) {
        const perHead = o.inFeatures / headWidth;
        gradients
          .get(maskName(o))!
          .forEach((gradient, feature) => (heads[index * perHead + Math.floor(feature / headWidth)]! += gradient));
        neurons.set(gradients.get(maskName(down))!, index * down.inFeatures);
      }
    },
  });
  return rows.map(({ heads, neurons }) => ({ heads, neurons }));
}

/** Σ over rows of the squares of each column: the diagonal of the Fisher information. gradients: [rows, columns]. */
export function diagonalFisher(gradients: Float64Array, columns: number): Float64Array {
  const diagonal = new Float64Array(columns);
  gradients.forEach((gradient, at) => (diagonal[at % columns]! += gradient * gradient));
  return diagonal;
}

const maskName = ({ weight }: LinearRole): string => `${weight}.mask`;

/** The model with the inputs of these layers multiplied by a vector of ones. */
function withMasks(onnx: OnnxModel, linears: readonly LinearRole[]): OnnxModel {
  const w = extendModel(onnx, 'mask/');
  for (const linear of linears) {
    const ones = new Float32Array(linear.inFeatures).fill(1);
    const mask = w.initializer(maskName(linear), tensorOf('float32', [linear.inFeatures], ones));
    w.wrap(linear.input, (inner) => w.mul(inner, mask));
  }
  return w.finish();
}

interface GradientRun extends ScoringRun {
  readonly onnx: OnnxModel;
  /** Initializers. */
  readonly targets: readonly string[];
  /** Receives the gradients of one example's loss by target; examples come in order of length. */
  visit(gradients: ReadonlyMap<string, Float32Array>, index: number): void;
}

/**
 * Lengths are rounded up to a multiple of it, since every length needs a graph of its own. The padding is masked and
 * changes nothing.
 */
const LENGTH_STEP = 64;

async function exampleGradients({ model, onnx, examples, targets, visit, signal, ...run }: GradientRun): Promise<void> {
  const loss = run.loss ?? taskLoss(model);
  for (const [length, group] of byPaddedLength(examples, model.contextLength)) {
    const feedsOf = (index: number) => exampleFeeds(model, examples[index]!, length);
    signal?.throwIfAborted();
    const shapes = Object.fromEntries(Object.entries(feedsOf(group[0]!)).map(([name, { dims }]) => [name, dims]));
    const graph = addLoss(onnx, { inputs: shapes, loss });
    const inputs = Object.fromEntries(graph.feeds.map(({ name, dims }) => [name, dims]));
    const { model: gradients, gradients: names } = gradientGraph({
      model: graph.model,
      inputs,
      loss: graph.loss,
      targets,
    });
    const read = gradients.graph.inputs.map(({ name }) => name);
    await runExamples({
      model: gradients,
      count: group.length,
      feeds(at) {
        const feeds = feedsOf(group[at]!);
        const unfed = read.find((name) => feeds[name] === undefined);
        if (unfed === undefined) return Object.fromEntries(read.map((name) => [name, feeds[name]!]));
        throw new UnsupportedError(
          `${model.id}: the loss to score with asks for "${unfed}", which calibration example ${group[at]} does not give; calibrate on a dataset with labels`,
        );
      },
      visit(outputs, at) {
        const found = targets.map((name) => [name, elements(outputs[names.get(name)!]!, 'float32')] as const);
        visit(new Map(found), group[at]!);
      },
      ...(signal && { signal }),
    });
  }
}

function byPaddedLength(examples: readonly Example[], contextLength: number): ReadonlyMap<number, readonly number[]> {
  const groups = new Map<number, number[]>();
  for (const [index, { tokens, partner }] of examples.entries()) {
    const longest = Math.max(tokens.length, partner?.length ?? 0);
    const length = Math.min(contextLength, Math.ceil(longest / LENGTH_STEP) * LENGTH_STEP);
    const group = groups.get(length);
    if (group === undefined) groups.set(length, [index]);
    else group.push(index);
  }
  return new Map([...groups].sort(([a], [b]) => a - b));
}

/** One example as a batch of one, with the targets of its task's loss. */
function exampleFeeds(model: Model, example: Example, sequence: number): Readonly<Record<string, NumericTensor>> {
  const inputs = (['attention_mask', 'token_type_ids'] as const).filter((name) =>
    model.onnx.graph.inputs.some((input) => input.name === name),
  );
  const examples = { dataset: 'calibration', contentHash: '', examples: [example], tokenCount: example.tokens.length };
  const { label, partner, score } = example;
  const shared = { examples, sequence, seed: 0, inputs };
  if (model.kind === 'embedder' && partner && score !== undefined) {
    return tokenBatches({ ...shared, batch: 2, task: 'similarity' }).at(0);
  }
  const task = model.kind === 'encoder' && label !== undefined ? 'classification' : 'next-token';
  return tokenBatches({ ...shared, batch: 1, task }).at(0);
}
