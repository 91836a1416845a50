/** Losses between values of student and teacher do not see padding: a longer row, filled up, has the loss of the row itself. */
import { expect, it } from 'vitest';
import { present } from '../../../contracts/present.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import * as losses from '../../../engine/training/loss.ts';
import { sgd } from '../../support/sgd.ts';
import { train } from '../../../engine/training/train.ts';

const [ROW, FILLED, WIDTH, HEADS] = [3, 5, 4, 2];
const random = createRandom('padding');

/** Values [1, …, FILLED, FILLED or WIDTH], and the same without what belongs to padding. */
function draw(ofHeads: boolean) {
  const [outer, columns] = ofHeads ? [HEADS, FILLED] : [1, WIDTH];
  const filled = Float32Array.from({ length: outer * FILLED * columns }, () => random.normal());
  const isKept = (at: number) => Math.floor(at / columns) % FILLED < ROW && (!ofHeads || at % columns < ROW);
  return { filled, row: filled.filter((_, at) => isKept(at)), isKept };
}

async function evaluate(
  loss: losses.Loss,
  {
    student,
    teacher,
    length,
    ofHeads,
  }: { student: Float32Array; teacher: Float32Array; length: number; ofHeads: boolean },
) {
  const dims = ofHeads ? [1, HEADS, length, length] : [1, length, WIDTH];
  const b = createGraphBuilder({ name: 'padding', opset: 21 });
  const mask = b.input('attention_mask', 'int64', [1, length]);
  const weight = b.initializer('student.weight', tensorOf('float32', dims, student));
  const given = b.initializer('teacher', tensorOf('float32', dims, teacher));
  if (ofHeads) {
    const seen = b.cast(b.unsqueeze(mask, [1, 2]), { to: 'bool', name: 'visible' });
    b.where(seen, weight, b.scalar(-1e9), { name: 'student.masked' });
    b.where(seen, given, b.scalar(-1e9), { name: 'teacher.masked' });
  }
  b.output(b.identity(weight, { name: 'value' }), { dtype: 'float32', dims });
  const values = BigInt64Array.from({ length }, (_, at) => (at < ROW ? 1n : 0n));
  const { history, parameters } = await train({
    model: b.build(),
    loss,
    feeds: [
      {
        shapes: { attention_mask: [1, length] },
        at: () => ({ attention_mask: tensorOf('int64', [1, length], values) }),
      },
    ],
    optimizer: sgd(),
    schedule: () => 1,
    steps: 1,
    clipNorm: Infinity,
    threads: 1,
  });
  const after = present(parameters.get('student.weight'), 'student.weight');
  return {
    value: present(history.loss[0], 'loss'),
    gradient: student.map((value, at) => value - present(after[at], 'value')),
  };
}

const mask = 'attention_mask';
const pairs = [['student.weight', 'teacher']] as const;
const masked = [['student.masked', 'teacher.masked']] as const;

it.each([
  ['hidden states', losses.hiddenStateLoss({ pairs, mask }), false],
  ['angles', losses.cosineLoss({ pairs, mask }), false],
  ['relations', losses.relationLoss({ pairs, mask, heads: HEADS }), false],
  ['attention', losses.attentionLoss({ pairs, mask, visible: ['visible'] }), true],
  ['attention distributions', losses.attentionDistributionLoss({ pairs: masked, mask }), true],
] as const)('%s', async (_, loss, ofHeads) => {
  const [student, teacher] = [draw(ofHeads), draw(ofHeads)];
  const filled = await evaluate(loss, { student: student.filled, teacher: teacher.filled, length: FILLED, ofHeads });
  const row = await evaluate(loss, { student: student.row, teacher: teacher.row, length: ROW, ofHeads });
  expect(filled.value).toBeCloseTo(row.value, 5);
  expect(row.value).toBeGreaterThan(1e-2);
  const kept = filled.gradient.filter((_value, at) => student.isKept(at));
  kept.forEach((value, at) => expect(value).toBeCloseTo(present(row.gradient[at], 'gradient'), 5));
  expect(filled.gradient.filter((_value, at) => !student.isKept(at)).every((value) => value === 0)).toBe(true);
});
