/**
 * Knowledge distillation on logits: a student learns from the teacher's softened probabilities as well as from the data.
 * Hinton, Vinyals & Dean 2015, https://arxiv.org/abs/1503.02531, section 2; the loss is methods/shared/training/distillation-loss.ts.
 * The student is the teacher without some of its layers, as in DistilBERT (https://arxiv.org/abs/1910.01108), or a
 * smaller model that was trained beforehand.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import { distillationLoss, distillationParameters } from '../shared/training/distillation-loss.ts';
import { fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import { chooseStudent, studentParameters, studentRemark, studentVariants } from '../shared/training/student.ts';

export default defineMethod({
  id: 'logit-kd',
  family: 'distillation',
  access: 'trained',
  revision: 2,
  description:
    'Trains a smaller model, cut from the teacher or trained beforehand, on two targets: the teacher’s probabilities for all tokens or classes, and the correct answers. ' +
    'The probabilities of the wrong answers carry information that the correct answer alone does not. ' +
    'Its control student-no-kd trains the same student for as many steps on the same data without a teacher.',
  paper: {
    title: 'Distilling the Knowledge in a Neural Network',
    authors: 'Geoffrey Hinton, Oriol Vinyals, Jeff Dean',
    year: 2015,
    url: 'https://arxiv.org/abs/1503.02531',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...studentParameters,
    ...distillationParameters,
  }),
  variants: {
    ...studentVariants,
    ...ladder({
      'd50-t1': { depth: 0.5, temperature: 1 },
      'd50-t4': { depth: 0.5, temperature: 4 },
    }),
  },

  async compress(teacher, context) {
    const { temperature, teacherShare } = context.params;
    const student = chooseStudent(teacher, context);
    context.note(studentRemark(student, teacher));
    const { parameters } = await fineTune(context, {
      model: teacher,
      onnx: mergeTeacher(student.model.onnx, teacher.onnx),
      loss: distillationLoss(teacher, { temperature, teacherShare }),
    });
    return student.model.withOnnx(withParameters(student.model.onnx, parameters));
  },
});
