/** Measures speed, memory and placement of an artifact and the dense model on one runner. */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { DeviceFigures, Placement, ShapeLatency, Timing } from '../../contracts/result.ts';
import { readPlacement } from '../../engine/runtime/placement.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { recordedOptions } from '../../engine/runtime/session-options.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { deviceFigures, placeOnDevice } from './measure-on-device.ts';
import type { MeasurementTask } from './measurement-task.ts';
import { profiledRun } from './profiled-run.ts';
import { awaitQuietMachine } from './quiet-machine.ts';
import { measureResidentMemory } from './resident-memory.ts';
import { startAll, timeInProcesses } from './time-in-processes.ts';
import { copyingCall } from './timed-call.ts';

export interface Measurement {
  readonly latency: ShapeLatency[];
  readonly timing: Timing;
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
  const { dense, candidate, provider, vocabularySize, patience, onProgress } = task;
  const { threads } = PROTOCOL.latency;
  const onDevice = provider === 'cpu' ? undefined : { ...task, provider };
  // Placement first: it throws for an unsupported artifact before the long measurements start.
  const placed = onDevice && (await placeOnDevice(onDevice));
  // They load their code while memory is measured, which times nothing.
  const started = startAll();
  // In parallel: each measures its own process.
  const [memory, denseMemory] = await Promise.all([
    measureResidentMemory({ model: candidate, provider, threads, vocabularySize }),
    measureResidentMemory({ model: dense, provider, threads, vocabularySize }),
  ]);
  const placement = placed?.placement ?? (await measurePlacement(task));
  const timed = await timeInProcesses(task, {
    started,
    patienceSeconds: patience.seconds,
    lookFirst: patience.lookFirst,
    awaitQuiet: (waitSeconds) => awaitQuiet(task, waitSeconds),
    ...(onProgress && { onProgress }),
  });
  return {
    ...timed,
    placement,
    ...(onDevice && placed && { onDevice: await deviceFigures(onDevice, { placed, memory, denseMemory }) }),
    residentMemoryBytes: memory.residentBytes,
    denseResidentMemoryBytes: denseMemory.residentBytes,
    sessionOptions: recordedOptions({ threads, provider }),
  };
}

/** By the dense model on one thread of the processor, at one token. */
async function awaitQuiet({ dense, vocabularySize }: MeasurementTask, waitSeconds: number): Promise<boolean> {
  const session = await createSession(dense, { provider: 'cpu', threads: PROTOCOL.latency.threads });
  try {
    const ids = probeTokens({ batch: 1, sequence: 1, vocabularySize });
    const call = await copyingCall(session, tokenFeeds(session.inputs, ids));
    return (await awaitQuietMachine({ call, waitSeconds })).quiet;
  } finally {
    await session.release();
  }
}

/** One profiled run of the artifact at the first shape of the protocol. */
async function measurePlacement({ candidate, provider, vocabularySize }: MeasurementTask): Promise<Placement> {
  const { batch, sequence } = PROTOCOL.latency.shapes[0];
  return profiledRun({ model: candidate, provider, batch, sequence, vocabularySize, runs: 1 }, readPlacement);
}
