/** Reading and writing by index, rotary positions. */
import { int, string } from '../../../../numerics/onnx/attributes.ts';
import { tensorOf } from '../../../../numerics/tensor/tensor.ts';
import { integers } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

/** Read at run time, as token ids are. */
const fed = (dims: readonly number[], values: readonly number[]) => ({ fed: integers(dims, values).constant });
const add = { reduction: string('add') };
const angles = Float32Array.from({ length: 10 }, (_, index) => Math.floor(index / 2) * 0.7 * 0.2 ** (index % 2));
const caches = [Math.cos, Math.sin].map((of) => ({
  constant: tensorOf(
    'float32',
    [5, 2],
    angles.map((angle) => of(angle)),
  ),
}));
const [cosines, sines] = caches as [(typeof caches)[0], (typeof caches)[0]];

export const indexing: Cases = {
  Gather: [
    { name: 'rows, repeated', inputs: [[4, 3], fed([2, 3], [0, 2, 2, 3, 2, 0])] },
    { name: 'rows, negative', inputs: [[4, 3], fed([3], [-1, 1, -1])] },
    { name: 'rows, opset 13', inputs: [[4, 3], fed([2, 2], [0, -1, 3, 1])], opset: 13 },
    { name: 'rows, float32', inputs: [[4, 3], fed([2, 3], [0, 2, 2, 3, 2, 0])], dtype: 'float32' },
    { name: 'int32 indices', inputs: [[4, 3], { fed: tensorOf('int32', [2], Int32Array.of(3, 3)) }] },
    { name: 'axis 1', inputs: [[2, 4, 3], fed([2], [3, 3])], attributes: { axis: int(1) } },
    {
      name: 'last axis, matrix of indices',
      inputs: [[2, 4], fed([2, 2], [3, 0, 0, 1])],
      attributes: { axis: int(-1) },
    },
    { name: 'one known index', inputs: [[2, 4, 3], integers([], [-2])], attributes: { axis: int(1) } },
    { name: 'one known index in a vector', inputs: [[3, 2], integers([1], [1])] },
    { name: 'scalar at run time', inputs: [[3, 2], fed([], [1])] },
    { name: 'many rows', inputs: [[300, 2], fed([5], [0, 299, 7, -1, 7])] },
    { name: 'many rows, scalars', inputs: [[300], fed([2, 2], [0, 299, 7, 7])] },
    { name: 'axis 1, opset 13', inputs: [[2, 4, 3], fed([2], [3, -1])], attributes: { axis: int(1) }, opset: 13 },
  ],
  GatherElements: [
    { name: 'repeated', inputs: [[3, 3], fed([2, 3], [0, 1, 2, 0, 2, -1])] },
    { name: 'one per row', inputs: [[2, 3, 4], fed([2, 3, 1], [0, 3, 1, 2, 2, -1])], attributes: { axis: int(-1) } },
    {
      name: 'one per row, opset 13',
      inputs: [[3, 4], fed([3, 1], [0, 3, 1])],
      attributes: { axis: int(1) },
      opset: 13,
    },
  ],
  GatherND: [
    { name: 'elements', inputs: [[3, 4], fed([3, 2], [0, 1, 2, 3, 0, 1])] },
    { name: 'rows', inputs: [[3, 4], fed([2, 1], [2, 2])] },
    { name: 'negative, opset 13', inputs: [[3, 4, 2], fed([3, 2], [-1, 1, 2, -3, 0, -1])], opset: 13 },
  ],
  ScatterElements: [
    { name: 'none', inputs: [[3, 3], fed([2, 3], [0, 1, 2, 1, 0, -2]), [2, 3]], attributes: { axis: int(0) } },
    { name: 'add', inputs: [[2, 4], fed([2, 3], [0, 0, 3, 1, 1, 1]), [2, 3]], attributes: { axis: int(1), ...add } },
    { name: 'none, opset 13', inputs: [[2, 4], fed([2, 1], [3, 0]), [2, 1]], attributes: { axis: int(1) }, opset: 13 },
  ],
  ScatterND: [
    { name: 'rows', inputs: [[4, 2], fed([2, 1], [3, 0]), [2, 2]] },
    { name: 'elements', inputs: [[3, 4], fed([2, 2], [0, 1, 2, 3]), [2]], opset: 13 },
    { name: 'add', inputs: [[4, 2], fed([3, 1], [3, 0, 3]), [3, 2]], attributes: add },
  ],
  RotaryEmbedding: [
    {
      name: 'three axes',
      opset: 23,
      inputs: [[1, 3, 8], cosines, sines, fed([1, 3], [0, 3, 1])],
      attributes: { num_heads: int(2) },
      dtype: 'float32',
    },
    {
      name: 'interleaved',
      opset: 23,
      inputs: [[1, 2, 3, 4], cosines, sines, fed([1, 3], [0, 3, 1])],
      attributes: { interleaved: int(1) },
      dtype: 'float32',
    },
  ],
  'com.microsoft:RotaryEmbedding': [
    { name: 'halves', inputs: [[1, 3, 8], fed([1, 3], [0, 3, 1]), cosines, sines], dtype: 'float32' },
    {
      name: 'interleaved',
      inputs: [[1, 3, 8], fed([1], [1]), cosines, sines],
      attributes: { interleaved: int(1) },
      dtype: 'float32',
    },
  ],
};
