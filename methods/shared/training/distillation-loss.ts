/**
 * The loss of a student with a frozen teacher in the same graph (see mergeTeacher):
 *   L = α T² KL(softmax(z_teacher / T) ‖ softmax(z_student / T)) + (1 − α) CE(student, data)
 * Hinton, Vinyals & Dean 2015, https://arxiv.org/abs/1503.02531, section 2. A student with all layers of its teacher
 * can also be trained on the hidden states after each layer.
 */
import * as v from 'valibot';
import type { Model } from '../../../engine/definitions/model.ts';
import {
  cosineLoss,
  hiddenStateLoss,
  logitDistillation,
  type Loss,
  taskLoss,
  weightedLosses,
} from '../../../engine/training/loss.ts';
import { TEACHER_PREFIX } from '../../../engine/training/teacher.ts';
import { paddingMask } from './distilled-values.ts';

export const distillationParameters = {
  temperature: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.description('T: temperature that divides the logits of student and teacher.')),
    2,
  ),
  teacherShare: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.maxValue(1), v.description('α: weight of the teacher in the loss.')),
    0.5,
  ),
} as const;

/** Parameters of students that keep all layers. */
export const layerDistillationParameters = {
  ...distillationParameters,
  layerShare: v.optional(
    v.pipe(v.number(), v.minValue(0), v.description('Weight of the squared distance of hidden states in the loss.')),
    0.1,
  ),
} as const;

export function distillationLoss(
  model: Pick<Model, 'kind' | 'onnx' | 'roles'>,
  {
    temperature,
    teacherShare,
    layerShare = 0,
  }: { readonly temperature: number; readonly teacherShare: number; readonly layerShare?: number },
): Loss {
  const { kind, roles } = model;
  const pairs = roles.layers.map(({ output }) => [output, TEACHER_PREFIX + output] as const);
  return weightedLosses([
    { factor: teacherShare, loss: outputDistillation(kind, temperature) },
    ...(teacherShare < 1 ? [{ factor: 1 - teacherShare, loss: taskLoss({ kind }) }] : []),
    ...(layerShare > 0 ? [{ factor: layerShare, loss: hiddenStateLoss({ pairs, mask: paddingMask(model) }) }] : []),
  ]);
}

/** For distributions the KL divergence, for an embedder's vectors the angle. */
function outputDistillation(kind: Model['kind'], temperature: number): Loss {
  if (kind === 'embedder') return cosineLoss({ pairs: [['logits', `${TEACHER_PREFIX}logits`]] });
  return logitDistillation({ temperature, weights: kind === 'decoder' ? 'target_weights' : null });
}
