/**
 * What copying the logits of a call from a device to the host takes. Where the binding keeps no outputs on the device (CUDA),
 * it is part of every timed call.
 */
import { shapeId } from '../../contracts/latency-shape.ts';
import { NumericalError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { quantile } from '../../numerics/statistics/statistics.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';
import type { MeasurementTask } from './measurement-task.ts';

/** By shape of the protocol, milliseconds. */
export async function measureCopies(
  task: MeasurementTask & { readonly provider: DeviceProvider },
): Promise<Record<string, number>> {
  const { candidate, provider, contextLength, vocabularySize } = task;
  const { threads, shapes } = PROTOCOL.latency;
  const session = await createSession(candidate, { provider, threads });
  try {
    const copyMs: Record<string, number> = {};
    for (const { batch, sequence: longest } of shapes) {
      const sequence = Math.min(longest, contextLength);
      const feeds = tokenFeeds(session.inputs, probeTokens({ batch, sequence, vocabularySize }));
      const { logits } = await session.run(feeds, { outputs: ['logits'] });
      if (logits === undefined) throw new TypeError('a session gave no logits');
      copyMs[shapeId({ batch, sequence, threads })] = await measureCopy(provider, logits.dims);
    }
    return copyMs;
  } finally {
    await session.release();
  }
}

/** Milliseconds of a call that fills an output of these dimensions on the device and copies it to the host, median. */
export async function measureCopy(provider: DeviceProvider, dims: readonly number[]): Promise<number> {
  const b = createGraphBuilder({ name: 'copy', opset: 21 });
  const value = b.input('value', 'float32', [1]);
  const shape = b.initializer('shape', tensorOf('int64', [dims.length], BigInt64Array.from(dims, BigInt)));
  b.node('Expand', [value, shape], { name: 'filled', outputs: ['filled'] });
  b.output('filled', { dtype: 'float32', dims: [...dims] });
  const { threads } = PROTOCOL.latency;
  const session = await createSession(b.build(), { provider, threads, withoutFallback: true });
  try {
    const feeds = { value: tensorOf('float32', [1], Float32Array.of(1)) };
    const host = new Float32Array(elementCount(dims));
    const into = { into: { filled: tensorOf('float32', dims, host) } };
    const samplesMs: number[] = [];
    for (let call = -PROTOCOL.device.copyWarmUpCalls; call < PROTOCOL.device.copyCalls; call++) {
      const start = performance.now();
      await session.run(feeds, into);
      const tookMs = performance.now() - start;
      if (host.some((value) => value !== 1)) throw new NumericalError(`${provider}: a copy to the host is incomplete`);
      host.fill(0);
      if (call >= 0) samplesMs.push(tookMs);
    }
    return quantile(samplesMs, 0.5);
  } finally {
    await session.release();
  }
}
