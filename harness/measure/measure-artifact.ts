/** Speed, memory and placement of an artifact on one runner, dense measured beside it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Placement, ShapeLatency } from '../contracts/result.ts';
import type { Provider } from '../contracts/runner.ts';
import type { OnnxModel } from '../onnx/graph.ts';
import { readPlacement } from '../runtime/placement.ts';
import { createSession } from '../runtime/session.ts';
import { recordedOptions } from '../runtime/session-options.ts';
import { probeTokens, tokenFeeds } from '../runtime/token-feeds.ts';
import { measureShape } from './latency.ts';
import { measureResidentMemory } from './resident-memory.ts';

/** A graph, the bytes of a file, or its path; a path spares a temporary copy. */
export type ModelSource = OnnxModel | Uint8Array | string;

export interface MeasurementTask {
  readonly dense: ModelSource;
  readonly candidate: ModelSource;
  readonly provider: Provider;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly onProgress?: (share: number) => void;
}

export interface Measurement {
  readonly latency: ShapeLatency[];
  readonly residentMemoryBytes: number;
  readonly denseResidentMemoryBytes: number;
  readonly placement: Placement;
  readonly threads: number;
  readonly sessionOptions: Record<string, string | number | boolean>;
}

/** Runs the whole measurement; nothing else should run on the machine meanwhile. Throws what loading or running throws. */
export async function measureArtifact(task: MeasurementTask): Promise<Measurement> {
  const { dense, candidate, provider, vocabularySize } = task;
  const { threads } = PROTOCOL.latency;
  // Side by side: each counts its own process, and neither is timed.
  const [residentMemoryBytes, denseResidentMemoryBytes] = await Promise.all(
    [candidate, dense].map((model) => measureResidentMemory({ model, provider, threads, vocabularySize })),
  );
  const latency = await measureLatency(task);
  const placement = await measurePlacement(task);
  return {
    latency,
    residentMemoryBytes: residentMemoryBytes as number,
    denseResidentMemoryBytes: denseResidentMemoryBytes as number,
    placement,
    threads,
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

/** One profiled run of the artifact at the first shape of the protocol, in a session that is not timed. */
export async function measurePlacement(task: MeasurementTask): Promise<Placement> {
  const { candidate, provider, vocabularySize } = task;
  const { batch, sequence } = PROTOCOL.latency.shapes[0];
  const folder = await mkdtemp(join(tmpdir(), 'shrinkrank-profile-'));
  try {
    const session = await createSession(candidate, {
      provider,
      threads: PROTOCOL.latency.threads,
      profilePrefix: join(folder, 'profile'),
    });
    try {
      await session.run(tokenFeeds(session.inputs, probeTokens({ batch, sequence, vocabularySize })));
      return await readPlacement(session.endProfiling());
    } finally {
      await session.release();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
