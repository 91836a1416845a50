/**
 * The control for distillation: the student of logit-kd, with the same initial weights, trained for as many steps on
 * the same batches with the correct answers alone. The difference between logit-kd and this is the effect of the
 * teacher.
 * Sanh et al. 2019, https://arxiv.org/abs/1910.01108, table 4, remove the distillation loss in the same way.
 */
import * as v from 'valibot';
import { defineMethod } from '../../engine/definitions/method.ts';
import { withParameters } from '../../engine/training/parameters.ts';
import { fineTune } from '../shared/training/fine-tune.ts';
import { ladder } from '../shared/training/ladder.ts';
import {
  chooseStudent,
  distillationCost,
  studentParameters,
  studentRemark,
  studentVariants,
} from '../shared/training/student.ts';

export default defineMethod({
  id: 'student-no-kd',
  family: 'distillation',
  access: 'trained',
  revision: 2,
  control: true,
  description:
    'Trains a smaller model, cut from the original model or trained beforehand, on the data alone, with no teacher. ' +
    'It is the control for distillation, which must beat it with the same student and batches; the variants compute train for as many multiplications instead of tokens.',
  paper: {
    title: 'DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter',
    authors: 'Victor Sanh, Lysandre Debut, Julien Chaumond, Thomas Wolf',
    year: 2019,
    url: 'https://arxiv.org/abs/1910.01108',
  },
  licence: 'Apache-2.0',
  params: v.strictObject({
    ...studentParameters,
    equal: v.optional(
      v.pipe(
        v.picklist(['tokens', 'compute']),
        v.description(
          'What equals that of distillation: the training tokens, or the multiplications; with equal multiplications it trains longer, since it runs no teacher.',
        ),
      ),
      'tokens',
    ),
  }),
  variants: {
    ...studentVariants,
    ...ladder({
      'd50-compute': { depth: 0.5, equal: 'compute' },
      'small-compute': { depth: 'smaller', equal: 'compute' },
    }),
  },

  async compress(model, context) {
    const student = chooseStudent(model, context);
    context.note(studentRemark(student, model));
    const { equal, tokens, ...params } = context.params;
    const longer = equal === 'tokens' ? 1 : distillationCost(student.model, model);
    const budget = { ...params, tokens: Math.round(tokens * longer) };
    const { parameters } = await fineTune({ ...context, params: budget }, { model, onnx: student.model.onnx });
    return student.model.withOnnx(withParameters(student.model.onnx, parameters));
  },
});
