import { describe, expect, it } from 'vitest';
import minilmStyle, { selfAttentionLoss } from '../../../methods/distillation/minilm-style.ts';
import { distanceTo, expectNearer, teachers } from '../../support/distilled-student.ts';

describe.each(teachers)('minilm-style of %s', (_, teacher) => {
  it('brings the last attention and value relations nearer to the teacher’s', async () => {
    await expectNearer(teacher, {
      method: minilmStyle,
      params: { distillation: 1 },
      loss: (student) => selfAttentionLoss(student, teacher),
    });
  });

  it('has loss 0 between a model and itself', async () => {
    const rows = [[1, 9, 17, 4, 33, 60]];
    expect(Math.abs(await distanceTo(teacher, teacher, selfAttentionLoss(teacher, teacher), rows))).toBeLessThan(1e-6);
  });
});
