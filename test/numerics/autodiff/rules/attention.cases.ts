/** Fused attention. */
import { float, int } from '../../../../numerics/onnx/attributes.ts';
import type { NumericTensor } from '../../../../numerics/tensor/tensor.ts';
import type { GradientCase } from '../../../support/gradient-check.ts';
import type { Cases } from './cases.ts';

const seen: { readonly constant: NumericTensor } = {
  constant: { dtype: 'bool', dims: [2, 3], bytes: Uint8Array.of(1, 0, 1, 0, 1, 1) },
};
const standard = (item: GradientCase): GradientCase => ({ ...item, opset: 23, dtype: 'float32' });
const fused = (item: GradientCase): GradientCase => ({ ...item, dtype: 'float32' });

export const attention: Cases = {
  Attention: [
    {
      name: 'heads apart',
      inputs: [
        [1, 2, 2, 4],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
    },
    {
      name: 'flat',
      inputs: [
        [2, 2, 8],
        [2, 3, 8],
        [2, 3, 8],
      ],
      attributes: { q_num_heads: int(2), kv_num_heads: int(2) },
    },
    {
      name: 'shared key heads, causal',
      inputs: [
        [1, 3, 8],
        [1, 3, 4],
        [1, 3, 4],
      ],
      attributes: { q_num_heads: int(4), kv_num_heads: int(2), is_causal: int(1) },
    },
    { name: 'mask', inputs: [[1, 2, 2, 4], [1, 2, 3, 4], [1, 2, 3, 4], seen] },
    {
      name: 'added mask, scale',
      inputs: [
        [1, 2, 2, 4],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
        [2, 3],
      ],
      attributes: { scale: float(0.3) },
    },
    {
      name: 'softcap',
      inputs: [
        [1, 2, 2, 4],
        [1, 2, 3, 4],
        [1, 2, 3, 4],
      ],
      attributes: { softcap: float(1.5) },
    },
  ].map(standard),
  'com.microsoft:MultiHeadAttention': [
    {
      name: 'plain',
      inputs: [
        [2, 2, 8],
        [2, 3, 8],
        [2, 3, 8],
      ],
      attributes: { num_heads: int(2) },
    },
    {
      name: 'biases',
      inputs: [[1, 2, 8], [1, 3, 8], [1, 3, 8], [24]],
      attributes: { num_heads: int(2), scale: float(0.3) },
    },
    {
      name: 'added to the scores',
      inputs: [[1, 2, 8], [1, 3, 8], [1, 3, 8], '' as const, '' as const, [1, 2, 2, 3]],
      attributes: { num_heads: int(2) },
    },
    {
      name: 'causal',
      inputs: [
        [1, 3, 8],
        [1, 3, 8],
        [1, 3, 8],
      ],
      attributes: { num_heads: int(2), unidirectional: int(1) },
    },
  ].map(fused),
};
