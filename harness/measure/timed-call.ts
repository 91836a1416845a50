/** The call of a session that is timed: feeds and room for the logits are made before. */
import type { Feeds, Session } from '../../engine/runtime/session.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';

/** Copies the logits into memory kept for them. */
export async function copyingCall(session: Session, feeds: Feeds): Promise<() => Promise<unknown>> {
  const { logits } = await session.run(feeds, { outputs: ['logits'] });
  if (logits === undefined) throw new TypeError('a session gave no logits');
  const into = { into: { logits: tensorOf('float32', logits.dims, new Float32Array(elementCount(logits.dims))) } };
  return () => session.run(feeds, into);
}
