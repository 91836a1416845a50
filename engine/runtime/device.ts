/** Which hardware or software ran a probe, from the drivers it loaded and the device files it held open. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import type { Device, DeviceProvider } from '../../contracts/runner.ts';
import { type NvidiaDevice, nvidiaDevices } from './nvidia-smi.ts';
import type { ProbeEvidence } from './provider-probe-child.ts';

interface Driver {
  readonly library: RegExp;
  readonly name: string;
  /** Device files that the driver uses; absent for software. */
  readonly deviceFile?: RegExp;
}

/** Vulkan drivers by the library that their manifest names. */
const VULKAN_DRIVERS: readonly Driver[] = [
  { library: /^libvk_swiftshader\b/, name: 'SwiftShader' },
  { library: /^libvulkan_lvp\b/, name: 'llvmpipe' },
  { library: /^lib(GLX|EGL)_nvidia\b|^libnvidia-vulkan/, name: 'NVIDIA', deviceFile: /^\/dev\/nvidia\d+$/ },
  { library: /^libvulkan_nouveau\b/, name: 'Mesa NVK', deviceFile: /^\/dev\/dri\/renderD/ },
  { library: /^libvulkan_radeon\b/, name: 'Mesa RADV', deviceFile: /^\/dev\/dri\/renderD/ },
  { library: /^amdvlk/, name: 'AMDVLK', deviceFile: /^\/dev\/dri\/renderD/ },
  { library: /^libvulkan_intel/, name: 'Mesa ANV', deviceFile: /^\/dev\/dri\/renderD/ },
  { library: /^libvulkan_dzn\b/, name: 'Mesa Dozen', deviceFile: /^\/dev\/dxg$/ },
];
const CUDA_DRIVER: Driver = { library: /^libcuda\b/, name: 'NVIDIA', deviceFile: /^\/dev\/(nvidia\d+|dxg)$/ };

/** Libraries whose version determines which kernels run. */
const DECISIVE = /^lib(vulkan|vk_|cuda|cudart|cudnn|cublas|cufft|curand|GLX_nvidia|onnxruntime_providers_cuda|dxil)/;
/** Larger files are not hashed; it would take longer than the probe. */
const HASHED_BYTES = 64 * 2 ** 20;

export async function describeDevice(provider: DeviceProvider, evidence: ProbeEvidence): Promise<Device> {
  return deviceOf(provider, evidence, await nvidiaDevices());
}

/**
 * Counts as software unless shown to be hardware: no device driver, no open device file, or a software driver loaded
 * besides, which might be the one that ran.
 */
export function deviceOf(
  provider: DeviceProvider,
  { libraries, deviceFiles }: ProbeEvidence,
  nvidia: readonly NvidiaDevice[],
): Device {
  const known = provider === 'cuda' ? [CUDA_DRIVER] : VULKAN_DRIVERS;
  const loaded = known.filter(({ library }) => libraries.some((path) => library.test(basename(path))));
  const shown = loaded.filter(({ deviceFile }) => deviceFiles.some((file) => deviceFile?.test(file)));
  const hardware = shown.length > 0 && loaded.every((driver) => shown.includes(driver));
  const driver = (hardware ? shown : loaded).map(({ name }) => name).join(' or ');
  const own = driver === 'NVIDIA' ? opened(nvidia, deviceFiles) : [];
  const [first] = own;
  return {
    name: hardware ? named(own) : driver || null,
    kind: hardware ? 'hardware' : 'software',
    driver: driver === '' ? null : [driver, first?.driver].filter(Boolean).join(' '),
    memoryBytes: same(own, 'memoryBytes'),
    maximumClockMhz: same(own, 'maximumClockMhz'),
    maximumMemoryClockMhz: same(own, 'maximumMemoryClockMhz'),
    powerLimitWatts: same(own, 'powerLimitWatts'),
    libraries: Object.fromEntries(
      libraries.filter((path) => DECISIVE.test(basename(path))).map((path) => [stemOf(path), versionOf(path)]),
    ),
  };
}

/** Drivers whose device files the process held; a driver opens all devices it may use, so there may be several. */
function opened(nvidia: readonly NvidiaDevice[], deviceFiles: readonly string[]): readonly NvidiaDevice[] {
  if (nvidia.length === 1) return nvidia;
  return nvidia.filter(({ minor }) => minor !== null && deviceFiles.includes(`/dev/nvidia${minor}`));
}

function named(devices: readonly NvidiaDevice[]): string | null {
  const names = [...new Set(devices.map(({ name }) => name))].filter((name) => name !== null);
  return names.length === 0 ? null : names.join(' or ');
}

function same(devices: readonly NvidiaDevice[], field: Exclude<keyof NvidiaDevice, 'name' | 'driver'>): number | null {
  const values = new Set(devices.map((device) => device[field]));
  return values.size === 1 ? ([...values][0] ?? null) : null;
}

function stemOf(path: string): string {
  return basename(path).replace(/\.so[\d.]*$/, '');
}

function versionOf(path: string): string {
  const version = /\.so\.(\d+\.[\d.]+)$/.exec(path)?.[1];
  if (version !== undefined) return version;
  try {
    const { size } = statSync(path);
    if (size > HASHED_BYTES) return `${size} bytes`;
    return `sha256 ${createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 12)}`;
  } catch {
    return 'unreadable';
  }
}
