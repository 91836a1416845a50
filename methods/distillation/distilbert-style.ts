/**
 * DistilBERT: a student with every other layer of its teacher, trained on a sum of three losses.
 * Sanh et al. 2019, https://arxiv.org/abs/1910.01108, section 3; weights of the losses as in the authors' training
 * script, https://github.com/huggingface/transformers (examples/research_projects/distillation, --alpha_ce 5
 * --alpha_mlm 2 --alpha_cos 1):
 *   L = 5 T² KL(teacher ‖ student, T = 2) + 2 CE(student, data) + 1 (1 − cos(h_student, h_teacher)),   divided by their sum
 * with h the last hidden states. Differs from the paper: the task is that of the model (next token or class) instead of
 * masked tokens. As in the paper, the student has the width of its teacher.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { cosineLoss, logitDistillation, weightedLosses } from '../../engine/training/loss.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { lastHidden, paddingMask, pairOf } from '../shared/training/distilled-values.ts';
import { budgetParameters, fineTune, taskLoss } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { cutStudentVariants, depthParameter, studentOf, studentRemark } from '../shared/training/student.ts';

const weightParameter = (what: string) =>
  v.pipe(v.number(), v.minValue(0), v.description(`Weight of ${what} before all are divided by their sum.`));

export default defineMethod({
  id: 'distilbert-style',
  family: 'distillation',
  access: 'trained',
  revision: 2,
  description:
    'Keeps about every other layer and trains the student on three losses at once: the probabilities of the teacher, the correct answers, and the direction of the teacher’s last hidden states. ' +
    'The student’s layers start from the weights of the teacher. ' +
    'Its control student-no-kd trains the same student for as many steps on the same data without a teacher.',
  paper: {
    title: 'DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter',
    authors: 'Victor Sanh, Lysandre Debut, Julien Chaumond, Thomas Wolf',
    year: 2019,
    url: 'https://arxiv.org/abs/1910.01108',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    depth: depthParameter,
    ...budgetParameters,
    temperature: v.optional(
      v.pipe(v.number(), v.gtValue(0), v.description('T: temperature that divides the logits of student and teacher.')),
      2,
    ),
    probabilities: v.optional(weightParameter('the divergence from the teacher’s probabilities'), 5),
    task: v.optional(weightParameter('the right answers'), 2),
    direction: v.optional(weightParameter('the angle between last hidden states'), 1),
  }),
  variants: {
    ...cutStudentVariants,
    ...ladder({
      'd50-nocos': { depth: 0.5, direction: 0 },
    }),
  },

  async compress(teacher, context) {
    const { depth, temperature, probabilities, task, direction } = context.params;
    const student = studentOf(teacher, depth);
    context.note(studentRemark(student, teacher));
    const weights = teacher.kind === 'decoder' ? 'target_weights' : null;
    const pairs = [pairOf(lastHidden(student.model), lastHidden(teacher))];
    const parts = [
      { weight: probabilities, loss: logitDistillation({ temperature, weights }) },
      { weight: task, loss: taskLoss(teacher) },
      { weight: direction, loss: cosineLoss({ pairs, mask: paddingMask(teacher) }) },
    ].filter(({ weight }) => weight > 0);
    const sum = parts.reduce((total, { weight }) => total + weight, 0);
    const { parameters } = await fineTune(context, {
      model: teacher,
      onnx: mergeTeacher(student.model.onnx, teacher.onnx),
      loss: weightedLosses(parts.map(({ weight, loss }) => ({ factor: weight / sum, loss }))),
    });
    return student.model.withOnnx(withParameters(student.model.onnx, parameters));
  },
});
