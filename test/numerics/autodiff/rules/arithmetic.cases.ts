/** Arithmetic, choices, casts and rounding. */
import { int } from '../../../../numerics/onnx/attributes.ts';
import type { Random } from '../../../../numerics/tensor/random.ts';
import { tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { type CaseInput, floats, integers, type GradientCase } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const positive = (...dims: readonly number[]) => ({ dims, fill: (random: Random) => 0.5 + 2 * random.next() });
/** Away from 0 by 0.3 at least. */
const apart = (...dims: readonly number[]) => ({
  dims,
  fill: (random: Random) => (random.next() < 0.5 ? -1 : 1) * (0.3 + random.next()),
});
/** Distinct by 0.5 at least, in random order. */
const distinct = (shift: number, ...dims: readonly number[]) => ({
  dims,
  fill: (random: Random, index: number) => ((index * 7) % 11) + shift + 0.05 * random.next(),
});
const mask = (dims: readonly number[], bits: readonly number[]) =>
  ({ constant: { dtype: 'bool', dims, bytes: Uint8Array.from(bits) } }) as const;

const broadcasts = (of: typeof positive): readonly GradientCase[] => [
  { name: 'same shape', inputs: [of(2, 3), of(2, 3)] },
  { name: 'row', inputs: [of(2, 3), of(3)] },
  { name: 'column on the left', inputs: [of(2, 1), of(4, 2, 3)] },
  { name: 'both broadcast', inputs: [of(2, 1, 3), of(4, 1)] },
  { name: 'scalar', inputs: [of(), of(2, 2)] },
  { name: 'one element', inputs: [of(2, 3), of(1, 1, 1)] },
  { name: 'float32, opset 13', inputs: [of(2, 3), of(3)], opset: 13, dtype: 'float32' },
];
const unaries = (of: typeof positive): readonly GradientCase[] => [
  { name: 'matrix', inputs: [of(2, 3)] },
  { name: 'scalar', inputs: [of()] },
  { name: 'float32, opset 13', inputs: [of(2, 2)], opset: 13, dtype: 'float32' },
];
const variadic = (of: (shift: number, ...dims: readonly number[]) => CaseInput): readonly GradientCase[] => [
  { name: 'one', inputs: [of(0, 2, 3)] },
  { name: 'two, row', inputs: [of(0, 2, 3), of(0.45, 3)] },
  { name: 'three, broadcast', inputs: [of(0, 2, 3), of(0.35, 4, 1, 1), of(0.65)] },
  { name: 'one of two', inputs: [of(0, 2, 3), { dims: [], fill: () => 4.5 }] },
];
const flat = (item: GradientCase): GradientCase => ({ ...item, flat: true });
const steps: readonly GradientCase[] = [flat({ name: 'matrix', inputs: [floats([2, 2], [0.3, -0.7, 1.6, 2.2])] })];
const gaussian = (_: number, ...dims: readonly number[]) => ({ dims, fill: (random: Random) => random.normal() });

export const arithmetic: Cases = {
  Abs: unaries(apart),
  Add: broadcasts(apart),
  Cast: [
    { name: 'to float32', inputs: [[2, 3]], attributes: { to: int(1) }, dtype: 'float32' },
    { name: 'to double', inputs: [[3]], attributes: { to: int(11) } },
  ],
  CastLike: [{ name: 'double', inputs: [[2, 3], { constant: tensorOf('float64', [1], Float64Array.of(1)) }] }],
  Ceil: steps,
  Clip: [
    { name: 'both bounds', inputs: [distinct(-4, 3, 4), floats([], [-2.3]), floats([], [3.4])] },
    { name: 'low alone', inputs: [distinct(-4, 5), floats([], [-0.3])] },
    { name: 'high alone', inputs: [distinct(-4, 5), '', floats([], [0.7])] },
    { name: 'no bound', inputs: [[3]] },
    {
      name: 'float32, opset 13',
      inputs: [distinct(-4, 3, 4), floats([], [-2.3]), floats([], [3.4])],
      opset: 13,
      dtype: 'float32',
    },
  ],
  Div: broadcasts(apart),
  Floor: steps,
  Max: variadic(distinct),
  Mean: variadic(gaussian).map((item) => ({ ...item, dtype: 'float32' })),
  Min: variadic(distinct),
  Mul: broadcasts(apart),
  Neg: unaries(apart),
  Pow: [
    ...broadcasts(positive),
    ...[2, 3, 1, 0, 0.5, -0.5, -1].map((power) => ({
      name: `power ${power}`,
      inputs: [positive(2, 3), { constant: tensorOf('float64', [], Float64Array.of(power)) }],
    })),
    { name: 'negative base, power 3', inputs: [apart(4), { constant: tensorOf('float64', [1], Float64Array.of(3)) }] },
    { name: 'integer exponents', inputs: [apart(3), integers([3], [2, 3, 0])] },
  ],
  Reciprocal: unaries((...dims) => ({ dims, fill: (random) => 1 + random.next() })),
  Round: steps,
  Sign: unaries(apart).map(flat),
  Sqrt: unaries(positive),
  Sub: broadcasts(apart),
  Sum: variadic(gaussian),
  Where: [
    { name: 'same shape', inputs: [mask([2, 2], [1, 0, 0, 1]), [2, 2], [2, 2]] },
    { name: 'all broadcast', inputs: [mask([2, 1], [1, 0]), [3], [4, 1, 1]] },
    {
      name: 'constant in place',
      inputs: [mask([2, 2], [1, 0, 1, 1]), [3, 2, 2], { constant: tensorOf('float64', [], Float64Array.of(-9)) }],
    },
    { name: 'float32, opset 13', inputs: [mask([3], [1, 0, 1]), [2, 3], []], opset: 13, dtype: 'float32' },
  ],
};
