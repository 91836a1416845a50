import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { deviceSchema } from '../../../contracts/runner.ts';
import { deviceFinding } from '../../../cli/commands/doctor.ts';
import { probeProvider } from '../../../engine/runtime/provider-probe.ts';
import { findSoftwareDevice } from '../../support/find-software-device.ts';

const found = findSoftwareDevice();
const folder = mkdtempSync(join(tmpdir(), 'probe-'));
afterAll(() => rmSync(folder, { recursive: true }));

const PATH = { PATH: process.env['PATH'] ?? '' };
const skipped = 'missing' in found ? found.missing : '';

describe.skipIf(skipped)(`webgpu over SwiftShader ${skipped}`, () => {
  if ('missing' in found) return;
  const { environment, manifest } = found;

  it('runs, and is recognized as software', async () => {
    const probe = await probeProvider('webgpu', { environment: { ...PATH, ...environment } });
    expect(probe).toMatchObject({ available: true, environment: { VK_DRIVER_FILES: manifest } });
    if (!probe.available) return;
    expect(v.parse(deviceSchema, probe.device)).toEqual(probe.device);
    expect(probe.device).toMatchObject({ name: 'SwiftShader', kind: 'software', driver: 'SwiftShader' });
    expect(Object.keys(probe.device.libraries)).toEqual(['libvk_swiftshader', 'libvulkan']);
    const finding = await deviceFinding('webgpu', { environment: { ...PATH, ...environment } });
    expect(finding.state).toBe('limited');
    expect(finding.text).toMatch(/SwiftShader: a software device/);
  });

  it('is found by its manifest beside a broken one', async () => {
    const manifests = join(folder, 'icd.d');
    const broken = brokenManifest(join(folder, 'a-broken.json'));
    const probe = await probeProvider('webgpu', {
      environment: { ...PATH, ...environment, VK_DRIVER_FILES: `${broken}:${manifest}` },
      manifestFolders: [manifests],
    });
    expect(probe).toMatchObject({ available: true, environment: { VK_DRIVER_FILES: manifest } });
  });

  it('reports a missing loader, driver, or driver library', async () => {
    // An empty file in its place: also a loader of the system is hidden by it.
    writeFileSync(join(folder, 'libvulkan.so.1'), '');
    const { LD_LIBRARY_PATH } = environment;
    for (const [hidden, subject, remedy] of [
      [{ ...environment, LD_LIBRARY_PATH: folder }, /no Vulkan loader/, /libvulkan1/],
      [{ LD_LIBRARY_PATH, VK_DRIVER_FILES: join(folder, 'none.json') }, /but no driver/, /VK_DRIVER_FILES/],
      [
        { LD_LIBRARY_PATH, VK_DRIVER_FILES: brokenManifest(join(folder, 'broken.json')) },
        /library cannot be loaded.*nothere\.so/,
        /reinstall/,
      ],
    ] as const) {
      const finding = await deviceFinding('webgpu', { environment: { ...PATH, ...hidden } });
      expect(finding).toMatchObject({ subject: 'webgpu runner', state: 'limited' });
      expect(finding.text).toMatch(subject);
      expect(finding.text).toMatch(remedy);
    }
  });
});

describe('cuda', () => {
  it.skipIf(process.platform !== 'linux' || process.arch !== 'x64')('reports a missing library', async () => {
    const finding = await deviceFinding('cuda', { libraryFolder: folder });
    expect(finding.state).toBe('limited');
    expect(finding.text).toMatch(/libonnxruntime_providers_cuda\.so.*npm run fetch-cuda/);
  });
});

function brokenManifest(path: string): string {
  const driver = { file_format_version: '1.0.0', ICD: { library_path: './nothere.so', api_version: '1.0.5' } };
  writeFileSync(path, JSON.stringify(driver));
  return path;
}
