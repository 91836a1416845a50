import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createMethod } from '../../../cli/authors/new-method.ts';

const REPOSITORY = resolve(import.meta.dirname, '../../..');

const LINKED = [
  'contracts',
  'numerics',
  'engine',
  'harness',
  'models',
  'datasets',
  'cli',
  'node_modules',
  'test/support',
];

/** A checkout of its own as far as a method goes: what it writes to is copied, the rest linked. */
let root = '';
let written: readonly string[] = [];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'shrinkrank-new-method-'));
  mkdirSync(join(root, 'test/methods'), { recursive: true });
  for (const path of ['methods', 'package.json', 'test/methods/contract.test.ts']) {
    cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  }
  for (const path of LINKED) {
    symlinkSync(join(REPOSITORY, path), join(root, path));
  }
  written = createMethod(root, ['low-rank/a-beginning']);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function runTool(tool: string, args: readonly string[], environment: Readonly<Record<string, string>> = {}): void {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(REPOSITORY, 'node_modules', tool), ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...environment },
  });
  expect({ status, stdout: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, stdout: '' });
}

it('the files of new-method compile under the rules of the repository', () => {
  const config = JSON.parse(readFileSync(join(REPOSITORY, 'tsconfig.json'), 'utf8')) as object;
  const include = written.filter((path) => path !== 'methods/index.ts');
  writeFileSync(join(root, 'tsconfig.json'), JSON.stringify({ ...config, include }));
  runTool('typescript/bin/tsc', ['--noEmit']);
});

it('the files of new-method pass their own test and the contract suite unchanged, before and after their digests are recorded', () => {
  const file = join(root, 'report.json');
  const output = ['--reporter', 'json', '--outputFile', file];
  runTool('vitest/vitest.mjs', ['run', '--root', root, '-t', '^a-beginning ']);
  // As npm run update-digests -- a-beginning does.
  runTool('vitest/vitest.mjs', ['run', '--root', root, '-t', '^a-beginning '], { UPDATE_DIGESTS: '1' });
  runTool('vitest/vitest.mjs', ['run', '--root', root, '-t', '^(a-beginning|the list)', ...output]);
  const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, number>;
  expect(numFailedTests).toBe(0);
  // The list, its own one, what every method promises, and six promises on each architecture.
  expect(numPassedTests).toBeGreaterThan(20);
});
