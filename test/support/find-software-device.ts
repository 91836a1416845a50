/**
 * SwiftShader, a Vulkan driver that computes on the processor, with a Vulkan loader: what an installed Chromium brings, else
 * Debian's where it may be installed. Or why there is none, in one line.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installDebian } from './install-debian.ts';

export type FoundSoftwareDevice =
  | {
      /** Manifest of the driver, and folder of the loader. */
      readonly manifest: string;
      readonly libraryFolder: string;
      readonly environment: { readonly VK_DRIVER_FILES: string; readonly LD_LIBRARY_PATH: string };
    }
  | { readonly missing: string };

const FOLDERS = ['/usr/lib/chromium', '/usr/lib64/chromium-browser', '/opt/google/chrome'];

export function findSoftwareDevice(): FoundSoftwareDevice {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `WebGPU over SwiftShader is tested on Linux x64, this is ${process.platform}-${process.arch}` };
  }
  const installed = installedDevice();
  if (installed) return installed;
  const refusal = installDebian('chromium-common');
  return installedDevice() ?? { missing: `no SwiftShader: install Debian's chromium-common (${refusal})` };
}

function installedDevice(): FoundSoftwareDevice | undefined {
  const needed = ['vk_swiftshader_icd.json', 'libvk_swiftshader.so', 'libvulkan.so.1'];
  const libraryFolder = FOLDERS.find((folder) => needed.every((name) => existsSync(join(folder, name))));
  if (libraryFolder === undefined) return undefined;
  const manifest = join(libraryFolder, 'vk_swiftshader_icd.json');
  return { manifest, libraryFolder, environment: { VK_DRIVER_FILES: manifest, LD_LIBRARY_PATH: libraryFolder } };
}
