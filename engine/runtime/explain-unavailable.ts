/** Explains why a provider did not start, from the output of its process, and what to do. */
import type { DeviceProvider } from '../../contracts/runner.ts';

export type UnavailableCause =
  | 'platform'
  | 'no-loader'
  | 'no-driver'
  | 'driver-broken'
  | 'no-fit-adapter'
  | 'library-missing'
  | 'dependency-missing'
  | 'failed';

export interface Unavailable {
  readonly cause: UnavailableCause;
  readonly reason: string;
}

export interface ProbeTraces {
  /** The message of what was thrown. */
  readonly message?: string;
  /** For WebGPU only this contains the cause. */
  readonly errorOutput?: string;
  /** Name of the provider's library, if it is missing. */
  readonly libraryMissing?: string;
}

/** Longest excerpt of foreign output that is quoted. */
const QUOTED_CHARACTERS = 400;

export function explainUnavailable(
  provider: DeviceProvider,
  traces: ProbeTraces,
  platform = `${process.platform}-${process.arch}`,
): Unavailable {
  return provider === 'cuda' ? explainCuda(traces, platform) : explainWebGpu(traces);
}

function explainWebGpu({ message = '', errorOutput = '' }: ProbeTraces): Unavailable {
  const loader = /Couldn't load Vulkan: (.*)/.exec(errorOutput)?.[1];
  if (loader !== undefined) {
    return {
      cause: 'no-loader',
      reason: `no Vulkan loader (${loader.trim()}); install it (Debian, Ubuntu: apt-get install libvulkan1), or name its folder in LD_LIBRARY_PATH`,
    };
  }
  const broken = /^Warning: (.*cannot open shared object file.*)$/m.exec(errorOutput)?.[1];
  if (broken !== undefined || /Failed loading library associated with ICD/.test(errorOutput)) {
    return {
      cause: 'driver-broken',
      reason: `the Vulkan driver's library cannot be loaded (${quoted(broken ?? errorOutput)}); reinstall the driver, or mend the path in its manifest`,
    };
  }
  if (/Found no drivers|VK_ERROR_INCOMPATIBLE_DRIVER/.test(errorOutput)) {
    return {
      cause: 'no-driver',
      reason:
        'the Vulkan loader is here, but no driver: install the GPU’s (NVIDIA: in a container ask for the capability "graphics"; ' +
        'AMD, Intel: mesa-vulkan-drivers), or name the manifest of one in VK_DRIVER_FILES',
    };
  }
  if (/Failed to get a WebGPU (adapter|device)|No supported adapters/i.test(message)) {
    const more = errorOutput.trim() === '' ? '' : `; it said: ${quoted(errorOutput)}`;
    return {
      cause: 'no-fit-adapter',
      reason: `a Vulkan driver is installed, but it has no usable device: there is no device, or the driver is too old; update it${more}`,
    };
  }
  return failed('webgpu', message, errorOutput);
}

const CUDA_COMMAND = 'npm run fetch-cuda';

function explainCuda({ message = '', errorOutput = '', libraryMissing }: ProbeTraces, platform: string): Unavailable {
  if (platform !== 'linux-x64') {
    return {
      cause: 'platform',
      reason: `onnxruntime-node supports CUDA on Linux x64 only, got ${platform}; use webgpu`,
    };
  }
  if (libraryMissing !== undefined) {
    return {
      cause: 'library-missing',
      reason: `onnxruntime's CUDA library (${libraryMissing}) is not here; fetch it: ${CUDA_COMMAND} (some 200 MB from nuget.org)`,
    };
  }
  const text = `${errorOutput}\n${message}`;
  const missing = /(\S+\.so[.\d]*): cannot open shared object file/.exec(text)?.[1];
  const absent = missing?.split('/').at(-1);
  if (absent?.startsWith('libcuda.so') || /driver version is insufficient|CUDA failure 35\b/i.test(text)) {
    return {
      cause: 'no-driver',
      reason: `no NVIDIA driver, or one too old (${absent ?? 'insufficient for the CUDA runtime'}); install or update it, and see that nvidia-smi works`,
    };
  }
  if (absent?.startsWith('libonnxruntime_providers')) {
    return {
      cause: 'library-missing',
      reason: `onnxruntime's CUDA library is not whole (${absent} is missing); fetch it again: ${CUDA_COMMAND}`,
    };
  }
  if (absent !== undefined) {
    return {
      cause: 'dependency-missing',
      reason: `onnxruntime's CUDA library needs ${absent}, which is not here: install the CUDA 12 runtime libraries and cuDNN 9, and name their folders in LD_LIBRARY_PATH`,
    };
  }
  if (/no CUDA-capable device|CUDA failure 100\b|invalid device ordinal|CUDA failure 101\b/i.test(text)) {
    return {
      cause: 'no-fit-adapter',
      reason:
        'the NVIDIA driver is installed, but has no usable device; check nvidia-smi, CUDA_VISIBLE_DEVICES and /dev/nvidia*',
    };
  }
  if (/no kernel image is available|CUDA failure 209\b/i.test(text)) {
    return {
      cause: 'no-fit-adapter',
      reason: 'onnxruntime’s kernels are not built for this generation of device; use webgpu',
    };
  }
  return failed('cuda', message, errorOutput);
}

function failed(provider: DeviceProvider, message: string, errorOutput: string): Unavailable {
  const said = quoted([message, errorOutput].filter((text) => text.trim() !== '').join(' | '));
  return { cause: 'failed', reason: `${provider} did not start, for a reason not known here: ${said || 'no output'}` };
}

/** On one line, without terminal colours, truncated. */
function quoted(text: string): string {
  const plain = text
    .replaceAll(/\p{Cc}+/gu, ' ')
    .replaceAll(/\[[\d;]+m/g, '')
    .replaceAll(/ +/g, ' ')
    .trim();
  return plain.length <= QUOTED_CHARACTERS ? plain : `${plain.slice(0, QUOTED_CHARACTERS - 1)}…`;
}
