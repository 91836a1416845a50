/** A runner: a machine, an execution provider on it, and the device it uses if that is not the CPU. */
import * as v from 'valibot';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];
/** Providers that run on a separate device, or on software that emulates one. */
export type DeviceProvider = Exclude<Provider, 'cpu'>;

/** Information about the processor. Null where the system does not report it. */
export const processorSchema = v.strictObject({
  vendor: v.nullable(v.string()),
  family: v.nullable(v.string()),
  model: v.nullable(v.string()),
  stepping: v.nullable(v.string()),
  /** Of the first core, smallest first: `L1d 48K`, `L1i 32K`, `L2 2048K` … */
  caches: v.array(v.string()),
  baseMhz: v.nullable(v.number()),
});
export type Processor = v.InferOutput<typeof processorSchema>;

/** Information about a machine. */
export const machineSchema = v.strictObject({
  cpuModel: v.string(),
  /** Absent in rows of protocol 1. */
  processor: v.optional(processorSchema),
  cores: v.number(),
  memoryBytes: v.number(),
  /** Instruction sets that determine which kernels run: `avx2`, `avx512f`, `avx512_vnni`, `amx_int8` … */
  instructionSets: v.array(v.string()),
  operatingSystem: v.string(),
  architecture: v.string(),
  node: v.string(),
  onnxRuntime: v.string(),
});
export type Machine = v.InferOutput<typeof machineSchema>;

/** Information about an accelerator. Null where it is not reported, never a guess. */
export const deviceSchema = v.strictObject({
  /** Name given by its driver. */
  name: v.nullable(v.string()),
  /**
   * `software` computes on the CPU, or could not be shown not to: it shows that the code works and has no speed rank.
   */
  kind: v.picklist(['hardware', 'software']),
  /** Name and version. */
  driver: v.nullable(v.string()),
  memoryBytes: v.nullable(v.number()),
  maximumClockMhz: v.nullable(v.number()),
  maximumMemoryClockMhz: v.nullable(v.number()),
  powerLimitWatts: v.nullable(v.number()),
  /** Version of each library that determines kernels, or the start of its SHA-256 where its name has no version. */
  libraries: v.record(v.string(), v.string()),
});
export type Device = v.InferOutput<typeof deviceSchema>;

export const runnerSchema = v.strictObject({
  provider: v.picklist(PROVIDERS),
  machine: machineSchema,
  /** Absent on the CPU. */
  device: v.optional(deviceSchema),
  /**
   * SHA-256 over provider, device and the machine's properties that determine kernels and speed (runnerOf), first 16
   * hex digits.
   */
  fingerprint: v.string(),
});
export type Runner = v.InferOutput<typeof runnerSchema>;

/** The device on which a trial was trained. */
export const trainingDeviceSchema = v.strictObject({
  provider: v.picklist(['webgpu', 'cuda'] as const satisfies readonly DeviceProvider[]),
  /** Name given by its driver. */
  device: v.nullable(v.string()),
  /** Fingerprint of the runner. */
  runner: v.string(),
});
export type TrainingDevice = v.InferOutput<typeof trainingDeviceSchema>;
