/** A runner: a machine and an execution provider on it. */
import * as v from 'valibot';

export const PROVIDERS = ['cpu', 'webgpu', 'cuda'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** What is known of a machine. Two machines with the same fingerprint are the same kind of runner. */
export const machineSchema = v.strictObject({
  cpuModel: v.string(),
  cores: v.number(),
  memoryBytes: v.number(),
  /** Instruction sets that decide which kernels run, of those that matter: `avx2`, `avx512f`, `avx512_vnni`, `amx_int8` … */
  instructionSets: v.array(v.string()),
  operatingSystem: v.string(),
  architecture: v.string(),
  node: v.string(),
  onnxRuntime: v.string(),
});
export type Machine = v.InferOutput<typeof machineSchema>;

export const runnerSchema = v.strictObject({
  provider: v.picklist(PROVIDERS),
  machine: machineSchema,
  /** SHA-256 over provider and machine, first 16 hex digits. */
  fingerprint: v.string(),
});
export type Runner = v.InferOutput<typeof runnerSchema>;
