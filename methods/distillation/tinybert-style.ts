/**
 * TinyBERT: distillation of inner values, layer by layer, then of the predictions.
 * Jiao et al. 2020, https://arxiv.org/abs/1909.10351, section 3.1, with student layer m learning from teacher layer
 * g(m):
 *   attention   MSE(A_m, A_g(m)) of the unmasked scores before the softmax, of each head
 *   hidden      MSE(H_m W, H_g(m)), embedding MSE(E W, E): W [student width, teacher width], learned, where widths differ
 *   prediction  cross-entropy with the teacher's probabilities at temperature 1
 * The layer losses (attention, hidden and embedding, equally weighted) come first, then the prediction loss, in two
 * phases of one budget. Differs from the paper: the student is initialized with layers of the teacher, and a narrower
 * student with the features of the residual stream that have the most energy, whereas the paper first distils a small
 * model on general text; so g(m) is the layer from which m was copied. A smaller pre-trained model is closer to the
 * paper, and its g is evenly spaced. There is no data augmentation.
 */
import { present } from '../../contracts/present.ts';
import * as v from 'valibot';
import { InputError } from '../../contracts/errors.ts';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LayerRoles, Model } from '../../engine/definitions/model.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import type { Random } from '../../numerics/tensor/random.ts';
import { type NumericTensor, tensorOf } from '../../numerics/tensor/tensor.ts';
import { extendModel } from '../../engine/training/graph-writer.ts';
import {
  attentionLoss,
  hiddenStateLoss,
  type Loss,
  logitDistillation,
  weightedLosses,
} from '../../engine/training/loss.ts';
import { parameterNames, withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import {
  attentionScores,
  paddingMask,
  type Pair,
  pairOf,
  requireSameHeads,
} from '../shared/training/distilled-values.ts';
import { fineTune, stepsOf } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { keepFeatures, strongestFeatures } from '../shared/surgery/narrowed-stream.ts';
import {
  chooseStudent,
  spreadLayers,
  studentParameters,
  studentRemark,
  studentVariants,
} from '../shared/training/student.ts';
import { trainingPhases } from '../shared/training/training-phases.ts';

const PROJECTION = 'projection';

export default defineMethod({
  id: 'tinybert-style',
  family: 'distillation',
  access: 'trained',
  revision: 2,
  description:
    'Trains a smaller model, cut from the teacher or trained beforehand, to reproduce the attention scores and hidden states of the teacher, then its probabilities. ' +
    'Each student layer imitates one teacher layer; in the variants w75 the student is also narrower. ' +
    'Its control student-no-kd has the same student at full width, steps and data, and no teacher.',
  paper: {
    title: 'TinyBERT: Distilling BERT for Natural Language Understanding',
    authors: 'Xiaoqi Jiao, Yichun Yin, Lifeng Shang, Xin Jiang, Xiao Chen, Linlin Li, Fang Wang, Qun Liu',
    year: 2020,
    url: 'https://arxiv.org/abs/1909.10351',
  },
  licence: 'Apache-2.0',
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
    ...ladder({
      'd50-w75': { depth: 0.5, width: 0.75 },
    }),
  },

  async compress(teacher, context) {
    const { width, layerwise } = context.params;
    const { calibration, signal, random } = context;
    const chosen = chooseStudent(teacher, context);
    context.note(studentRemark(chosen, teacher));
    if (chosen.kept === null && width !== 1) {
      throw new InputError(
        `tinybert-style: params.width applies only to a student cut from the teacher, got ${width} for a smaller model; omit it`,
      );
    }
    const count = Math.max(1, Math.round(width * teacher.roles.width));
    const kept =
      count === teacher.roles.width
        ? undefined
        : await strongestFeatures(teacher, { count, examples: calibration.examples, signal });
    const student = kept ? keepFeatures(chosen.model, kept) : chosen.model;
    if (kept) context.note(`features of the residual stream that stay: ${count} of ${teacher.roles.width}`);
    const map = chosen.kept ?? spreadLayers(teacher.roles.layers.length, student.roles.layers.length);
    const [from, to] = [student.roles.width, teacher.roles.width];
    const projection = kept ? placing(kept, to) : from === to ? undefined : randomMap(from, { to, random });
    const merged = mergeTeacher(student.onnx, teacher.onnx);
    const weights = teacher.kind === 'decoder' ? 'target_weights' : null;
    const { parameters } = await fineTune(context, {
      model: teacher,
      onnx: projection ? withProjection(merged, projection) : merged,
      parameters: [...parameterNames(student.onnx), ...(projection ? [PROJECTION] : [])],
      ...trainingPhases({
        first: layerLosses(student, teacher, { map, projected: projection !== undefined }),
        second: logitDistillation({ temperature: 1, weights }),
        firstShare: layerwise,
        steps: stepsOf(context, teacher),
      }),
    });
    return student.withOnnx(withParameters(student.onnx, parameters));
  },
});

/** W that maps each feature of the student to the feature it was taken from, [kept, width]. */
function placing(kept: readonly number[], width: number): NumericTensor {
  const values = new Float32Array(kept.length * width);
  for (const [row, column] of kept.entries()) values[row * width + column] = 1;
  return tensorOf('float32', [kept.length, width], values);
}

/** W that preserves the magnitude of features, [from, to]. */
function randomMap(from: number, { to, random }: { readonly to: number; readonly random: Random }): NumericTensor {
  const values = Float32Array.from({ length: from * to }, () => random.normal() / Math.sqrt(from));
  return tensorOf('float32', [from, to], values);
}

function withProjection(onnx: OnnxModel, projection: NumericTensor): OnnxModel {
  const w = extendModel(onnx, 'projection/');
  w.initializer(PROJECTION, projection);
  return w.finish();
}

/** Equations 7 to 9, summed over the layers. `map`: g, the teacher's layer for each layer of the student. */
export function layerLosses(
  student: Model,
  teacher: Model,
  { map, projected }: { readonly map: readonly number[]; readonly projected: boolean },
): Loss {
  requireSameHeads(student, teacher);
  const layers = student.roles.layers.map((own, m) => ({
    own,
    other: present(teacher.roles.layers[present(map[m], `teacher of layer ${m}`)], `layer ${map[m]}`),
  }));
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
  const mask = paddingMask(teacher);
  // The losses of the engine are means over their elements; the paper's are sums.
  return weightedLosses([
    {
      factor: attention.length,
      loss: attentionLoss({ pairs: attention, mask, visible: scores.map(({ own }) => own.visible) }),
    },
    {
      factor: hidden.length,
      loss: hiddenStateLoss({ pairs: hidden, mask, projections: projected ? hidden.map(() => PROJECTION) : [] }),
    },
  ]);
}
