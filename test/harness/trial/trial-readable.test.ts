import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Method } from '../../../engine/definitions/method.ts';
import { trialReadable } from '../../../harness/trial/trial-readable.ts';
import dense from '../../../methods/control/dense.ts';
import { temporaryFolder } from '../../support/store.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SIZE = {} as never;

function readable(method: Partial<Method>, overrides: object = {}): string[] {
  const folder = temporaryFolder();
  const inputs = ['model.onnx', 'model.json', 'calibration.v8', 'test.v8'].map((name) => join(folder, name));
  for (const path of inputs) writeFileSync(path, '');
  const [onnxPath = '', partsPath = '', calibrationPath = ''] = inputs;
  const specification = {
    methodFile: join(ROOT, 'methods/control/dense.ts'),
    params: {},
    randomSeed: '',
    model: { onnxPath, partsPath, sha256: '', size: SIZE },
    calibrationPath,
    trainingPath: null,
    training: { provider: 'cpu' as const, environment: {} },
    ...overrides,
  };
  return trialReadable(specification, { ...dense, ...method });
}
const covers = (paths: readonly string[], path: string) =>
  paths.some((each) => path === each || path.startsWith(`${each}/`));

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('trialReadable', () => {
  it('includes the folder of the driver library for the training device', () => {
    const drivers = temporaryFolder();
    const environment = { VK_DRIVER_FILES: join(drivers, 'driver.json') };
    expect(readable({}, { training: { provider: 'webgpu', environment } })).toContain(drivers);
    expect(readable({})).not.toContain(drivers);
  });

  it('includes code and inputs, and nothing that a method must not read', () => {
    const paths = readable({});
    expect(paths.filter((path) => path.endsWith('model.onnx') || path.endsWith('calibration.v8'))).toHaveLength(2);
    expect(paths.filter((path) => path.endsWith('test.v8'))).toEqual([]);
    for (const name of ['harness', 'methods', 'node_modules']) expect(covers(paths, join(ROOT, name))).toBe(true);
    for (const name of ['datasets', 'models', 'results', 'test', '.shrinkrank', '.git', 'drizzle']) {
      expect(covers(paths, join(ROOT, name)), name).toBe(false);
    }
  });

  it('includes only the imports of a method in another folder', () => {
    const folder = temporaryFolder();
    writeFileSync(
      join(folder, 'mine.ts'),
      "import './part.ts';\nconst script = new URL('./script.py', import.meta.url);\n",
    );
    for (const name of ['part.ts', 'script.py', 'secret.ts']) writeFileSync(join(folder, name), '');
    const paths = readable({}, { methodFile: join(folder, 'mine.ts') });
    expect(paths.filter((path) => path.startsWith(folder)).sort()).toEqual(
      ['mine.ts', 'part.ts', 'script.py'].map((name) => join(folder, name)),
    );
  });

  it('includes the installation of a command: of a virtual environment, through links, of a script’s interpreter', () => {
    const folder = temporaryFolder();
    const [base, environment] = [join(folder, 'base'), join(folder, 'environment')];
    for (const path of [
      `${base}/bin`,
      `${base}/lib`,
      `${environment}/bin`,
      `${environment}/lib`,
      `${environment}/keys`,
    ]) {
      mkdirSync(path, { recursive: true });
    }
    writeFileSync(`${base}/bin/python3.9`, '');
    chmodSync(`${base}/bin/python3.9`, 0o755);
    symlinkSync('python3.9', `${base}/bin/python3`);
    symlinkSync(`${base}/bin/python3`, `${environment}/bin/python3`);
    writeFileSync(`${environment}/pyvenv.cfg`, `home = ${base}/bin\n`);
    writeFileSync(`${environment}/bin/tool`, `#!${environment}/bin/python3\n`);
    chmodSync(`${environment}/bin/tool`, 0o755);
    vi.stubEnv('PATH', `${environment}/bin:${process.env['PATH']}`);
    for (const program of ['python3', 'tool']) {
      const paths = readable({ command: [program] });
      for (const needed of [
        'environment/bin',
        'environment/lib',
        'environment/pyvenv.cfg',
        'base/bin/python3.9',
        'base/lib',
      ]) {
        expect(covers(paths, join(folder, needed)), `${program}: ${needed}`).toBe(true);
      }
      expect(covers(paths, join(folder, 'environment/keys'))).toBe(false);
    }
  });
});
