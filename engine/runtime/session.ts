/** Sessions of onnxruntime-node. Nothing outside engine/runtime imports that package. */
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { BenchError, InputError, UnsupportedError } from '../../contracts/errors.ts';
import type { Provider } from '../../contracts/runner.ts';
import type { Dim, OnnxModel } from '../../numerics/onnx/graph.ts';
import { writeModel } from '../../numerics/onnx/write.ts';
import type { DType } from '../../numerics/tensor/dtype.ts';
import type { NumericTensor, Tensor } from '../../numerics/tensor/tensor.ts';
import { type DeviceTensor, heldOnDevice, keepOnDevice } from './device-tensor.ts';
import { fromOrtTensor, toOrtTensor } from './ort-tensor.ts';
import { PINNED_SESSION_OPTIONS } from './session-options.ts';

export interface SessionOptions {
  /** Default `cpu`. Other providers run unsupported nodes on the CPU: see placement.ts. */
  readonly provider?: Provider;
  /** Threads inside one operator; default: all cores. Operators run one after another. */
  readonly threads?: number;
  /** Path prefix of the profile that endProfiling() closes. Profiling slows every node down. */
  readonly profilePrefix?: string;
  /** An operator that the provider does not support is an error instead of running on the CPU. */
  readonly withoutFallback?: boolean;
  /** `device`: outputs stay there, for runOnDevice(); webgpu only. Default `host`. */
  readonly outputLocation?: 'host' | 'device';
}

export interface RunOptions {
  /** Names of the requested outputs; default: all. */
  readonly outputs?: readonly string[];
  /** Preallocated tensors for the outputs of these names; run() returns them. Types and shapes must match. */
  readonly into?: Readonly<Record<string, NumericTensor>>;
}

export interface SessionValue {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly Dim[];
}

export type Feeds = Readonly<Record<string, Tensor | DeviceTensor>>;

export interface Session {
  readonly inputs: readonly SessionValue[];
  readonly outputs: readonly SessionValue[];
  readonly provider: Provider;
  readonly threads: number;
  /** Runs the graph and blocks this thread. Throws InputError for inputs that do not match. */
  run(feeds: Feeds, options?: RunOptions): Promise<Record<string, NumericTensor>>;
  /**
   * Leaves the outputs on the device, and returns before the device has finished. Throws InputError for a session whose
   * outputs go to the host.
   */
  runOnDevice(feeds: Feeds, outputs?: readonly string[]): Promise<Record<string, DeviceTensor>>;
  /** Closes the profile and returns the path of its JSON file. */
  endProfiling(): string;
  release(): Promise<void>;
}

/**
 * Loads a model into onnxruntime from a graph, a file's bytes, or its path (needed for external data). Throws
 * InputError for a graph that is invalid or too large for bytes, UnsupportedError for one that this build of
 * onnxruntime cannot run.
 */
export async function createSession(
  model: OnnxModel | Uint8Array | string,
  options: SessionOptions = {},
): Promise<Session> {
  const provider = options.provider ?? 'cpu';
  const threads = options.threads ?? availableParallelism();
  if (!Number.isInteger(threads) || threads < 1) {
    throw new InputError(`session: threads must be a whole number from 1, got ${threads}`);
  }
  if (options.outputLocation === 'device' && provider !== 'webgpu') {
    throw new UnsupportedError(
      `session: only webgpu can keep outputs on the device, got ${provider}; use outputs on the host`,
    );
  }
  const where =
    typeof model === 'string' ? `"${model}"` : 'graph' in model ? `graph "${model.graph.name}"` : 'model bytes';
  const source = typeof model === 'string' || model instanceof Uint8Array ? model : writeModel(model);
  const session = await guarded(`onnxruntime cannot load ${where} on ${provider}`, () =>
    ort.InferenceSession.create(source as Uint8Array, ortOptions(provider, threads, options)),
  );
  const startedMs = Date.now();
  const onDevice = options.outputLocation === 'device';
  async function execute(feeds: Feeds, fetches: Readonly<Record<string, ort.Tensor | null>>) {
    const ortFeeds: Record<string, ort.Tensor> = {};
    for (const [name, tensor] of Object.entries(feeds)) {
      ortFeeds[name] = 'location' in tensor ? heldOnDevice(name, tensor) : toOrtTensor(name, tensor);
    }
    requireKnownNames(where, session, feeds, fetches);
    return guarded(`onnxruntime failed while running ${where}`, () => session.run(ortFeeds, fetches));
  }
  const fetchesOf = (outputs: readonly string[] = session.outputNames) =>
    Object.fromEntries(outputs.map((name): [string, ort.Tensor | null] => [name, null]));
  return {
    inputs: values(session.inputMetadata),
    outputs: values(session.outputMetadata),
    provider,
    threads,
    async run(feeds, { outputs, into } = {}) {
      if (onDevice)
        throw new InputError(`running ${where}: the session keeps its outputs on the device; call runOnDevice()`);
      const fetches = fetchesOf(outputs);
      for (const [name, tensor] of Object.entries(into ?? {})) fetches[name] = toOrtTensor(name, tensor);
      const results = await execute(feeds, fetches);
      const tensors: Record<string, NumericTensor> = {};
      // The binding writes into the given memory, but returns a copy of it.
      for (const [name, value] of Object.entries(results)) tensors[name] = into?.[name] ?? fromOrtTensor(name, value);
      return tensors;
    },
    async runOnDevice(feeds, outputs) {
      if (!onDevice) {
        throw new InputError(`running ${where}: its outputs go to the host; create it with outputLocation: 'device'`);
      }
      requireKnownNames(where, session, feeds, fetchesOf(outputs));
      // Requesting only some of the outputs fails in the binding: "Output count mismatch" (onnxruntime-node 1.30.0).
      const results = await execute(feeds, fetchesOf());
      const kept = Object.entries(results).map(
        ([name, value]) => [name, keepOnDevice(name, value as ort.Tensor)] as const,
      );
      const wanted = new Set(outputs ?? session.outputNames);
      for (const [name, tensor] of kept) if (!wanted.has(name)) tensor.release();
      return Object.fromEntries(kept.filter(([name]) => wanted.has(name)));
    },
    endProfiling() {
      if (options.profilePrefix === undefined) {
        throw new InputError(`session of ${where}: not profiled; create it with profilePrefix`);
      }
      session.endProfiling();
      return newestProfile(options.profilePrefix, startedMs);
    },
    release: () => session.release(),
  };
}

function ortOptions(
  provider: Provider,
  threads: number,
  { profilePrefix, withoutFallback = false, outputLocation = 'host' }: SessionOptions,
): ort.InferenceSession.SessionOptions {
  const { config, ...pinned } = PINNED_SESSION_OPTIONS;
  return {
    ...pinned,
    executionProviders: [provider],
    intraOpNumThreads: threads,
    extra: { ...config, ...(withoutFallback && { 'session.disable_cpu_ep_fallback': '1' }) },
    // On the CPU every error is also thrown; a GPU prints the cause of a failure on stderr only.
    logSeverityLevel: provider === 'cpu' ? 4 : 3,
    ...(outputLocation === 'device' && { preferredOutputLocation: 'gpu-buffer' as const }),
    ...(profilePrefix === undefined ? {} : { enableProfiling: true, profileFilePrefix: profilePrefix }),
  };
}

function values(metadata: readonly ort.InferenceSession.ValueMetadata[]): SessionValue[] {
  return metadata.map((value) =>
    value.isTensor
      ? {
          name: value.name,
          dtype: value.type as DType,
          // onnxruntime reports an unnamed dimension as ''.
          dims: value.shape.map((dim) => (dim === '' ? undefined : dim)),
        }
      : { name: value.name, dtype: 'string', dims: [] },
  );
}

function requireKnownNames(
  where: string,
  session: ort.InferenceSession,
  feeds: Readonly<Record<string, unknown>>,
  fetches: Readonly<Record<string, unknown>>,
): void {
  const missing = session.inputNames.filter((name) => !Object.hasOwn(feeds, name));
  const stray = Object.keys(feeds).filter((name) => !session.inputNames.includes(name));
  const unmade = Object.keys(fetches).filter((name) => !session.outputNames.includes(name));
  if (missing.length + stray.length + unmade.length === 0) return;
  throw new InputError(
    `running ${where}: missing inputs [${missing.join(', ')}], unknown inputs [${stray.join(', ')}], unknown outputs [${unmade.join(', ')}]; ` +
      `expected inputs [${session.inputNames.join(', ')}] and outputs [${session.outputNames.join(', ')}]`,
  );
}

const NOT_IMPLEMENTED =
  /Could not find an implementation|not implemented|NOT_IMPLEMENTED|No Op registered|is not a registered function|under development|Unsupported|not supported|backend not found|no available backend|supported adapters|execution provider/i;
/** Memory errors are not converted: the job runner handles them, and they are not a fault of the request. */
const OUT_OF_MEMORY = /bad_alloc|Failed to allocate memory|out of memory/i;

async function guarded<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof BenchError || !(error instanceof Error) || OUT_OF_MEMORY.test(error.message)) throw error;
    const message = `${what}: ${error.message.replaceAll(/\s+/g, ' ').trim()}`;
    throw NOT_IMPLEMENTED.test(error.message)
      ? new UnsupportedError(message, { cause: error })
      : new InputError(message, { cause: error });
  }
}

/** onnxruntime appends the time to the prefix and does not return the name. */
function newestProfile(prefix: string, sinceMs: number): string {
  const directory = dirname(prefix);
  const found = readdirSync(directory)
    .filter((name) => name.startsWith(basename(prefix)) && name.endsWith('.json'))
    .map((name) => join(directory, name))
    .map((path) => ({ path, modifiedMs: statSync(path).mtimeMs }))
    // File systems have coarse timestamps.
    .filter(({ modifiedMs }) => modifiedMs >= sinceMs - 2000)
    .sort((a, b) => b.modifiedMs - a.modifiedMs)[0];
  if (found === undefined)
    throw new InputError(`onnxruntime wrote no profile starting with "${prefix}"; is the folder writable?`);
  return found.path;
}
