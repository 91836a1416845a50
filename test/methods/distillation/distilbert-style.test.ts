import { describe, expect, it } from 'vitest';
import { cosineLoss, logitDistillation } from '../../../engine/training/loss.ts';
import distilbertStyle from '../../../methods/distillation/distilbert-style.ts';
import { lastHidden, pairOf } from '../../../methods/shared/training/distilled-values.ts';
import { studentOf } from '../../../methods/shared/training/student.ts';
import { distanceTo, expectNearer, teachers, trainStudent } from '../../support/distilled-student.ts';

describe.each(teachers)('distilbert-style of %s', (_, teacher) => {
  const angle = cosineLoss({ pairs: [pairOf(lastHidden(studentOf(teacher, 0.5).model), lastHidden(teacher))] });
  const divergence = logitDistillation({ weights: null });

  it('brings the probabilities nearer to the teacher’s', async () => {
    await expectNearer(teacher, { method: distilbertStyle, params: { task: 0 }, loss: () => divergence });
  });

  it('aligns the last hidden states with the teacher’s, more so with a larger weight', async () => {
    await expectNearer(teacher, {
      method: distilbertStyle,
      params: { probabilities: 0, task: 0.02 },
      loss: () => angle,
    });
    const [without, mostly] = [
      await trainStudent(distilbertStyle, teacher, { direction: 0 }),
      await trainStudent(distilbertStyle, teacher, { direction: 20 }),
    ];
    const reached = await distanceTo(teacher, mostly.student, angle, mostly.rows);
    expect(reached).toBeLessThan(await distanceTo(teacher, without.student, angle, without.rows));
  });
});
