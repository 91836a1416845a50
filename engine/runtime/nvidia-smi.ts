/**
 * Device information from nvidia-smi, https://docs.nvidia.com/deploy/nvidia-smi/. It comes with the driver; where it is
 * missing or prints `[N/A]`, the value is unknown.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Time limit; the driver normally answers in well under a second. */
const TIMEOUT_MS = 20_000;

export interface NvidiaDevice {
  readonly minor: number | null;
  readonly name: string | null;
  readonly driver: string | null;
  readonly memoryBytes: number | null;
  readonly maximumClockMhz: number | null;
  readonly maximumMemoryClockMhz: number | null;
  readonly powerLimitWatts: number | null;
}

const PER_MEBIBYTE = 2 ** 20;

/** Empty where the command is missing or finds no device. In the order of the PCI bus. */
export async function nvidiaDevices(): Promise<readonly NvidiaDevice[]> {
  return parseDevices((await nvidiaSmi(['-q', '-x'])) ?? '');
}

/** Parses `nvidia-smi -q -x`. */
export function parseDevices(xml: string): readonly NvidiaDevice[] {
  const driver = textOf(xml, 'driver_version');
  return blocksOf(xml, 'gpu').map((gpu) => {
    const clocks = blocksOf(gpu, 'max_clocks')[0] ?? '';
    const memory = blocksOf(gpu, 'fb_memory_usage')[0] ?? '';
    const mebibytes = numberOf(memory, 'total');
    return {
      minor: numberOf(gpu, 'minor_number'),
      name: textOf(gpu, 'product_name'),
      driver,
      memoryBytes: mebibytes === null ? null : mebibytes * PER_MEBIBYTE,
      maximumClockMhz: numberOf(clocks, 'sm_clock'),
      maximumMemoryClockMhz: numberOf(clocks, 'mem_clock'),
      powerLimitWatts: numberOf(gpu, 'current_power_limit') ?? numberOf(gpu, 'power_limit'),
    };
  });
}

/** Bytes of device memory that a process holds; null where unknown, for example inside most containers. */
export async function nvidiaMemoryOf(pid: number): Promise<number | null> {
  return parseMemoryOf((await nvidiaSmi(['-q', '-x'])) ?? '', pid);
}

/** Over all devices, from `nvidia-smi -q -x`. */
export function parseMemoryOf(xml: string, pid: number): number | null {
  const own = blocksOf(xml, 'process_info').filter((process) => numberOf(process, 'pid') === pid);
  const mebibytes = own.map((process) => numberOf(process, 'used_memory'));
  if (own.length === 0 || mebibytes.includes(null)) return null;
  return mebibytes.reduce<number>((sum, part) => sum + (part ?? 0), 0) * PER_MEBIBYTE;
}

/** Standard output; undefined where the command is missing or fails. */
async function nvidiaSmi(args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run('nvidia-smi', [...args], { timeout: TIMEOUT_MS, maxBuffer: 2 ** 26 })).stdout;
  } catch {
    return undefined;
  }
}

function blocksOf(xml: string, tag: string): string[] {
  return [...xml.matchAll(new RegExp(`<${tag}(?: [^>]*)?>([^]*?)</${tag}>`, 'g'))].map(([, body = '']) => body);
}

function textOf(xml: string, tag: string): string | null {
  const text = blocksOf(xml, tag)[0]?.trim() ?? '';
  return text === '' || /^\[?(?:N\/A|Not Supported|Unknown)/i.test(text) ? null : text;
}

/** The number at the beginning of `80 MiB`, `1980 MHz` or `700.00 W`. */
function numberOf(xml: string, tag: string): number | null {
  const text = textOf(xml, tag);
  const value = text === null ? Number.NaN : Number.parseFloat(text);
  return Number.isFinite(value) ? value : null;
}
