/**
 * Scaled dot-product attention over several heads (Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 3.2) as
 * primitive operators.
 */
import type { GraphBuilder } from '../../numerics/onnx/builder.ts';

/**
 * Score of a masked position. exp(x - max) underflows to exactly 0 as it does for -inf, every row sees at least itself,
 * and no infinity reaches activation ranges, gradients or shader compilers.
 */
const MASKED_SCORE = -1e9;

export interface AttentionParts {
  readonly queries: string; // [batch, heads, sequence, headWidth], scaled
  readonly keys: string; // [batch, heads, headWidth, sequence]
  readonly values: string; // [batch, heads, sequence, headWidth]
  /** bool, broadcast to [batch, heads, sequence, sequence]: true where the row's position may see the column's. */
  readonly visible: string;
  readonly width: number;
}

/** softmax(queries keys, masked) values, heads merged: [batch, sequence, width]. */
export function attend(b: GraphBuilder, { queries, keys, values, visible, width }: AttentionParts): string {
  const scores = b.matmul(queries, keys, { name: 'scores' }); // [batch, heads, sequence, sequence]
  const masked = b.where(visible, scores, b.scalar(MASKED_SCORE), { name: 'masked' });
  const probabilities = b.softmax(masked, { axis: -1, name: 'probabilities' });
  const mixed = b.matmul(probabilities, values, { name: 'mixed' }); // [batch, heads, sequence, headWidth]
  const ordered = b.transpose(mixed, [0, 2, 1, 3], { name: 'mixed.ordered' });
  return b.reshape(ordered, [0, 0, width], { name: 'context' });
}

export interface MultiHeadParts {
  readonly q: string; // [batch, sequence, width]
  readonly k: string; // [batch, sequence, width]
  readonly v: string; // [batch, sequence, width]
  readonly visible: string;
  readonly heads: number;
  readonly width: number;
}

/** softmax(q kᵀ / √headWidth, masked) v with a key-value head for each query head: [batch, sequence, width]. */
export function multiHeadAttention(b: GraphBuilder, { q, k, v, visible, heads, width }: MultiHeadParts): string {
  const headWidth = width / heads;
  const apart = (name: string, x: string): string => b.reshape(x, [0, 0, heads, headWidth], { name });
  const scaled = b.mul(apart('query', q), b.scalar(1 / Math.sqrt(headWidth)), { name: 'query.scaled' });
  return attend(b, {
    queries: b.transpose(scaled, [0, 2, 1, 3], { name: 'queries' }),
    keys: b.transpose(apart('key', k), [0, 2, 3, 1], { name: 'keys' }),
    values: b.transpose(apart('value', v), [0, 2, 1, 3], { name: 'values' }),
    visible,
    width,
  });
}
