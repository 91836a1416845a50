/** The machine a measurement was taken on. Outside Linux the instruction sets are unknown and left empty. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import type { Device, Machine, Provider, Runner } from '../../contracts/runner.ts';

/** Flags of /proc/cpuinfo that choose onnxruntime's CPU kernels (x86: cpuid names; Arm: hwcap names). */
const KERNEL_FLAGS = [
  'sse4_1',
  'avx',
  'f16c',
  'fma',
  'avx2',
  'avx_vnni',
  'avx512f',
  'avx512bw',
  'avx512dq',
  'avx512vl',
  'avx512_vnni',
  'avx512_bf16',
  'avx512_fp16',
  'amx_tile',
  'amx_int8',
  'amx_bf16',
  'asimd',
  'asimdhp',
  'asimddp',
  'i8mm',
  'bf16',
  'sve',
];

export function readMachine(): Machine {
  const cpuinfo = readCpuinfo();
  return {
    cpuModel: cpus()[0]?.model.trim().replaceAll(/\s+/g, ' ') || 'unknown',
    cores: availableParallelism(),
    // Whole GiB: the kernel's share varies between boots and must not change the fingerprint.
    memoryBytes: Math.round(totalmem() / 2 ** 30) * 2 ** 30,
    instructionSets: instructionSetsOf(cpuinfo),
    operatingSystem: `${type()} ${release()}`,
    architecture: arch(),
    node: process.versions.node,
    onnxRuntime: onnxRuntimeVersion(),
  };
}

/** The flags of the first processor in a /proc/cpuinfo text that decide kernels, in a fixed order. */
export function instructionSetsOf(cpuinfo: string): string[] {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  const flags = new Set(line.trim().split(/\s+/));
  return KERNEL_FLAGS.filter((flag) => flags.has(flag));
}

/** @param device what the provider runs on where that is not the processor. */
export function runnerOf(provider: Provider, machine: Machine, device?: Device): Runner {
  const identity = JSON.stringify([
    provider,
    Object.entries(machine).sort(([a], [b]) => (a < b ? -1 : 1)),
    ...(device ? [canonicalJson(device)] : []),
  ]);
  const fingerprint = createHash('sha256').update(identity).digest('hex').slice(0, 16);
  return { provider, machine, ...(device && { device }), fingerprint };
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}

function onnxRuntimeVersion(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version;
}
