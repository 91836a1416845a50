/** What a compressed model that has kept its layers learns from the whole one. */
import * as v from 'valibot';
import type { Model } from '../../harness/contracts/model.ts';
import {
  hiddenStateLoss,
  logitDistillation,
  type Loss,
  taskLoss,
  weightedLosses,
} from '../../harness/training/loss.ts';
import { TEACHER_PREFIX } from '../../harness/training/teacher.ts';

export const distillationParameters = {
  temperature: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.description('What logits of both models are divided by.')),
    2,
  ),
  layerShare: v.optional(
    v.pipe(v.number(), v.minValue(0), v.description('Weight of the squared distance of hidden states in the loss.')),
    0.1,
  ),
} as const;

/** Task and teacher in equal parts, and the hidden states behind every layer; the teacher is merged in by mergeTeacher. */
export function distillationLoss(
  { kind, roles }: Model,
  { temperature, layerShare }: { readonly temperature: number; readonly layerShare: number },
): Loss {
  const pairs = roles.layers.map(({ output }) => [output, TEACHER_PREFIX + output] as const);
  const weights = kind === 'decoder' ? 'target_weights' : null;
  return weightedLosses([
    { factor: 0.5, loss: taskLoss({ kind }) },
    { factor: 0.5, loss: logitDistillation({ temperature, weights }) },
    ...(layerShare > 0 ? [{ factor: layerShare, loss: hiddenStateLoss({ pairs }) }] : []),
  ]);
}
