/**
 * MiniLM: the student learns the last self-attention module of its teacher: the attention distributions and the
 * relations of values.
 * Wang et al. 2020, https://arxiv.org/abs/2002.10957, section 3, equations 6 to 10:
 *   L = mean over heads and positions of KL(A_teacher ‖ A_student) + the same of VR = softmax(V Vᵀ / √d)
 * As in the paper, distillation is followed by fine-tuning on the task (for a decoder, the next token), in two phases
 * of one budget, and the student's last layer learns from the teacher's last layer. Value relations are computed per
 * key-value head.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import type { LayerRoles, Model } from '../../engine/definitions/model.ts';
import { headsOfLayer } from '../../engine/model/model.ts';
import { attentionDistributionLoss, type Loss, relationLoss, weightedLosses } from '../../engine/training/loss.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import {
  attentionScores,
  biasedOutput,
  paddingMask,
  pairOf,
  requireSameHeads,
} from '../shared/training/distilled-values.ts';
import { fineTune, stepsOf, taskLoss } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { chooseStudent, studentParameters, studentRemark, studentVariants } from '../shared/training/student.ts';
import { trainingPhases } from '../shared/training/training-phases.ts';

export default defineMethod({
  id: 'minilm-style',
  family: 'distillation',
  access: 'trained',
  revision: 2,
  description:
    'Trains a smaller model, cut from the teacher or trained beforehand, so that the attention distribution and the relations between values in its last layer match those of the teacher, and then on the correct answers. ' +
    'Only one layer of the teacher is used, so student and teacher may differ in depth and width. ' +
    'Its control student-no-kd trains the same student for as many steps on the same data without a teacher.',
  paper: {
    title: 'MiniLM: Deep Self-Attention Distillation for Task-Agnostic Compression of Pre-Trained Transformers',
    authors: 'Wenhui Wang, Furu Wei, Li Dong, Hangbo Bao, Nan Yang, Ming Zhou',
    year: 2020,
    url: 'https://arxiv.org/abs/2002.10957',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...studentParameters,
    distillation: v.optional(
      v.pipe(
        v.number(),
        v.gtValue(0),
        v.maxValue(1),
        v.description('Share of the steps that distil; the rest are trained on the task.'),
      ),
      0.5,
    ),
  }),
  variants: {
    ...studentVariants,
    ...ladder({
      'd50-s25': { depth: 0.5, distillation: 0.25 },
    }),
  },

  async compress(teacher, context) {
    const { distillation } = context.params;
    const student = chooseStudent(teacher, context);
    context.note(studentRemark(student, teacher));
    const { parameters } = await fineTune(context, {
      model: teacher,
      onnx: mergeTeacher(student.model.onnx, teacher.onnx),
      ...trainingPhases({
        first: selfAttentionLoss(student.model, teacher),
        second: taskLoss(teacher),
        firstShare: distillation,
        steps: stepsOf(context, teacher),
      }),
    });
    return student.model.withOnnx(withParameters(student.model.onnx, parameters));
  },
});

/** Equation 10 for the last layer of both models. */
export function selfAttentionLoss(student: Model, teacher: Model): Loss {
  const [own, other] = [student, teacher].map(({ roles }) => roles.layers.at(-1) as LayerRoles) as [
    LayerRoles,
    LayerRoles,
  ];
  requireSameHeads(student, teacher);
  const { keyValueHeads } = headsOfLayer(teacher.roles, other);
  const attention = pairOf(attentionScores(student, own).masked, attentionScores(teacher, other).masked);
  const values = pairOf(biasedOutput(student, own.v), biasedOutput(teacher, other.v));
  const mask = paddingMask(teacher);
  return weightedLosses([
    { factor: 1, loss: attentionDistributionLoss({ pairs: [attention], mask }) },
    { factor: 1, loss: relationLoss({ pairs: [values], heads: keyValueHeads, mask }) },
  ]);
}
