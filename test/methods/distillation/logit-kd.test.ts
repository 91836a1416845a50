import { describe, expect, it } from 'vitest';
import type { Method } from '../../../engine/definitions/method.ts';
import { parameterNames } from '../../../engine/training/parameters.ts';
import logitKd from '../../../methods/distillation/logit-kd.ts';
import studentNoKd from '../../../methods/distillation/student-no-kd.ts';
import { methodContext, randomExamples } from '../../support/method-context.ts';
import { logitsOf } from '../../support/run-model.ts';
import { tinyBert, tinyGpt } from '../../support/tiny-model.ts';

const budget = { depth: 0.5, steps: 60, learningRate: 3e-3 };

async function studentBy(method: Method, teacher: ReturnType<typeof tinyGpt>, params: object) {
  const training = randomExamples(teacher, 'what the teacher is asked', { count: 64, length: 32 });
  const made = methodContext({ method, variant: '', params: { ...budget, ...params }, model: teacher, training });
  const student = await method.compress(teacher, made.context);
  const rows = training.examples.slice(0, 16).map(({ tokens }) => [...tokens]);
  return {
    ...made,
    student,
    divergence: divergence(await logitsOf(teacher, rows), await logitsOf(student, rows), teacher),
  };
}

/** Mean KL(teacher ‖ student) in nats. */
function divergence(teacher: Float32Array, student: Float32Array, { kind }: { readonly kind: string }): number {
  const classes = kind === 'encoder' ? 3 : 64;
  const logSoftmax = (logits: Float32Array) => {
    const highest = Math.max(...logits);
    const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0));
    return logits.map((logit) => logit - highest - total);
  };
  let sum = 0;
  for (let at = 0; at < teacher.length; at += classes) {
    const [p, q] = [teacher, student].map((logits) => logSoftmax(logits.subarray(at, at + classes)));
    p?.forEach((value, index) => (sum += Math.exp(value) * (value - (q?.[index] as number))));
  }
  return sum / (teacher.length / classes);
}

describe.each([tinyGpt({ layers: 4 }), tinyBert({ layers: 4 })].map((model) => [model.id, model] as const))(
  'logit-kd and its control on %s',
  (_, teacher) => {
    it('train the same student, and the teacher brings its probabilities closer', async () => {
      const taught = await studentBy(logitKd, teacher, {});
      const alone = await studentBy(studentNoKd, teacher, {});
      const names = (model: typeof teacher) => parameterNames(model.onnx);
      expect(names(taught.student)).toEqual(names(alone.student));
      expect(names(taught.student).length).toBeLessThan(names(teacher).length);
      expect(taught.notes).toEqual(['student: layers 0, 3 of 0 to 3']);
      expect(alone.notes).toEqual(taught.notes);
      expect(alone.spent).toEqual(taught.spent);
      expect(taught.spent.steps).toBe(60);
      expect(taught.divergence).toBeLessThan(0.7 * alone.divergence);
    });
  },
);

describe('logit-kd', () => {
  it('stores no teacher, and is closest with the teacher’s loss alone', async () => {
    const teacher = tinyGpt({ layers: 4 });
    const half = await studentBy(logitKd, teacher, {});
    const whole = await studentBy(logitKd, teacher, { teacherShare: 1 });
    const { nodes, initializers } = whole.student.onnx.graph;
    expect(
      [...nodes.map(({ name }) => name), ...initializers.keys()].filter((name) => name.includes('teacher')),
    ).toEqual([]);
    expect(whole.divergence).toBeLessThan(half.divergence);
  });
});
