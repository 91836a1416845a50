/**
 * Relaxed recursive transformer: one block of layers is run several times, and each pass has its own low-rank
 * correction of every weight. Bae et al. 2024, https://arxiv.org/abs/2410.20672, sections 2.2 to 2.4. With K layers in
 * the block,
 *   h = x W'_(l mod K) + x A_l B_l,   initially A_l B_l = the truncated SVD of W_l − W'_(l mod K)
 * W' is initialized with the mean of the layers it replaces, or with the first of them ("Lower"). Then all are trained.
 * Differs from the paper: biases and norms are not shared; the loss is that of the task, without the paper's
 * distillation; where K does not divide the number of layers, the last pass ends early.
 */
import * as v from 'valibot';
import { UnsupportedError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { foldIdentities } from '../../engine/training/prepare-graph.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { rankFor, truncate } from '../shared/solvers/low-rank.ts';
import { requireSeveralLayers } from '../shared/training/student.ts';
import { cycledLayers, mergeParameter, tiedLinears, withTiedWeights } from '../shared/surgery/tied-weights.ts';

export default defineMethod({
  id: 'recursive-lora',
  family: 'sharing',
  access: 'trained',
  revision: 2,
  description:
    'Runs one block of layers several times over and gives each pass its own low-rank correction, initialized from the error of the shared weights, then fine-tunes both. ' +
    'The file holds the block once plus the corrections; the computation does not shrink. ' +
    'The variants d0 have no corrections and show what sharing alone loses.',
  paper: {
    title: 'Relaxed Recursive Transformers: Effective Parameter Sharing with Layer-wise LoRA',
    authors: 'Sangmin Bae, Adam Fisch, Hrayr Harutyunyan, Ziwei Ji, Seungyeon Kim, Tal Schuster',
    year: 2024,
    url: 'https://arxiv.org/abs/2410.20672',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    times: v.pipe(
      v.number(),
      v.integer(),
      v.minValue(2),
      v.description('Number of times that the block of layers is run.'),
    ),
    delta: v.pipe(
      v.number(),
      v.minValue(0),
      v.ltValue(1),
      v.description('Share of the parameters of each linear layer that its low-rank part may take; 0 for none.'),
    ),
    start: v.optional(mergeParameter, 'average'),
    ...budgetParameters,
  }),
  variants: ladder({
    'x2-d10': { times: 2, delta: 0.1 },
    'x2-d25': { times: 2, delta: 0.25 },
    'x5-d25': { times: 5, delta: 0.25 },
    'x2-d0': { times: 2, delta: 0 },
  }),

  async compress(model, context) {
    const { times, delta, start } = context.params;
    requireSeveralLayers(model);
    const count = model.roles.layers.length;
    const groups = cycledLayers(count, Math.ceil(count / times));
    const tied = withTiedWeights(model, tiedLinears(model, groups, 'all'), start);
    context.note(`layers that share: ${groups.map((group) => group.join(' ')).join(', ')}`);
    const relaxed =
      delta === 0 ? { onnx: tied.onnx, factors: [] } : await relax({ model, tied, delta, signal: context.signal });
    const { parameters } = await fineTune(context, {
      model,
      onnx: relaxed.onnx,
      parameters: [...parameterNames(relaxed.onnx), ...relaxed.factors],
    });
    return tied.withOnnx(withParameters(relaxed.onnx, parameters));
  },
});

export interface Relaxed {
  readonly onnx: OnnxModel;
  /** Initializers of A_l [in, rank] and B_l [rank, out], named after the layer. */
  readonly factors: readonly string[];
}

/** The tied model with low-rank corrections: x W' + (x A_l) B_l. `model` has the original weights. */
export async function relax(options: {
  readonly model: Model;
  readonly tied: Model;
  readonly delta: number;
  readonly signal: AbortSignal;
}): Promise<Relaxed> {
  const { model, tied, delta, signal } = options;
  const w = extendModel(tied.onnx, 'delta/');
  const factors: string[] = [];
  for (const [index, { role, weight, input, output, inFeatures, outFeatures }] of model.linears.entries()) {
    signal.throwIfAborted();
    const shape = { inFeatures, outFeatures };
    const shared = tied.linears[index] as LinearRole;
    const readers = tied.linears.filter((linear) => linear.weight === shared.weight);
    if (readers.length === 1) continue;
    const rank = rankFor(shape, delta);
    if (rank === undefined) {
      throw new UnsupportedError(
        `${model.id}: a low-rank part of ${role} [${inFeatures}, ${outFeatures}] has no fewer parameters than the layer even at rank 1; use a wider model or params.delta 0`,
      );
    }
    const own = model.weight(model.linears[index] as LinearRole);
    const common = tied.weight(shared);
    const { down, up } = await truncate(
      own.map((value, at) => value - common[at]!),
      shape,
      rank,
    );
    const a = w.initializer(`${weight}.delta_a`, tensorOf('float32', [inFeatures, rank], down));
    const b = w.initializer(`${weight}.delta_b`, tensorOf('float32', [rank, outFeatures], up));
    factors.push(a, b);
    w.wrap(output, (inner) => w.add(inner, w.matmul(w.matmul(input, a), b)));
  }
  const { graph, ...rest } = w.finish();
  return { onnx: { ...rest, graph: foldIdentities(graph) }, factors };
}
