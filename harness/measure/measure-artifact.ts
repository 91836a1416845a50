/** Measures speed, memory and placement of an artifact and the dense model on one runner. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceFigures, Placement, ShapeLatency } from '../../contracts/result.ts';
import { readPlacement } from '../../engine/runtime/placement.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { measureShape } from './latency.ts';
import type { MeasurementTask } from './measurement-task.ts';
import { placeOnDevice, timeOnDevice } from './measure-on-device.ts';
import { profiledRun } from './profiled-run.ts';
import { measureResidentMemory } from './resident-memory.ts';

export interface Measurement {
  readonly latency: ShapeLatency[];
  readonly residentMemoryBytes: number;
  readonly denseResidentMemoryBytes: number;
  readonly placement: Placement;
  /** Absent on the CPU. */
  readonly onDevice?: Omit<DeviceFigures, 'quality'>;
  readonly sessionOptions: Record<string, string | number | boolean>;
}

/**
 * Runs the whole measurement; nothing else should run on the machine meanwhile. Throws what loading or running throws, and
 * UnsupportedError for an artifact whose matrix products the provider leaves to the CPU.
 */
export async function measureArtifact(task: MeasurementTask): Promise<Measurement> {
  const { dense, candidate, provider, vocabularySize } = task;
  const { threads } = PROTOCOL.latency;
  const onDevice = provider === 'cpu' ? undefined : { ...task, provider };
  // Placement first: it throws for an unsupported artifact before the long measurements start.
  const placed = onDevice && (await placeOnDevice(onDevice));
  // In parallel: each measures its own process, and neither is timed.
  const [memory, denseMemory] = await Promise.all([
    measureResidentMemory({ model: candidate, provider, threads, vocabularySize }),
    measureResidentMemory({ model: dense, provider, threads, vocabularySize }),
  ]);
  const timed =
    onDevice && placed
      ? { ...(await timeOnDevice(onDevice, { placed, memory, denseMemory })), placement: placed.placement }
      : { latency: await measureLatency(task), placement: await measurePlacement(task) };
  return {
    ...timed,
    residentMemoryBytes: memory.residentBytes,
    denseResidentMemoryBytes: denseMemory.residentBytes,
    sessionOptions: recordedOptions({ threads, provider }),
  };
}

/** All shapes of the protocol, sequences cut to what the model takes. */
export async function measureLatency(task: MeasurementTask): Promise<ShapeLatency[]> {
  const { provider, contextLength, vocabularySize, onProgress } = task;
  const { threads, shapes } = PROTOCOL.latency;
  const candidate = await createSession(task.candidate, { provider, threads });
  const dense = await createSession(task.dense, { provider, threads });
  try {
    const latency: ShapeLatency[] = [];
    for (const [index, { batch, sequence }] of shapes.entries()) {
      latency.push(
        await measureShape({
          candidate,
          dense,
          batch,
          sequence: Math.min(sequence, contextLength),
          vocabularySize,
          onProgress: (share) => onProgress?.((index + share) / shapes.length),
        }),
      );
    }
    return latency;
  } finally {
    await candidate.release();
    await dense.release();
  }
}

/** One profiled run of the artifact at the first shape of the protocol. */
async function measurePlacement({ candidate, provider, vocabularySize }: MeasurementTask): Promise<Placement> {
  const { batch, sequence } = PROTOCOL.latency.shapes[0];
  return profiledRun({ model: candidate, provider, batch, sequence, vocabularySize, runs: 1 }, readPlacement);
}
