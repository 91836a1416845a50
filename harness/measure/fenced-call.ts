/**
 * A call on a device whose outputs the binding keeps there (WebGPU): it ends with reading one number of the logits, which
 * waits for the device and copies next to nothing.
 */
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { createSession, type Feeds, type Session } from '../../engine/runtime/session.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';

/** A call that leaves the logits on the device and is done when the device is. */
export async function fencedCall(
  session: Session,
  feeds: Feeds,
): Promise<{ readonly call: () => Promise<void>; readonly fence: Session; readonly dims: readonly number[] }> {
  const { provider, threads } = session;
  const { logits } = await session.runOnDevice(feeds, ['logits']);
  if (logits === undefined) throw new TypeError('a session gave no logits');
  const { dims } = logits;
  const fence = await createSession(fenceModel(dims.length), { provider, threads, withoutFallback: true });
  await fence.run({ logits });
  logits.release();
  return {
    fence,
    dims,
    async call() {
      const { logits: made } = await session.runOnDevice(feeds, ['logits']);
      if (made === undefined) throw new TypeError('a session gave no logits');
      await fence.run({ logits: made });
      made.release();
    },
  };
}

/** The first element of logits of so many dimensions. */
function fenceModel(rank: number): OnnxModel {
  const b = createGraphBuilder({ name: 'fence', opset: 21 });
  const every = (name: string, value: (axis: number) => number) =>
    b.initializer(
      name,
      tensorOf(
        'int64',
        [rank],
        BigInt64Array.from({ length: rank }, (_, axis) => BigInt(value(axis))),
      ),
    );
  const logits = b.input(
    'logits',
    'float32',
    Array.from({ length: rank }, (_, axis) => `length_${axis}`),
  );
  const inputs = [logits, every('starts', () => 0), every('ends', () => 1), every('axes', (axis) => axis)];
  b.node('Slice', inputs, { name: 'first', outputs: ['first'] });
  b.output('first', { dtype: 'float32', dims: Array.from({ length: rank }, () => 1) });
  return b.build();
}
