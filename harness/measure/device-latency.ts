/**
 * Latency on a device. Where the binding keeps outputs there (WebGPU) a call ends with reading one number of the logits, which
 * waits for the device and copies next to nothing; elsewhere (CUDA) the logits are copied to the host within the call. What
 * such a copy takes is timed apart at every shape.
 */
import { NumericalError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ShapeLatency } from '../../contracts/result.ts';
import type { DeviceProvider } from '../../contracts/runner.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { keepsOutputs } from '../../engine/runtime/device-tensor.ts';
import { createSession, type Feeds, type Session } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { quantile } from '../../numerics/statistics/statistics.ts';
import { elementCount, tensorOf } from '../../numerics/tensor/tensor.ts';
import { measureShape } from './latency.ts';
import type { ModelSource } from './measurement-task.ts';

export interface DeviceLatencyTask {
  readonly dense: ModelSource;
  readonly candidate: ModelSource;
  readonly provider: DeviceProvider;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly onProgress?: (share: number) => void;
}

export interface DeviceLatency {
  readonly latency: ShapeLatency[];
  readonly outputsKept: boolean;
  /** By shape, milliseconds. */
  readonly copyMs: Record<string, number>;
}

/** All shapes of the protocol, sequences cut to what the model takes. */
export async function measureDeviceLatency(task: DeviceLatencyTask): Promise<DeviceLatency> {
  const { provider, contextLength, vocabularySize, onProgress } = task;
  const { threads, shapes } = PROTOCOL.latency;
  const outputsKept = keepsOutputs(provider);
  const options = { provider, threads, ...(outputsKept && { outputLocation: 'device' as const }) };
  const candidate = await createSession(task.candidate, options);
  const dense = await createSession(task.dense, options);
  const fences: Session[] = [];
  try {
    const latency: ShapeLatency[] = [];
    const copyMs: Record<string, number> = {};
    for (const [index, shape] of shapes.entries()) {
      const { batch } = shape;
      const sequence = Math.min(shape.sequence, contextLength);
      let dims: readonly number[] = [];
      const measured = await measureShape({
        candidate,
        dense,
        batch,
        sequence,
        vocabularySize,
        ...(outputsKept && {
          callOf: async (session: Session, feeds: Feeds) => {
            const fenced = await fencedCall(session, feeds);
            dims = fenced.dims;
            fences.push(fenced.fence);
            return fenced.call;
          },
        }),
        onProgress: (share) => onProgress?.((index + share) / shapes.length),
      });
      if (!outputsKept) dims = await logitsDims(candidate, probeTokens({ batch, sequence, vocabularySize }));
      latency.push(measured);
      copyMs[measured.shape] = await measureCopy(provider, dims);
    }
    return { latency, outputsKept, copyMs };
  } finally {
    for (const session of [candidate, dense, ...fences]) await session.release();
  }
}

async function logitsDims(session: Session, ids: ReturnType<typeof probeTokens>): Promise<readonly number[]> {
  const { logits } = await session.run(tokenFeeds(session.inputs, ids), { outputs: ['logits'] });
  if (logits === undefined) throw new TypeError('a session gave no logits');
  return logits.dims;
}

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
    for (let call = -PROTOCOL.latency.warmUpRuns; call < PROTOCOL.device.copyCalls; call++) {
      const start = performance.now();
      await session.run(feeds, into);
      const tookMs = performance.now() - start;
      if (host.some((value) => value !== 1))
        throw new NumericalError(`${provider}: a copy to the host came incomplete`);
      host.fill(0);
      if (call >= 0) samplesMs.push(tookMs);
    }
    return quantile(samplesMs, 0.5);
  } finally {
    await session.release();
  }
}
