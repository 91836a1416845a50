/**
 * Three stages: prune, distil, quantize. Layers are removed, or weights are set to zero by SparseGPT; the pruned model
 * is trained to reproduce the dense model; then GPTQ quantizes it, and zeros stay zero.
 * Zafrir et al. 2021 (Prune Once for All), https://arxiv.org/abs/2111.05754: pruning, distillation with a fixed pattern
 * of zeros, and quantization, in this order; Kurtic et al. 2022, https://arxiv.org/abs/2203.07259, section 5.2, drop
 * layers first. The loss is that of methods/shared/training/distillation-loss.ts.
 * Differs from the papers: pruning is one-shot and there is no quantization-aware training, so all training steps are
 * distillation.
 */
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { compressLayerByLayer } from '../../engine/calibrate/layer-by-layer.ts';
import { defineMethod, type TrainedContext } from '../../engine/definitions/method.ts';
import type { LinearRole, Model } from '../../engine/definitions/model.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { distillationLoss, distillationParameters } from '../shared/training/distillation-loss.ts';
import { budgetParameters, fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { gptqLayer } from '../shared/solvers/gptq-layer.ts';
import { dampingParameter } from '../shared/solvers/inverse-factor.ts';
import { dequantizeWeight, type QuantizedWeight } from '../shared/formats/matmul-nbits.ts';
import { sparsegptLayer } from '../shared/solvers/sparsegpt-layer.ts';
import { type Mask, sparsityParameter } from '../shared/solvers/sparsity.ts';
import { chooseStudent, studentParameters, studentRemark } from '../shared/training/student.ts';
import { maskBlockParameter } from '../shared/solvers/sweep-mask.ts';
import { storeQuantized, weightFormat } from '../shared/formats/weight-format.ts';

const params = v.strictObject({
  depth: v.optional(studentParameters.depth),
  sparsity: v.optional(sparsityParameter),
  ...distillationParameters,
  ...weightFormat,
  damping: dampingParameter,
  blockSize: maskBlockParameter,
  ...budgetParameters,
});
type Params = v.InferOutput<typeof params>;

export default defineMethod({
  id: 'prune-distill-quantize',
  family: 'combined',
  access: 'trained',
  revision: 2,
  description:
    'Removes layers or sets weights to zero, trains the remaining model to reproduce the probabilities of the original model, and quantizes it to few bits. ' +
    'It combines three families: pruning, distillation and quantization. ' +
    'Token embedding and output layer are trained but stay in floating point unless a variant says otherwise (e8, e4).',
  paper: {
    title: 'Prune Once for All: Sparse Pre-Trained Language Models',
    authors: 'Ofir Zafrir, Ariel Larey, Guy Boudoukh, Haihao Shen, Moshe Wasserblat',
    year: 2021,
    url: 'https://arxiv.org/abs/2111.05754',
  },
  licence: 'Apache-2.0',
  params,
  variants: ladder({
    'd75-w4g32': { depth: 0.75, bits: 4, groupSize: 32 },
    'd50-w4g32': { depth: 0.5, bits: 4, groupSize: 32 },
    's50-w4g32': { sparsity: 0.5, bits: 4, groupSize: 32 },
    'd75-s50-w4g32': { depth: 0.75, sparsity: 0.5, bits: 4, groupSize: 32 },
    'd75-w4g32-e8': { depth: 0.75, bits: 4, groupSize: 32, embedding: 'int8' },
    'd50-w4g32-e4': { depth: 0.5, bits: 4, groupSize: 32, embedding: 'int4' },
    'd25-w4g32-e4': { depth: 0.25, bits: 4, groupSize: 32, embedding: 'int4' },
    'small-w4g32-e4': { depth: 'smaller', bits: 4, groupSize: 32, embedding: 'int4' },
    's70-w4g32': { sparsity: 0.7, bits: 4, groupSize: 32 },
  }),

  async compress(dense, context) {
    const pruned = await prune(dense, context);
    const { parameters } = await fineTune(context, {
      model: dense,
      onnx: mergeTeacher(pruned.model.onnx, dense.onnx),
      loss: distillationLoss(dense, context.params),
      parameterOptions: (name) => {
        const mask = pruned.masks.get(name);
        return mask === undefined ? {} : { mask: Float32Array.from(mask) };
      },
    });
    const distilled = pruned.model.withOnnx(withParameters(pruned.model.onnx, parameters));
    return quantize({ model: distilled, masks: pruned.masks }, context);
  },
});

export interface Pruned {
  readonly model: Model;
  /** Masks by name of the weight; empty where only layers were removed. */
  readonly masks: ReadonlyMap<string, Mask>;
}

/** The progress bar covers the training only, by far the longest stage. */
const unseen = () => undefined;

async function prune(dense: Model, context: TrainedContext<Params>): Promise<Pruned> {
  const { params, calibration, signal, note, smaller } = context;
  const { depth, sparsity, blockSize, damping } = params;
  if (depth === undefined && sparsity === undefined) {
    throw new InputError('prune-distill-quantize: nothing would be pruned; give depth, sparsity or both');
  }
  const student =
    depth === undefined ? undefined : chooseStudent(dense, { params: { depth }, ...(smaller && { smaller }) });
  if (student !== undefined) note(studentRemark(student, dense));
  const model = student?.model ?? dense;
  if (sparsity === undefined) return { model, masks: new Map() };
  const sparse = await compressLayerByLayer({
    model,
    examples: calibration.examples,
    statistics: ['second-moment'],
    signal,
    progress: unseen,
    compressLinear: ({ role: where, inFeatures, outFeatures }, weight, statistics) => {
      const moment = statistics.of('second-moment');
      const settings = { sparsity, blockSize, damping, where, signal };
      return sparsegptLayer({ weight, moment, inFeatures, outFeatures, ...settings });
    },
  });
  const maskOf = (linear: LinearRole) => Uint8Array.from(sparse.weight(linear), (value) => (value === 0 ? 0 : 1));
  return { model: sparse, masks: new Map(sparse.linears.map((linear) => [linear.weight, maskOf(linear)])) };
}

async function quantize(
  { model, masks }: Pruned,
  { params, calibration, signal, note }: TrainedContext<Params>,
): Promise<Model> {
  const { bits, groupSize, symmetric, damping } = params;
  const settled: { linear: LinearRole; quantized: QuantizedWeight }[] = [];
  await compressLayerByLayer({
    model,
    examples: calibration.examples,
    statistics: ['second-moment'],
    signal,
    progress: unseen,
    async compressLinear(linear, weight, statistics) {
      const { role: where, inFeatures, outFeatures } = linear;
      const mask = masks.get(linear.weight);
      const layer = { weight, moment: statistics.of('second-moment'), inFeatures, outFeatures, ...(mask && { mask }) };
      const quantized = await gptqLayer({ ...layer, bits, groupSize, symmetric, damping, where, signal });
      settled.push({ linear, quantized });
      return dequantizeWeight(quantized);
    },
  });
  return storeQuantized(model, settled, { ...params, note });
}
