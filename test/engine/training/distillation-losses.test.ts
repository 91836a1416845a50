/** Losses between values of student and teacher, against PyTorch: test/golden/scripts/distillation.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import {
  attentionDistributionLoss,
  attentionLoss,
  cosineLoss,
  hiddenStateLoss,
  type Loss,
  relationLoss,
} from '../../../engine/training/loss.ts';
import { sgd } from '../../support/sgd.ts';
import { train } from '../../../engine/training/train.ts';
import { largestDifference } from '../../support/run-model.ts';

interface Golden {
  readonly batch: number;
  readonly heads: number;
  readonly sequence: number;
  readonly width: number;
  readonly teacherWidth: number;
  readonly hiddenStudent: readonly number[];
  readonly hiddenTeacher: readonly number[];
  readonly hiddenOther: readonly number[];
  readonly projection: readonly number[];
  readonly scoresStudent: readonly number[];
  readonly scoresTeacher: readonly number[];
  readonly cases: Readonly<Record<string, { readonly value: number; readonly gradient: readonly number[] }>>;
}
const golden = JSON.parse(readFileSync(new URL('../../golden/distillation.json', import.meta.url), 'utf8')) as Golden;
const { batch, heads, sequence, width, teacherWidth } = golden;
const hidden = [batch, sequence, width];
const scores = [batch, heads, sequence, sequence];
const visibleDims = { causal: [1, 1, sequence, sequence], padding: [batch, 1, 1, sequence] };
/** 1 where a position may be seen. */
const visible = {
  causal: Array.from({ length: sequence ** 2 }, (_, at) => (at % sequence <= Math.floor(at / sequence) ? 1 : 0)),
  padding: [1, 1, 1, 1, 1, 1, 0, 0],
};

/** A model whose only parameter is what the student gives; `student.masked` and `teacher.masked` are scores as softmax gets them. */
function model(student: readonly number[], dims: readonly number[], mask: 'causal' | 'padding') {
  const b = createGraphBuilder({ name: 'student', opset: 21 });
  b.input('nothing', 'float32', [1]);
  const floats = (name: string, shape: readonly number[], values: readonly number[]) =>
    b.initializer(name, tensorOf('float32', shape, Float32Array.from(values)));
  const weight = floats('student.weight', dims, student);
  floats('teacher.hidden', [batch, sequence, teacherWidth], golden.hiddenTeacher);
  floats('teacher.other', hidden, golden.hiddenOther);
  floats('projection', [width, teacherWidth], golden.projection);
  const given = floats('teacher.scores', scores, golden.scoresTeacher);
  const seen = b.cast(floats('seen', visibleDims[mask], visible[mask]), { to: 'bool', name: 'visible' });
  if (dims === scores) {
    b.where(seen, weight, b.scalar(-1e9), { name: 'student.masked' });
    b.where(seen, given, b.scalar(-1e9), { name: 'teacher.masked' });
  }
  b.output(b.identity(weight, { name: 'value' }), { dtype: 'float32', dims });
  return b.build();
}

async function evaluate(loss: Loss, student: readonly number[], dims: readonly number[], mask: 'causal' | 'padding') {
  const { history, parameters } = await train({
    model: model(student, dims, mask),
    loss,
    feeds: [{ shapes: { nothing: [1] }, at: () => ({ nothing: tensorOf('float32', [1], new Float32Array(1)) }) }],
    optimizer: sgd(),
    schedule: () => 1,
    steps: 1,
    clipNorm: Infinity,
    threads: 1,
    parameters: ['student.weight'],
  });
  const after = parameters.get('student.weight') as Float32Array;
  return { value: history.loss[0] as number, gradient: student.map((value, at) => value - (after[at] as number)) };
}

const ofHidden = { student: golden.hiddenStudent, dims: hidden, mask: 'causal' } as const;
const ofScores = { student: golden.scoresStudent, dims: scores, mask: 'causal' } as const;
const rawScores = [['student.weight', 'teacher.scores']] as const;
const maskedScores = [['student.masked', 'teacher.masked']] as const;
const cases: readonly (readonly [
  string,
  Loss,
  (
    | typeof ofHidden
    | typeof ofScores
    | { readonly student: readonly number[]; readonly dims: readonly number[]; readonly mask: 'padding' }
  ),
])[] = [
  ['hidden', hiddenStateLoss({ pairs: [['student.weight', 'teacher.hidden']], projections: ['projection'] }), ofHidden],
  ['cosine', cosineLoss({ pairs: [['student.weight', 'teacher.other']] }), ofHidden],
  ['relation', relationLoss({ pairs: [['student.weight', 'teacher.hidden']], heads }), ofHidden],
  ['attention', attentionLoss({ pairs: rawScores }), ofScores],
  ['attention causal', attentionLoss({ pairs: rawScores, visible: ['visible'] }), ofScores],
  ['attention padding', attentionLoss({ pairs: rawScores, visible: ['visible'] }), { ...ofScores, mask: 'padding' }],
  ['distribution causal', attentionDistributionLoss({ pairs: maskedScores }), ofScores],
  ['distribution padding', attentionDistributionLoss({ pairs: maskedScores }), { ...ofScores, mask: 'padding' }],
];

describe('distillation losses against PyTorch', () => {
  it.each(cases)('%s', async (name, loss, { student, dims, mask }) => {
    const expected = golden.cases[name] as Golden['cases'][string];
    const { value, gradient } = await evaluate(loss, student, dims, mask);
    expect(Math.abs(value / expected.value - 1)).toBeLessThan(1e-5);
    const largest = Math.max(...expected.gradient.map(Math.abs));
    expect(largestDifference(gradient, expected.gradient)).toBeLessThan(1e-5 * Math.max(1, largest));
    expect(largest).toBeGreaterThan(1e-3);
  });
});
