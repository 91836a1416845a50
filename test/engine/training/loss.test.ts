import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { createGraphBuilder } from '../../../numerics/onnx/builder.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../numerics/tensor/tensor.ts';
import * as losses from '../../../engine/training/loss.ts';
import { sgd } from '../../support/sgd.ts';
import { train } from '../../../engine/training/train.ts';

const [BATCH, SEQUENCE, CLASSES] = [2, 3, 4];
const DIMS = [BATCH, SEQUENCE, CLASSES];
const ROWS = BATCH * SEQUENCE;
const random = createRandom('loss');
const draw = (count: number) => Float32Array.from({ length: count }, () => 2 * random.normal());
const [student, teacher, offset] = [draw(ROWS * CLASSES), draw(ROWS * CLASSES), draw(CLASSES)];
const logits = student.map((value, at) => value + (offset[at % CLASSES] as number));
const targets = [1, 0, 3, 2, 2, 1];
const weights = [1, 0, 0.5, 2, 1, 0];

/** logits = student + offset, with the offset the only parameter; the teacher's logits beside it. */
function model() {
  const b = createGraphBuilder({ name: 'logits', opset: 21 });
  const x = b.input('x', 'float32', DIMS);
  b.input('teacher', 'float32', DIMS);
  b.output(b.add(x, b.initializer('offset.weight', tensorOf('float32', [CLASSES], offset)), { output: 'logits' }), {
    dtype: 'float32',
    dims: DIMS,
  });
  return b.build();
}

/** The loss's value, and the offset's gradient as a step of descent at rate 1 shows it. */
async function evaluate(loss: losses.Loss) {
  const shapes = { x: DIMS, teacher: DIMS, targets: [BATCH, SEQUENCE], target_weights: [BATCH, SEQUENCE] };
  const feeds = {
    x: tensorOf('float32', DIMS, student),
    teacher: tensorOf('float32', DIMS, teacher),
    targets: tensorOf('int64', shapes.targets, BigInt64Array.from(targets, BigInt)),
    target_weights: tensorOf('float32', shapes.targets, Float32Array.from(weights)),
  };
  const { history, parameters } = await train({
    model: model(),
    loss,
    feeds: [{ shapes, at: () => feeds }],
    optimizer: sgd(),
    schedule: () => 1,
    steps: 1,
    clipNorm: Infinity,
    threads: 1,
  });
  const trained = parameters.get('offset.weight') as Float32Array;
  return {
    value: history.loss[0] as number,
    gradient: Array.from(trained, (value, at) => (offset[at] as number) - value),
    history,
  };
}

function logSoftmax(values: ArrayLike<number>, row: number, temperature = 1): number[] {
  const scores = Array.from({ length: CLASSES }, (_, at) => (values[row * CLASSES + at] as number) / temperature);
  const peak = Math.max(...scores);
  const total = peak + Math.log(scores.reduce((sum, score) => sum + Math.exp(score - peak), 0));
  return scores.map((score) => score - total);
}
const rows = Array.from({ length: ROWS }, (_, row) => row);
const weighted = (of: (row: number) => number) =>
  rows.reduce((sum, row) => sum + (weights[row] as number) * of(row), 0) /
  weights.reduce((sum, weight) => sum + weight, 0);

describe('nextTokenCrossEntropy', () => {
  it('is the weighted mean of -ln p, and so is its gradient', async () => {
    const { value, gradient, history } = await evaluate(losses.nextTokenCrossEntropy());
    expect(value).toBeCloseTo(
      weighted((row) => -(logSoftmax(logits, row)[targets[row] as number] as number)),
      5,
    );
    for (let at = 0; at < CLASSES; at++) {
      const slope = weighted((row) => Math.exp(logSoftmax(logits, row)[at] as number) - (targets[row] === at ? 1 : 0));
      expect(gradient[at]).toBeCloseTo(slope, 5);
    }
    expect(history.metrics.cross_entropy).toEqual(history.loss);
  });

  it('smooths labels and keeps the plain cross-entropy as a metric', async () => {
    const { value, history } = await evaluate(losses.nextTokenCrossEntropy({ labelSmoothing: 0.2 }));
    const hard = weighted((row) => -(logSoftmax(logits, row)[targets[row] as number] as number));
    const even = weighted((row) => -logSoftmax(logits, row).reduce((sum, term) => sum + term, 0) / CLASSES);
    expect(value).toBeCloseTo(0.8 * hard + 0.2 * even, 5);
    expect(history.metrics.cross_entropy?.[0]).toBeCloseTo(hard, 5);
  });
});

describe('logitDistillation', () => {
  it('is T² KL(teacher ‖ student) at the temperature', async () => {
    const T = 3;
    const { value, gradient } = await evaluate(losses.logitDistillation({ teacher: 'teacher', temperature: T }));
    const divergence = weighted((row) => {
      const [p, q] = [logSoftmax(teacher, row, T), logSoftmax(logits, row, T)];
      return p.reduce((sum, term, at) => sum + Math.exp(term) * (term - (q[at] as number)), 0);
    });
    expect(value).toBeCloseTo(T * T * divergence, 4);
    for (let at = 0; at < CLASSES; at++) {
      const slope = weighted(
        (row) =>
          T *
          (Math.exp(logSoftmax(logits, row, T)[at] as number) - Math.exp(logSoftmax(teacher, row, T)[at] as number)),
      );
      expect(gradient[at]).toBeCloseTo(slope, 4);
    }
  });
});

describe('hiddenStateLoss, attentionLoss, relationLoss', () => {
  it('are mean squares of differences', async () => {
    const expected = logits.reduce((sum, value, at) => sum + (value - (teacher[at] as number)) ** 2, 0) / logits.length;
    const pairs = [['logits', 'teacher']] as const;
    expect((await evaluate(losses.hiddenStateLoss({ pairs }))).value).toBeCloseTo(expected, 4);
    expect((await evaluate(losses.attentionLoss({ pairs }))).value).toBeCloseTo(expected, 4);
  });

  it('relations are softmax(x xᵀ / √d) per head', async () => {
    const heads = 2;
    const { value } = await evaluate(losses.relationLoss({ pairs: [['logits', 'teacher']], heads }));
    const width = CLASSES / heads;
    const relation = (x: ArrayLike<number>, batch: number, head: number, from: number): number[] => {
      const at = (token: number, i: number) => x[(batch * SEQUENCE + token) * CLASSES + head * width + i] as number;
      const scores = Array.from(
        { length: SEQUENCE },
        (_, to) =>
          Array.from({ length: width }, (_, i) => at(from, i) * at(to, i)).reduce((sum, term) => sum + term, 0) /
          Math.sqrt(width),
      );
      const total = scores.reduce((sum, score) => sum + Math.exp(score), 0);
      return scores.map((score) => score - Math.log(total));
    };
    let sum = 0;
    for (let batch = 0; batch < BATCH; batch++)
      for (let head = 0; head < heads; head++)
        for (let from = 0; from < SEQUENCE; from++) {
          const [p, q] = [relation(teacher, batch, head, from), relation(logits, batch, head, from)];
          sum += p.reduce((total, term, to) => total + Math.exp(term) * (term - (q[to] as number)), 0);
        }
    expect(value).toBeCloseTo(sum / (BATCH * heads * SEQUENCE), 4);
  });
});

describe('weightedLosses', () => {
  it('sums its parts', async () => {
    const [hard, soft] = [
      losses.nextTokenCrossEntropy(),
      losses.logitDistillation({ teacher: 'teacher', temperature: 2 }),
    ];
    const both = losses.weightedLosses([
      { factor: 0.3, loss: hard },
      { factor: 0.7, loss: soft },
    ]);
    const [a, b, sum] = await Promise.all([evaluate(hard), evaluate(soft), evaluate(both)]);
    expect(sum.value).toBeCloseTo(0.3 * a.value + 0.7 * b.value, 4);
  });

  it('refuses invalid options', () => {
    expect(() => losses.weightedLosses([])).toThrow(InputError);
    expect(() => losses.nextTokenCrossEntropy({ labelSmoothing: 1 })).toThrow(/labelSmoothing/);
    expect(() => losses.logitDistillation({ temperature: 0 })).toThrow(/temperature/);
  });
});
