/** Operators that move, cut, join and clear. */
import { int, ints, string } from '../../../../numerics/onnx/attributes.ts';
import { tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { type GradientCase, integers } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const vector = (...values: readonly number[]) => integers([values.length], values);

interface SliceCase {
  readonly dims: readonly number[];
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
}
const FAR = 2 ** 40;
const slice = (name: string, { dims, starts, ends, axes, steps }: SliceCase): GradientCase => ({
  name,
  inputs: [
    dims,
    vector(...starts),
    vector(...ends),
    axes === undefined ? '' : vector(...axes),
    ...(steps === undefined ? [] : [vector(...steps)]),
  ],
});

const pad = (
  name: string,
  dims: readonly number[],
  pads: readonly number[],
  axes?: readonly number[],
): GradientCase => ({
  name,
  inputs: [dims, vector(...pads), '', ...(axes === undefined ? [] : [vector(...axes)])],
});

export const layout: Cases = {
  Concat: [
    {
      name: 'two',
      inputs: [
        [2, 3],
        [2, 2],
      ],
      attributes: { axis: int(1) },
    },
    {
      name: 'three, negative axis',
      inputs: [
        [2, 1, 2],
        [2, 3, 2],
        [2, 2, 2],
      ],
      attributes: { axis: int(-2) },
    },
    { name: 'one', inputs: [[2, 2]], attributes: { axis: int(0) } },
    {
      name: 'with a constant, opset 13',
      inputs: [[1, 2], { constant: tensorOf('float64', [2, 2], new Float64Array(4)) }, [3, 2]],
      attributes: { axis: int(0) },
      opset: 13,
    },
  ],
  CumSum: [0, 1].flatMap((exclusive) =>
    [0, 1].map((reverse) => ({
      name: `exclusive ${exclusive}, reverse ${reverse}`,
      inputs: [[2, 4], { constant: tensorOf('int64', [], BigInt64Array.of(1n)) }],
      attributes: { exclusive: int(exclusive), reverse: int(reverse) },
    })),
  ),
  Dropout: [
    { name: 'inference', inputs: [[2, 3]] },
    {
      name: 'inference, said so',
      inputs: [[2, 3], '', { constant: { dtype: 'bool', dims: [], bytes: Uint8Array.of(0) } }],
      dtype: 'float32',
    },
    {
      name: 'training at ratio 0',
      inputs: [
        [2, 3],
        { constant: tensorOf('float32', [], Float32Array.of(0)) },
        { constant: { dtype: 'bool', dims: [], bytes: Uint8Array.of(1) } },
      ],
      dtype: 'float32',
    },
    {
      name: 'decided at run time',
      inputs: [
        [2, 3],
        { constant: tensorOf('float32', [], Float32Array.of(0.5)) },
        { fed: { dtype: 'bool', dims: [], bytes: Uint8Array.of(0) } },
      ],
      dtype: 'float32',
    },
  ],
  Expand: [
    { name: 'row', inputs: [[3], vector(2, 3)] },
    { name: 'inner axis', inputs: [[2, 1, 3], vector(2, 4, 3)] },
    { name: 'shorter shape than input', inputs: [[2, 1], vector(3)] },
    { name: 'scalar', inputs: [[], vector(2, 2)] },
    { name: 'nothing to do, opset 13', inputs: [[2, 3], vector(1, 1)], opset: 13 },
  ],
  Flatten: [
    { name: 'default', inputs: [[2, 3, 2]] },
    { name: 'axis 0', inputs: [[2, 3]], attributes: { axis: int(0) } },
    { name: 'negative', inputs: [[2, 3, 2]], attributes: { axis: int(-1) } },
  ],
  Identity: [{ name: 'matrix', inputs: [[2, 3]] }],
  Pad: [
    pad('both ends', [2, 3], [1, 0, 2, 1]),
    pad('axes', [2, 3], [1, 2], [-1]),
    pad('cut off', [3, 4], [-1, 1, 0, -2]),
    { ...pad('opset 13, float32', [2, 3], [1, 0, 2, 1]), opset: 13, dtype: 'float32' },
    {
      name: 'constant given',
      inputs: [[2], vector(1, 1), { constant: tensorOf('float64', [], Float64Array.of(3)) }],
      attributes: { mode: string('constant') },
    },
  ],
  Reshape: [
    { name: 'merge', inputs: [[2, 3, 2], vector(2, 6)] },
    { name: '0 and -1', inputs: [[2, 3, 2], vector(0, -1)] },
    { name: 'to scalar', inputs: [[1, 1], integers([0], [])] },
  ],
  Slice: [
    slice('middle', { dims: [5], starts: [1], ends: [4] }),
    slice('two axes, negative', { dims: [3, 5], starts: [-2, 1], ends: [FAR, -1], axes: [0, -1] }),
    slice('step', { dims: [2, 7], starts: [1], ends: [FAR], axes: [1], steps: [3] }),
    slice('step that ends short', { dims: [8], starts: [0], ends: [8], axes: [0], steps: [5] }),
    slice('backwards', { dims: [5], starts: [-1], ends: [-FAR], axes: [0], steps: [-1] }),
    slice('backwards by two', { dims: [3, 6], starts: [4], ends: [-FAR], axes: [1], steps: [-2] }),
    slice('backwards, starts behind the end', { dims: [4], starts: [FAR], ends: [0], axes: [0], steps: [-2] }),
    slice('steps on two axes', { dims: [5, 6], starts: [1, 5], ends: [5, -FAR], axes: [0, 1], steps: [2, -3] }),
    slice('empty', { dims: [3], starts: [2], ends: [1] }),
    slice('all', { dims: [3], starts: [0], ends: [FAR] }),
    {
      ...slice('opset 13, float32', { dims: [2, 7], starts: [1], ends: [FAR], axes: [1], steps: [3] }),
      opset: 13,
      dtype: 'float32',
    },
  ],
  Split: [
    { name: 'equal', inputs: [[2, 4]], attributes: { axis: int(1), num_outputs: int(2) }, outputs: [true, true] },
    { name: 'uneven', inputs: [[5, 2]], attributes: { num_outputs: int(2) }, outputs: [true, true] },
    { name: 'sizes', inputs: [[2, 6], vector(1, 3, 2)], attributes: { axis: int(-1) }, outputs: [true, true, true] },
    {
      name: 'one part unused',
      inputs: [[2, 6], vector(1, 3, 2)],
      attributes: { axis: int(-1) },
      outputs: [true, false, true],
    },
    { name: 'opset 13, first unused', inputs: [[4]], outputs: [false, true], opset: 13 },
  ],
  Squeeze: [
    { name: 'all', inputs: [[1, 3, 1]] },
    { name: 'one axis', inputs: [[1, 3, 1], vector(-1)] },
  ],
  Tile: [
    { name: 'both axes', inputs: [[2, 3], vector(3, 2)] },
    { name: 'one axis, opset 13', inputs: [[2, 1, 3], vector(1, 4, 1)], opset: 13 },
  ],
  Transpose: [
    { name: 'default', inputs: [[2, 3, 4]] },
    { name: 'cycle', inputs: [[2, 3, 4]], attributes: { perm: ints([1, 2, 0]) } },
    { name: 'heads', inputs: [[2, 2, 3, 2]], attributes: { perm: ints([0, 2, 1, 3]) } },
  ],
  Trilu: [
    { name: 'upper', inputs: [[3, 4]] },
    { name: 'lower, stack', inputs: [[2, 3, 3]], attributes: { upper: int(0) } },
    {
      name: 'shifted',
      inputs: [[4, 3], { constant: tensorOf('int64', [], BigInt64Array.of(-1n)) }],
      attributes: { upper: int(0) },
    },
  ],
  Unsqueeze: [
    { name: 'front', inputs: [[2, 3], vector(0)] },
    { name: 'several', inputs: [[2, 3], vector(1, -1)] },
  ],
};
