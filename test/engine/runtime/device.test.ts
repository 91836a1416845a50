import { describe, expect, it } from 'vitest';
import { deviceOf } from '../../../engine/runtime/device.ts';
import { parseDevices, parseMemoryOf } from '../../../engine/runtime/nvidia-smi.ts';

/** In the form of nvidia-smi -q -x, shortened; written down, not taken from a device. */
const XML = `<?xml version="1.0" ?>
<nvidia_smi_log>
  <driver_version>570.86.15</driver_version>
  <gpu id="00000000:04:00.0">
    <product_name>NVIDIA H100 80GB HBM3</product_name>
    <minor_number>0</minor_number>
    <fb_memory_usage><total>81559 MiB</total><used>4 MiB</used></fb_memory_usage>
    <gpu_power_readings><power_state>P0</power_state><current_power_limit>700.00 W</current_power_limit></gpu_power_readings>
    <clocks><sm_clock>345 MHz</sm_clock></clocks>
    <max_clocks><graphics_clock>1980 MHz</graphics_clock><sm_clock>1980 MHz</sm_clock><mem_clock>2619 MHz</mem_clock></max_clocks>
    <processes>
      <process_info><pid>77</pid><type>C</type><used_memory>530 MiB</used_memory></process_info>
      <process_info><pid>78</pid><type>G</type><used_memory>[N/A]</used_memory></process_info>
    </processes>
  </gpu>
  <gpu id="00000000:05:00.0">
    <product_name>NVIDIA T400</product_name>
    <minor_number>1</minor_number>
    <fb_memory_usage><total>N/A</total></fb_memory_usage>
    <processes><process_info><pid>77</pid><used_memory>10 MiB</used_memory></process_info></processes>
  </gpu>
</nvidia_smi_log>`;
const devices = parseDevices(XML);

describe('parseDevices', () => {
  it('reads the reported values, and null where there are none', () => {
    expect(devices).toEqual([
      {
        minor: 0,
        name: 'NVIDIA H100 80GB HBM3',
        driver: '570.86.15',
        memoryBytes: 81559 * 2 ** 20,
        maximumClockMhz: 1980,
        maximumMemoryClockMhz: 2619,
        powerLimitWatts: 700,
      },
      {
        minor: 1,
        name: 'NVIDIA T400',
        driver: '570.86.15',
        memoryBytes: null,
        maximumClockMhz: null,
        maximumMemoryClockMhz: null,
        powerLimitWatts: null,
      },
    ]);
    expect(parseDevices('')).toEqual([]);
  });
});

describe('parseMemoryOf', () => {
  it('sums a process over devices; null for one that is not listed or not reported', () => {
    expect(parseMemoryOf(XML, 77)).toBe(540 * 2 ** 20);
    expect(parseMemoryOf(XML, 78)).toBeNull();
    expect(parseMemoryOf(XML, 79)).toBeNull();
  });
});

describe('deviceOf', () => {
  const nvidia = {
    libraries: ['/usr/lib/libGLX_nvidia.so.570.86.15'],
    deviceFiles: ['/dev/nvidiactl', '/dev/nvidia0'],
  };

  it('names the hardware whose driver is loaded and whose file is open', () => {
    expect(deviceOf('webgpu', nvidia, devices)).toEqual({
      name: 'NVIDIA H100 80GB HBM3',
      kind: 'hardware',
      driver: 'NVIDIA 570.86.15',
      memoryBytes: 81559 * 2 ** 20,
      maximumClockMhz: 1980,
      maximumMemoryClockMhz: 2619,
      powerLimitWatts: 700,
      libraries: { libGLX_nvidia: '570.86.15' },
    });
    const cuda = { libraries: ['/usr/lib/libcuda.so.570.86.15'], deviceFiles: ['/dev/nvidia0', '/dev/nvidia1'] };
    expect(deviceOf('cuda', cuda, devices)).toMatchObject({
      name: 'NVIDIA H100 80GB HBM3 or NVIDIA T400',
      kind: 'hardware',
      memoryBytes: null,
    });
    const radeon = { libraries: ['/usr/lib/libvulkan_radeon.so'], deviceFiles: ['/dev/dri/renderD128'] };
    expect(deviceOf('webgpu', radeon, [])).toMatchObject({ name: null, kind: 'hardware', driver: 'Mesa RADV' });
  });

  it('counts as software what cannot be shown to be hardware', () => {
    const swiftShader = '/usr/lib/chromium/libvk_swiftshader.so';
    for (const [evidence, name] of [
      [{ libraries: [swiftShader], deviceFiles: [] }, 'SwiftShader'],
      [{ libraries: ['/usr/lib/libvulkan_lvp.so'], deviceFiles: ['/dev/dri/renderD128'] }, 'llvmpipe'],
      // Loaded beside hardware: either may have run.
      [{ libraries: [...nvidia.libraries, swiftShader], deviceFiles: nvidia.deviceFiles }, 'SwiftShader or NVIDIA'],
      // A driver without a device of its.
      [{ libraries: nvidia.libraries, deviceFiles: ['/dev/nvidiactl'] }, 'NVIDIA'],
      [{ libraries: [], deviceFiles: [] }, null],
    ] as const) {
      expect(deviceOf('webgpu', evidence, devices)).toMatchObject({ kind: 'software', name });
    }
  });
});
