/** Students of methods that compare hidden values, beside their control, and how far they are from their teacher in them. */
import { expect } from 'vitest';
import type { Method } from '../../engine/definitions/method.ts';
import type { Model } from '../../engine/definitions/model.ts';
import { parameterNames } from '../../engine/training/parameters.ts';
import type { Loss } from '../../engine/training/loss.ts';
import { mergeTeacher } from '../../engine/training/teacher.ts';
import studentNoKd from '../../methods/distillation/student-no-kd.ts';
import { studentOf } from '../../methods/shared/training/student.ts';
import { lossValue } from './loss-value.ts';
import { methodContext, randomExamples } from './method-context.ts';
import { tinyBert, tinyGpt, tinyLlama } from './tiny-model.ts';

export const teachers = [tinyGpt({ layers: 4 }), tinyBert({ layers: 4 }), tinyLlama({ layers: 4 })].map(
  (model) => [model.id, model] as const,
);

/** Half the layers, trained for 40 steps on random tokens. */
const budget = { depth: 0.5, steps: 40, learningRate: 3e-3 };

export async function trainStudent(method: Method, teacher: Model, params: object) {
  const training = randomExamples(teacher, 'what the teacher is asked', { count: 64, length: 32 });
  const made = methodContext({ method, variant: '', params: { ...budget, ...params }, model: teacher, training });
  const { onnx } = await method.compress(teacher, made.context);
  const rows = training.examples.slice(0, 16).map(({ tokens }) => [...tokens]);
  // The student's roles, with what it was trained to.
  return { ...made, rows, student: studentOf(teacher, budget.depth).model.withOnnx(onnx) };
}

/** The loss between a student and its teacher, on token rows of equal length. */
export function distanceTo(
  teacher: Model,
  student: Model,
  loss: Loss,
  rows: readonly (readonly number[])[],
): Promise<number> {
  return lossValue(mergeTeacher(student.onnx, teacher.onnx), loss, rows);
}

/** Expects the method to train the control's student, at its budget, to a distance well below that of the control and of the start. */
export async function expectNearer(
  teacher: Model,
  {
    method,
    params,
    loss,
  }: { readonly method: Method; readonly params: object; readonly loss: (student: Model) => Loss },
): Promise<void> {
  const alone = await trainStudent(studentNoKd, teacher, {});
  const { student, spent, notes, rows } = await trainStudent(method, teacher, params);
  const start = studentOf(teacher, budget.depth).model;
  const reached = await distanceTo(teacher, student, loss(student), rows);
  expect(reached).toBeLessThan(0.8 * (await distanceTo(teacher, start, loss(start), rows)));
  expect(reached).toBeLessThan(0.8 * (await distanceTo(teacher, alone.student, loss(alone.student), rows)));
  expect(spent).toEqual(alone.spent);
  expect(notes).toEqual(['student: layers 0, 3 of 0 to 3']);
  expect(parameterNames(student.onnx)).toEqual(parameterNames(alone.student.onnx));
}
