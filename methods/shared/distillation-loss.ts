/**
 * What a student learns from a frozen teacher beside the data, when both stand in one graph:
 *   L = α T² KL(softmax(z_teacher / T) ‖ softmax(z_student / T)) + (1 − α) CE(student, data)
 * Hinton, Vinyals & Dean 2015, https://arxiv.org/abs/1503.02531, section 2.
 */
import * as v from 'valibot';
import type { Model } from '../../harness/contracts/model.ts';
import { logitDistillation, type Loss, weightedLosses } from '../../harness/training/loss.ts';
import { taskLoss } from './fine-tune.ts';

export const distillationParameters = {
  temperature: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.description('T: what logits are divided by on both sides.')),
    2,
  ),
  teacherShare: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.maxValue(1), v.description('α: weight of the teacher in the loss.')),
    0.5,
  ),
} as const;

export function distillationLoss(
  model: Pick<Model, 'kind'>,
  { temperature, teacherShare }: { readonly temperature: number; readonly teacherShare: number },
): Loss {
  const weights = model.kind === 'decoder' ? 'target_weights' : null;
  return weightedLosses([
    { factor: teacherShare, loss: logitDistillation({ temperature, weights }) },
    ...(teacherShare < 1 ? [{ factor: 1 - teacherShare, loss: taskLoss(model) }] : []),
  ]);
}
