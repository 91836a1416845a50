/** Reductions. */
import { int, ints } from '../../../../numerics/onnx/attributes.ts';
import type { Random } from '../../../../numerics/tensor/random.ts';
import { type CaseInput, floats, type GradientCase, integers } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

type Fill = (...dims: readonly number[]) => CaseInput;
const gaussian: Fill = (...dims) => dims;
const positive: Fill = (...dims) => ({ dims, fill: (random: Random) => 0.5 + 2 * random.next() });
const apart: Fill = (...dims) => ({
  dims,
  fill: (random: Random) => (random.next() < 0.5 ? -1 : 1) * (0.3 + random.next()),
});
const distinct: Fill = (...dims) => ({
  dims,
  fill: (random: Random, index: number) => ((index * 7) % 11) * 0.5 + 0.05 * random.next(),
});

const axes = (...values: readonly number[]) => integers([values.length], values);

/** Sums took axes as an input already in opset 13. */
const reductions = (of: Fill, { sum = false } = {}): readonly GradientCase[] => [
  { name: 'last axis', inputs: [of(2, 3), axes(-1)] },
  { name: 'first axis, dropped', inputs: [of(2, 3), axes(0)], attributes: { keepdims: int(0) } },
  { name: 'two axes', inputs: [of(2, 3, 2), axes(0, 2)], attributes: { keepdims: int(0) } },
  { name: 'everything', inputs: [of(2, 3)], attributes: { keepdims: int(0) } },
  { name: 'nothing', inputs: [of(2, 3), ''], attributes: { noop_with_empty_axes: int(1) } },
  sum
    ? { name: 'opset 13', inputs: [of(2, 3), axes(1)], opset: 13 }
    : { name: 'opset 13', inputs: [of(2, 3)], attributes: { axes: ints([-1]), keepdims: int(0) }, opset: 13 },
  { name: 'float32', inputs: [of(2, 3), axes(1)], dtype: 'float32' },
];

/** onnxruntime's double kernels miss some. */
const single = (cases: readonly GradientCase[]): readonly GradientCase[] =>
  cases.map((item) => ({ ...item, dtype: 'float32' }));

export const reduce: Cases = {
  ReduceL1: single(reductions(apart)),
  ReduceL2: single(reductions(positive)),
  ReduceLogSum: single(reductions(positive)),
  ReduceLogSumExp: reductions(gaussian),
  ReduceMax: reductions(distinct),
  ReduceMean: reductions(gaussian),
  ReduceMin: reductions(distinct),
  ReduceProd: [
    ...single(reductions(apart)),
    { name: 'a zero', inputs: [floats([2, 3], [1, 0, 2, 3, 0.5, 2]), axes(1)], dtype: 'float32' },
    { name: 'two zeros', inputs: [floats([2, 3], [0, 0, 2, 3, 0.5, 0]), axes(1)], dtype: 'float32' },
  ],
  ReduceSum: reductions(gaussian, { sum: true }),
  ReduceSumSquare: reductions(gaussian),
};
