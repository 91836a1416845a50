/**
 * TinyBERT: distillation of what happens inside, layer by layer, and then of what comes out.
 * Jiao et al. 2020, https://arxiv.org/abs/1909.10351, section 3.1, with student layer m following teacher layer g(m):
 *   attention   MSE(A_m, A_g(m)) of the scores before the softmax, of each head, where they count
 *   hidden      MSE(H_m W, H_g(m)), embedding MSE(E W, E): W [student width, teacher width], learned, where widths differ
 *   prediction  cross-entropy with the teacher's probabilities at temperature 1
 * first the layers (attention, hidden and embedding, all layers alike), then the prediction, in two phases of one budget.
 * Departs from it: the student starts from the teacher's own layers, and a narrower one from the features of the stream with
 * the most energy, where the paper first distils a small model on general text; so g(m) is the layer that m came from. Its
 * data augmentation is left out.
 */
import * as v from 'valibot';
import { defineMethod } from '../../harness/contracts/method.ts';
import type { LayerRoles, Model } from '../../harness/contracts/model.ts';
import type { OnnxModel } from '../../harness/onnx/graph.ts';
import { tensorOf } from '../../harness/tensor/tensor.ts';
import { extendModel } from '../../harness/training/graph-writer.ts';
import {
  attentionLoss,
  hiddenStateLoss,
  type Loss,
  logitDistillation,
  weightedLosses,
} from '../../harness/training/loss.ts';
import { parameterNames, withParameters } from '../../harness/training/parameters.ts';
import { mergeTeacher } from '../../harness/training/teacher.ts';
import { attentionScores, type Pair, pairOf } from '../shared/distilled-values.ts';
import { fineTune } from '../shared/fine-tune.ts';
import { keepFeatures, strongestFeatures } from '../shared/narrowed-stream.ts';
import { studentOf, studentParameters, studentRemark, studentVariants } from '../shared/student.ts';
import { trainingPhases } from '../shared/training-phases.ts';

const PROJECTION = 'projection';

export default defineMethod({
  id: 'tinybert-style',
  family: 'distillation',
  access: 'trained',
  description:
    'Leaves out some of the layers, and features of all layers where a variant says so (w75), and trains the rest to have the attention and hidden states of the whole model, then to give its probabilities. ' +
    'Each layer that stays follows the one it came from. ' +
    'Its control student-no-kd has the same student at full width, steps and data, and no teacher.',
  paper: {
    title: 'TinyBERT: Distilling BERT for Natural Language Understanding',
    authors: 'Xiaoqi Jiao, Yichun Yin, Lifeng Shang, Xin Jiang, Xiao Chen, Linlin Li, Fang Wang, Qun Liu',
    year: 2020,
    url: 'https://arxiv.org/abs/1909.10351',
  },
  params: v.strictObject({
    ...studentParameters,
    width: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.maxValue(1),
        v.description('Share of the features of the residual stream that the student keeps.'),
      ),
      1,
    ),
    layerwise: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0),
        v.maxValue(1),
        v.description('Share of the steps spent on layers; the rest on predictions.'),
      ),
      0.5,
    ),
  }),
  variants: {
    ...studentVariants,
    'd50-w75-n1000': { depth: 0.5, width: 0.75, steps: 1000 },
  },

  async compress(teacher, context) {
    const { depth, width, layerwise, steps } = context.params;
    const { calibration, signal } = context;
    const cut = studentOf(teacher, depth);
    context.note(studentRemark(cut, teacher));
    const count = Math.max(1, Math.round(width * teacher.roles.width));
    const kept =
      count === teacher.roles.width
        ? undefined
        : await strongestFeatures(teacher, { count, examples: calibration.examples, signal });
    const student = kept ? keepFeatures(cut.model, kept) : cut.model;
    if (kept) context.note(`features of the residual stream that stay: ${count} of ${teacher.roles.width}`);
    const merged = mergeTeacher(student.onnx, teacher.onnx);
    const weights = teacher.kind === 'decoder' ? 'target_weights' : null;
    const { parameters } = await fineTune(context, {
      model: teacher,
      onnx: kept ? withProjection(merged, kept, teacher.roles.width) : merged,
      parameters: [...parameterNames(student.onnx), ...(kept ? [PROJECTION] : [])],
      ...trainingPhases({
        first: layerLosses(student, teacher, { map: cut.kept, projected: kept !== undefined }),
        second: logitDistillation({ temperature: 1, weights }),
        firstShare: layerwise,
        steps,
      }),
    });
    return student.withOnnx(withParameters(student.onnx, parameters));
  },
});

/** W, which at first puts each feature of the student where it came from. */
function withProjection(onnx: OnnxModel, kept: readonly number[], width: number): OnnxModel {
  const w = extendModel(onnx, 'projection/');
  const values = new Float32Array(kept.length * width);
  for (const [row, column] of kept.entries()) values[row * width + column] = 1;
  w.initializer(PROJECTION, tensorOf('float32', [kept.length, width], values));
  return w.finish();
}

/** Equations 7 to 9, summed over the layers. `map`: g, the teacher's layer of each of the student's. */
export function layerLosses(
  student: Model,
  teacher: Model,
  { map, projected }: { readonly map: readonly number[]; readonly projected: boolean },
): Loss {
  const layers = student.roles.layers.map((own, m) => ({ own, other: teacher.roles.layers[map[m]] as LayerRoles }));
  const [first] = teacher.roles.layers as readonly [LayerRoles];
  const scores = layers.map(({ own, other }) => ({
    own: attentionScores(student, own),
    other: attentionScores(teacher, other),
  }));
  const attention = scores.map(({ own, other }): Pair => pairOf(own.raw, other.raw));
  const hidden: readonly Pair[] = [
    pairOf((student.roles.layers[0] as LayerRoles).input, first.input),
    ...layers.map(({ own, other }) => pairOf(own.output, other.output)),
  ];
  // Losses are means over their pairs, the paper's are sums.
  return weightedLosses([
    {
      factor: attention.length,
      loss: attentionLoss({ pairs: attention, visible: scores.map(({ own }) => own.visible) }),
    },
    {
      factor: hidden.length,
      loss: hiddenStateLoss({ pairs: hidden, projections: projected ? hidden.map(() => PROJECTION) : [] }),
    },
  ]);
}
