/** Positions of the input's tokens and attention masks, as nodes for any length of input. */
import type { GraphBuilder } from '../../numerics/onnx/builder.ts';

/** The length of the input [batch, sequence] as a vector of one number. */
export function sequenceCount(b: GraphBuilder, inputIds: string): string {
  return b.shape(inputIds, { start: 1, end: 2, name: 'positions.count' });
}

/** 0, 1, … up to the count: int64 [sequence]. */
export function positionIds(b: GraphBuilder, count: string): string {
  const length = b.squeeze(count, [0], { name: 'positions.length' });
  return b.range(b.scalar(0, 'int64'), length, b.scalar(1, 'int64'), { name: 'positions' });
}

/** bool [sequence, sequence]: true where the row's position may see the column's. */
export function causalMask(b: GraphBuilder, positions: string): string {
  const rows = b.unsqueeze(positions, [1], { name: 'positions.rows' }); // [sequence, 1]
  return b.lessOrEqual(positions, rows, { name: 'attention.visible' });
}

/** bool [batch, 1, 1, sequence] from an int64 mask [batch, sequence]: every position sees all but padding. */
export function paddingMask(b: GraphBuilder, attentionMask: string): string {
  const present = b.cast(attentionMask, { to: 'bool', name: 'attention.present' });
  return b.unsqueeze(present, [1, 2], { name: 'attention.visible' });
}
