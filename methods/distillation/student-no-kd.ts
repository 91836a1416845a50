/**
 * The control of distillation: the same student as that of logit-kd, with the same weights at the start, trained for as
 * many steps on the same batches, by the right answers alone. What logit-kd has over it is what the teacher gives.
 * Sanh et al. 2019, https://arxiv.org/abs/1910.01108, table 4 takes the distillation loss away in this manner.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { fineTune } from '../shared/training/fine-tune.ts';
import { chooseStudent, studentParameters, studentRemark, studentVariants } from '../shared/training/student.ts';

export default defineMethod({
  id: 'student-no-kd',
  family: 'distillation',
  access: 'trained',
  revision: 1,
  control: true,
  description:
    'Trains a smaller model, cut from the original model or trained beforehand, on the data alone, with no teacher. ' +
    'It is the control for distillation, which must beat it with the same student, steps and batches.',
  paper: {
    title: 'DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter',
    authors: 'Victor Sanh, Lysandre Debut, Julien Chaumond, Thomas Wolf',
    year: 2019,
    url: 'https://arxiv.org/abs/1910.01108',
  },
  licence: 'Apache-2.0',
  params: v.strictObject(studentParameters),
  variants: studentVariants,

  async compress(model, context) {
    const student = chooseStudent(model, context);
    context.note(studentRemark(student, model));
    const { parameters } = await fineTune(context, { model, onnx: student.model.onnx });
    return student.model.withOnnx(withParameters(student.model.onnx, parameters));
  },
});
