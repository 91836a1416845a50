/**
 * Growth of the resident set by loading a model and running it once on one token, in a fresh process of its own, after
 * a tiny model has brought in the runtime's code and pools. It holds the weights as the runtime keeps them (prepacked,
 * dequantized), not the file. Grain: about 0.3 MiB between repetitions.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Provider } from '../../contracts/runner.ts';
import { createGraphBuilder } from '../../numerics/onnx/builder.ts';
import type { OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import { nvidiaMemoryOf } from '../../engine/runtime/nvidia-smi.ts';
import { createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { tensorOf } from '../../numerics/tensor/tensor.ts';
import { residentBytes } from './process-memory.ts';

const run = promisify(execFile);

/**
 * Makes glibc return freed blocks to the system at once. By default it sometimes keeps the parsed file: a model of 68 MiB
 * grew the process by 76, 92, 116 or 124 MiB, and with this setting by 68.0 to 68.3.
 */
const ALLOCATOR = { MALLOC_TRIM_THRESHOLD_: '65536' };

export interface ResidentMemoryTask {
  /** Path of the ONNX file. The runtime loads it, so that no copy of its bytes in JavaScript is counted. */
  readonly path: string;
  readonly provider: Provider;
  readonly threads: number;
  readonly vocabularySize: number;
}

export interface MemoryGrowth {
  readonly residentBytes: number;
  /** Growth of the process's memory on the device; null on the CPU and when it cannot be read. */
  readonly deviceBytes: number | null;
}

/** Measures in a child process. A model without a file is written to a temporary file first. */
export async function measureResidentMemory(
  task: Omit<ResidentMemoryTask, 'path'> & { readonly model: OnnxModel | Uint8Array | string },
): Promise<MemoryGrowth> {
  const { model, ...rest } = task;
  if (typeof model === 'string') return measureInChild({ ...rest, path: model });
  const folder = await mkdtemp(join(tmpdir(), 'shrinkrank-memory-'));
  try {
    const path = join(folder, 'model.onnx');
    await writeFile(path, model instanceof Uint8Array ? model : writeModel(model));
    return await measureInChild({ ...rest, path });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureInChild(task: ResidentMemoryTask): Promise<MemoryGrowth> {
  const child = fileURLToPath(new URL('./resident-memory-child.ts', import.meta.url));
  const { stdout } = await run(process.execPath, ['--expose-gc', child, JSON.stringify(task)], {
    env: { ...process.env, ...ALLOCATOR },
  });
  const { residentBytes, deviceBytes } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as MemoryGrowth;
  if (!Number.isSafeInteger(residentBytes)) {
    throw new TypeError(`resident memory of ${task.path}: the child printed "${stdout}"`);
  }
  return {
    residentBytes: Math.max(0, residentBytes),
    deviceBytes: deviceBytes === null ? null : Math.max(0, deviceBytes),
  };
}

/** The measurement itself. Valid only in a process that has loaded no model yet. */
export async function growthByLoading(task: ResidentMemoryTask): Promise<MemoryGrowth> {
  const { provider, threads, path, vocabularySize } = task;
  await runTinyModel(provider, threads);
  const ids = probeTokens({ batch: 1, sequence: 1, vocabularySize });
  const onDevice = async () => (provider === 'cpu' ? null : nvidiaMemoryOf(process.pid));
  const deviceBefore = await onDevice();
  collectGarbage();
  const before = residentBytes();
  const session = await createSession(path, { provider, threads });
  const { logits } = await session.run(tokenFeeds(session.inputs, ids));
  collectGarbage();
  const after = residentBytes();
  const deviceAfter = await onDevice();
  // Used again here, so that V8 does not free them before the second reading.
  if (logits === undefined) throw new Error(`${path} gives no logits`);
  await session.release();
  return {
    residentBytes: after - before,
    deviceBytes: deviceBefore === null || deviceAfter === null ? null : deviceAfter - deviceBefore,
  };
}

/** Loads the runtime's library, its thread pool and its matrix kernels. */
async function runTinyModel(provider: Provider, threads: number): Promise<void> {
  const b = createGraphBuilder({ name: 'warm-up', opset: 21 });
  const x = b.input('x', 'float32', [8, 64]);
  const w = b.initializer('w', tensorOf('float32', [64, 64], new Float32Array(64 * 64).fill(0.5)));
  b.node('MatMul', [x, w], { name: 'y', outputs: ['y'] });
  b.output('y', { dtype: 'float32', dims: [8, 64] });
  const session = await createSession(b.build(), { provider, threads });
  await session.run({ x: tensorOf('float32', [8, 64], new Float32Array(8 * 64)) });
}

function collectGarbage(): void {
  (globalThis as { gc?: () => void }).gc?.();
}
