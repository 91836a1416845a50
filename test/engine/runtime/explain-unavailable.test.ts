import { describe, expect, it } from 'vitest';
import { type ProbeTraces, explainUnavailable } from '../../../engine/runtime/explain-unavailable.ts';

/** What onnxruntime-node 1.30.0 was seen to throw and to print on standard error. */
const NO_ADAPTER = 'Failed to get a WebGPU adapter: No supported adapters';
const LOADER =
  "Warning: Couldn't load Vulkan: libvulkan.so.1: cannot open shared object file: No such file or directory\n";
const NO_DRIVERS =
  'Warning: vkCreateInstance: Found no drivers!\nWarning: vkCreateInstance failed with VK_ERROR_INCOMPATIBLE_DRIVER\n';
const BROKEN =
  'Warning: /opt/./nothere.so: cannot open shared object file: No such file or directory\n' +
  'Warning: loader_icd_scan: Failed loading library associated with ICD JSON /opt/./nothere.so. Ignoring this JSON\n';
const CUDA_THROWN = 'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library';
const cudaPrinted = (library: string) =>
  `\u001b[1;31m2026-11-25 [E:onnxruntime:onnxruntime-node, provider_bridge_ort.cc:2146 Create] 1 : FAIL : Failed to load library ` +
  `/m/libonnxruntime_providers_cuda.so with error: ${library}: cannot open shared object file: No such file or directory\n\u001b[m`;

const cuda = (traces: ProbeTraces) => explainUnavailable('cuda', traces, 'linux-x64');

describe('explainUnavailable of webgpu', () => {
  it.each([
    ['no-loader', LOADER, /libvulkan1/],
    ['no-driver', NO_DRIVERS, /no driver: install the GPU’s/],
    ['driver-broken', BROKEN + NO_DRIVERS, /nothere\.so.*reinstall the driver/],
    ['no-fit-adapter', '', /too old; update it$/],
    ['no-fit-adapter', 'Warning: vkEnumeratePhysicalDevices failed\n', /it said: Warning: vkEnumerate/],
  ] as const)('explains %s', (cause, errorOutput, reason) => {
    const told = explainUnavailable('webgpu', { message: NO_ADAPTER, errorOutput });
    expect(told.cause).toBe(cause);
    expect(told.reason).toMatch(reason);
  });

  it('quotes unknown messages, truncated and on one line', () => {
    const told = explainUnavailable('webgpu', { errorOutput: `its process ended: SIGSEGV\n${'x'.repeat(5000)}` });
    expect(told.cause).toBe('failed');
    expect(told.reason).toContain('SIGSEGV');
    expect(told.reason.length).toBeLessThan(600);
    expect(told.reason).not.toContain('\n');
  });
});

describe('explainUnavailable of cuda', () => {
  it.each([
    ['library-missing', { libraryMissing: 'libonnxruntime_providers_cuda.so' }, /npm run fetch-cuda/],
    ['library-missing', { errorOutput: cudaPrinted('libonnxruntime_providers_shared.so') }, /fetch it again/],
    ['dependency-missing', { errorOutput: cudaPrinted('libcublasLt.so.12') }, /needs libcublasLt\.so\.12/],
    ['no-driver', { errorOutput: cudaPrinted('libcuda.so.1') }, /no NVIDIA driver.*libcuda\.so\.1/],
    [
      'no-driver',
      { message: 'CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version' },
      /update/,
    ],
    ['no-fit-adapter', { message: 'CUDA failure 100: no CUDA-capable device is detected' }, /CUDA_VISIBLE_DEVICES/],
    ['no-fit-adapter', { message: 'CUDA failure 209: no kernel image is available' }, /use webgpu/],
    ['failed', { message: 'CUDA failure 2: out of memory' }, /out of memory/],
  ] as const)('explains %s', (cause, traces, reason) => {
    const told = cuda({ message: CUDA_THROWN, ...traces });
    expect(told.cause).toBe(cause);
    expect(told.reason).toMatch(reason);
    expect(told.reason).not.toContain('\u001b');
  });

  it('is unavailable on other platforms, whatever else is missing', () => {
    const told = explainUnavailable('cuda', { libraryMissing: 'x' }, 'linux-arm64');
    expect(told).toEqual({ cause: 'platform', reason: expect.stringContaining('linux-arm64') });
  });
});
