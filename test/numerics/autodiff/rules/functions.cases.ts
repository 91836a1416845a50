/** Functions of one variable, GELU and its kin. */
import { float, string } from '../../../../numerics/onnx/attributes.ts';
import type { Random } from '../../../../numerics/tensor/random.ts';
import type { GradientCase } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const positive = (...dims: readonly number[]) => ({ dims, fill: (random: Random) => 0.5 + 2 * random.next() });
const apart = (...dims: readonly number[]) => ({
  dims,
  fill: (random: Random) => (random.next() < 0.5 ? -1 : 1) * (0.3 + random.next()),
});
const gaussian = (...dims: readonly number[]) => dims;

const unaries = (
  of: (...dims: readonly number[]) => GradientCase['inputs'][number],
  double = true,
): readonly GradientCase[] => [
  ...(double
    ? ([
        { name: 'matrix', inputs: [of(2, 3)] },
        { name: 'scalar', inputs: [of()] },
      ] as const)
    : []),
  { name: 'float32', inputs: [of(2, 3)], dtype: 'float32' },
  { name: 'float32, opset 13', inputs: [of(2, 2)], opset: 13, dtype: 'float32' },
];

export const functions: Cases = {
  Cos: unaries(gaussian),
  Erf: unaries(gaussian, false),
  Exp: unaries(gaussian),
  LeakyRelu: [
    { name: 'default', inputs: [apart(2, 3)], dtype: 'float32' },
    { name: 'alpha', inputs: [apart(5)], attributes: { alpha: float(0.3) }, dtype: 'float32' },
  ],
  Log: unaries(positive),
  Relu: unaries(apart),
  Sigmoid: unaries(gaussian),
  Sin: unaries(gaussian),
  Softplus: unaries(gaussian, false),
  Tanh: unaries(gaussian),

  Gelu: [
    { name: 'exact', inputs: [[3, 4]], dtype: 'float32' },
    { name: 'tanh', inputs: [[3, 4]], attributes: { approximate: string('tanh') }, dtype: 'float32' },
    { name: 'scalar', inputs: [[]], dtype: 'float32' },
  ],
  'com.microsoft:BiasGelu': [{ name: 'bias', inputs: [[2, 3, 4], [4]], dtype: 'float32' }],
  'com.microsoft:FastGelu': [
    { name: 'no bias', inputs: [[3, 4]], dtype: 'float32' },
    { name: 'bias', inputs: [[2, 3, 4], [4]], dtype: 'float32' },
  ],
  'com.microsoft:Gelu': [{ name: 'exact', inputs: [[3, 4]], dtype: 'float32' }],
  'com.microsoft:QuickGelu': [
    { name: 'default', inputs: [[3, 4]], dtype: 'float32' },
    { name: 'swish', inputs: [[3, 4]], attributes: { alpha: float(1) }, dtype: 'float32' },
  ],
};
