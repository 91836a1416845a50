/** Runs a model of any architecture once on token rows of equal length. */
import type { Model } from '../../engine/definitions/model.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { elements, tensorOf } from '../../numerics/tensor/tensor.ts';

/** The logits, row-major; `mask` in the place of ones. */
export async function logitsOf(
  { onnx }: Pick<Model, 'onnx'>,
  rows: readonly (readonly number[])[],
  mask?: readonly (readonly number[])[],
): Promise<Float32Array> {
  const session = await createSession(onnx, { threads: 1 });
  try {
    const integers = (of: readonly (readonly number[])[]) =>
      tensorOf('int64', [of.length, of[0]?.length ?? 0], BigInt64Array.from(of.flat(), BigInt));
    const feeds = tokenFeeds(onnx.graph.inputs, integers(rows));
    const { logits } = await session.run({ ...feeds, ...(mask && { attention_mask: integers(mask) }) });
    if (logits === undefined) throw new Error('no logits');
    return elements(logits, 'float32').slice();
  } finally {
    await session.release();
  }
}

export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} values against ${b.length}`);
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] as number))), 0);
}
