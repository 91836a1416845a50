/**
 * Whether a provider runs on this machine, on which device, and if not, why and what to do. Each attempt runs in its
 * own process.
 * With several Vulkan drivers installed each is tried alone, hardware drivers first, so that it is known which one ran.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { homedir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import type { Device, DeviceProvider } from '../../contracts/runner.ts';
import { describeDevice } from './device.ts';
import { type Unavailable, explainUnavailable } from './explain-unavailable.ts';
import type { ProbeReport } from './provider-probe-child.ts';

export type ProviderProbe =
  | {
      readonly available: true;
      readonly provider: DeviceProvider;
      readonly device: Device;
      /** Environment variables that select the same device in another process. */
      readonly environment: Readonly<Record<string, string>>;
    }
  | ({ readonly available: false; readonly provider: DeviceProvider } & Unavailable);

/** Taken from the caller's environment in addition to the usual variables of child processes. */
const PASSED_ON = ['CUDA_VISIBLE_DEVICES', 'NVIDIA_VISIBLE_DEVICES', 'XDG_RUNTIME_DIR'] as const;
/** CUDA's default order is by speed; nvidia-smi orders by bus. TensorFloat-32 would drop 13 bits of float32. */
const CUDA_ENVIRONMENT = { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', NVIDIA_TF32_OVERRIDE: '0' } as const;
/** Compiling the first shader takes seconds in software. */
const TIMEOUT_MS = 120_000;
const CHILD = join(import.meta.dirname, 'provider-probe-child.ts');
const CUDA_LIBRARY = 'libonnxruntime_providers_cuda.so';

export interface ProbeOptions {
  /** Replaces this process's environment. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Folders of Vulkan driver manifests; default: the system's. */
  readonly manifestFolders?: readonly string[];
  /** Where to look for the CUDA provider's library; default: onnxruntime-node's own folder. */
  readonly libraryFolder?: string;
}

export async function probeProvider(provider: DeviceProvider, options: ProbeOptions = {}): Promise<ProviderProbe> {
  const { environment = process.env } = options;
  const passed = Object.fromEntries(
    PASSED_ON.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
  if (provider === 'cuda') {
    if (!existsSync(join(options.libraryFolder ?? libraryFolder(), CUDA_LIBRARY))) {
      return { available: false, provider, ...explainUnavailable(provider, { libraryMissing: CUDA_LIBRARY }) };
    }
    return attempt(provider, environment, { ...passed, ...CUDA_ENVIRONMENT });
  }
  const manifests = driverManifests(environment, options.manifestFolders ?? manifestFolders(environment));
  const failures: ProviderProbe[] = [];
  let software: ProviderProbe | undefined;
  for (const manifest of manifests) {
    // The variable's new name in the loader, and its old one.
    const one = { ...passed, VK_DRIVER_FILES: manifest, VK_ICD_FILENAMES: manifest };
    const probe = await attempt(provider, environment, one);
    if (!probe.available) failures.push(probe);
    else if (probe.device.kind === 'hardware') return probe;
    else software ??= probe;
  }
  return software ?? failures[0] ?? attempt(provider, environment, passed);
}

async function attempt(
  provider: DeviceProvider,
  environment: NodeJS.ProcessEnv,
  own: Readonly<Record<string, string>>,
): Promise<ProviderProbe> {
  const { report, errorOutput } = await runChild(provider, { ...environment, ...own });
  if (report?.ran) {
    return { available: true, provider, device: await describeDevice(provider, report.evidence), environment: own };
  }
  const message = report?.message ?? '';
  return { available: false, provider, ...explainUnavailable(provider, { message, errorOutput }) };
}

interface Ending {
  readonly report: ProbeReport | undefined;
  readonly errorOutput: string;
}

function runChild(provider: DeviceProvider, environment: NodeJS.ProcessEnv): Promise<Ending> {
  const args = ['--disable-warning=ExperimentalWarning', CHILD, provider];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { env: environment, timeout: TIMEOUT_MS }, (error, stdout, stderr) => {
      const report = reportOf(stdout);
      const ending = error && !report ? `\nits process ended: ${error.signal ?? `exit code ${error.code}`}` : '';
      resolve({ report, errorOutput: `${stderr}${ending}` });
    });
  });
}

function reportOf(stdout: string): ProbeReport | undefined {
  try {
    return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ProbeReport;
  } catch {
    return undefined; // crashed before it printed anything
  }
}

/** Where onnxruntime-node looks for its providers' libraries. */
function libraryFolder(): string {
  const manifest = createRequire(import.meta.url).resolve('onnxruntime-node/package.json');
  return join(dirname(manifest), 'bin/napi-v6', process.platform, process.arch);
}

const SOFTWARE_MANIFEST = /swiftshader|lvp|llvmpipe/i;

/**
 * Driver manifests, https://github.com/KhronosGroup/Vulkan-Loader/blob/main/docs/LoaderDriverInterface.md; hardware
 * first.
 */
function driverManifests(environment: NodeJS.ProcessEnv, folders: readonly string[]): readonly string[] {
  const named = environment['VK_DRIVER_FILES'] ?? environment['VK_ICD_FILENAMES'];
  const found =
    named === undefined
      ? folders.flatMap((folder) =>
          listed(folder)
            .filter((name) => name.endsWith('.json'))
            .map((name) => join(folder, name)),
        )
      : named.split(delimiter).filter((path) => path !== '');
  const rank = (path: string) => Number(SOFTWARE_MANIFEST.test(basename(path)));
  return found.sort((a, b) => rank(a) - rank(b));
}

function manifestFolders(environment: NodeJS.ProcessEnv): readonly string[] {
  const home = homedir();
  const roots = [
    environment['XDG_CONFIG_HOME'] ?? join(home, '.config'),
    '/etc/xdg',
    '/etc',
    environment['XDG_DATA_HOME'] ?? join(home, '.local/share'),
    '/usr/local/share',
    '/usr/share',
  ];
  return roots.map((root) => join(root, 'vulkan/icd.d'));
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
