/** The machine a measurement was taken on. Outside Linux the instruction sets are unknown and left empty. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import type { Device, Machine, Processor, Provider, Runner } from '../../contracts/runner.ts';

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
    processor: readProcessor(cpuinfo),
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

/** What Linux tells of the processor; of others nothing is known. */
export function readProcessor(cpuinfo: string, cacheRoot = '/sys/devices/system/cpu/cpu0/cache'): Processor {
  const field = (pattern: string) => new RegExp(`^${pattern}\\s*:\\s*(\\S+)`, 'm').exec(cpuinfo)?.[1] ?? null;
  return {
    vendor: field('(?:vendor_id|CPU implementer)'),
    family: field('(?:cpu family|CPU architecture)'),
    model: field('(?:model|CPU part)'),
    stepping: field('(?:stepping|CPU revision)'),
    caches: readCaches(cacheRoot),
    baseMhz: baseMhzOf(cpuinfo),
  };
}

function readCaches(root: string): string[] {
  const read = (index: string, name: string) => readFileSync(join(root, index, name), 'utf8').trim();
  const suffixes = new Map([
    ['Data', 'd'],
    ['Instruction', 'i'],
  ]);
  try {
    return readdirSync(root)
      .filter((name) => /^index\d+$/.test(name))
      .sort()
      .map((index) => `L${read(index, 'level')}${suffixes.get(read(index, 'type')) ?? ''} ${read(index, 'size')}`);
  } catch {
    return [];
  }
}

/**
 * The time stamp counter of an x86 processor runs at its base frequency, and the kernel prints twice that as bogomips, a little
 * different at every boot. Elsewhere bogomips say nothing of it.
 */
function baseMhzOf(cpuinfo: string): number | null {
  const bogomips = /^bogomips\s*:\s*([\d.]+)$/m.exec(cpuinfo)?.[1];
  return bogomips === undefined || !/^flags\s*:.*\bconstant_tsc\b/m.test(cpuinfo)
    ? null
    : Math.round(Number(bogomips) / 200) * 100;
}

/**
 * What of a machine decides kernels and speed: of the kernel major and minor version, of Node the major one. A patch of either
 * is recorded beside it and makes no other runner.
 */
function decisive({ node, operatingSystem, ...rest }: Machine): object {
  const [name, release] = operatingSystem.split(' ');
  return {
    ...rest,
    node: node.split('.')[0],
    operatingSystem: `${name} ${release?.split('.').slice(0, 2).join('.')}`,
  };
}

/** @param device what the provider runs on where that is not the processor. */
export function runnerOf(provider: Provider, machine: Machine, device?: Device): Runner {
  const identity = canonicalJson({ provider, machine: decisive(machine), device: device ?? null });
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
