/** Softmax, cross-entropy and normalizations. */
import { float, int, string } from '../../../../numerics/onnx/attributes.ts';
import type { CaseInput, GradientCase } from '../../../support/gradient-check.ts';
import { integers } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const softmaxes: readonly GradientCase[] = [
  { name: 'last axis', inputs: [[2, 4]] },
  { name: 'middle axis', inputs: [[2, 3, 2]], attributes: { axis: int(1) } },
  {
    name: 'first axis, float32, opset 13',
    inputs: [[3, 2]],
    attributes: { axis: int(0) },
    opset: 13,
    dtype: 'float32',
  },
];

const labels = (...dims: readonly number[]): CaseInput => ({
  fed: integers(
    dims,
    Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, index) => (index * 5 + 1) % 4),
  ).constant,
});
const weights: CaseInput = {
  constant: { dtype: 'float32', dims: [4], bytes: new Uint8Array(Float32Array.of(0.5, 2, 1, 1.5).buffer) },
};

const losses: readonly GradientCase[] = ['mean', 'sum', 'none'].flatMap((reduction) => {
  const attributes = { reduction: string(reduction) };
  const dtype = 'float32';
  return [
    { name: `${reduction}`, inputs: [[5, 4], labels(5)], attributes, dtype },
    { name: `${reduction}, sequences`, inputs: [[2, 4, 3], labels(2, 3)], attributes, dtype },
    { name: `${reduction}, weights`, inputs: [[5, 4], labels(5), weights], attributes, dtype },
    {
      name: `${reduction}, ignored`,
      inputs: [[5, 4], labels(5)],
      attributes: { ...attributes, ignore_index: int(1) },
      dtype,
    },
    {
      name: `${reduction}, weights, ignored, opset 13`,
      inputs: [[2, 4, 3], labels(2, 3), weights],
      attributes: { ...attributes, ignore_index: int(2) },
      dtype,
      opset: 13,
    },
  ] satisfies readonly GradientCase[];
});
const ignoredOutside: GradientCase = {
  name: 'ignored index outside of the classes',
  inputs: [[4, 4], { fed: integers([4], [2, -100, 0, -100]).constant }],
  attributes: { ignore_index: int(-100) },
  dtype: 'float32',
};

const rms: readonly GradientCase[] = [
  { name: 'last axis', inputs: [[2, 3, 4], [4]], dtype: 'float32' },
  { name: 'epsilon', inputs: [[2, 4], [4]], attributes: { epsilon: float(0.1) }, dtype: 'float32' },
];

export const normalization: Cases = {
  LayerNormalization: [
    { name: 'last axis', inputs: [[2, 3, 4], [4], [4]] },
    { name: 'no shift', inputs: [[3, 4], [4]], attributes: { epsilon: float(0.1) } },
    {
      name: 'two axes',
      inputs: [
        [2, 3, 2],
        [3, 2],
        [3, 2],
      ],
      attributes: { axis: int(1) },
    },
    { name: 'opset 17', inputs: [[2, 4], [4], [4]], opset: 17 },
    { name: 'float32', inputs: [[2, 3, 4], [4], [4]], dtype: 'float32' },
    { name: 'statistics left out', inputs: [[2, 4], [4], [4]], outputs: [true, '', false] },
  ],
  LogSoftmax: softmaxes,
  NegativeLogLikelihoodLoss: [...losses, ignoredOutside],
  RMSNormalization: rms.map((item) => ({ ...item, opset: 23 })),
  SimplifiedLayerNormalization: rms,
  Softmax: softmaxes,
  SoftmaxCrossEntropyLoss: [...losses, ignoredOutside],
  'com.microsoft:SkipLayerNormalization': [
    { name: 'all inputs', inputs: [[2, 3, 4], [2, 3, 4], [4], [4], [4]], dtype: 'float32' },
    { name: 'sum read too', inputs: [[2, 3, 4], [2, 3, 4], [4], [4]], outputs: [true, '', '', true], dtype: 'float32' },
    { name: 'no shift', inputs: [[2, 3, 4], [2, 3, 4], [4]], dtype: 'float32' },
  ],
  'com.microsoft:SkipSimplifiedLayerNormalization': [
    { name: 'bias', inputs: [[2, 3, 4], [2, 3, 4], [4], [4]], dtype: 'float32' },
    { name: 'sum read too', inputs: [[2, 3, 4], [2, 3, 4], [4]], outputs: [true, '', '', true], dtype: 'float32' },
  ],
};
