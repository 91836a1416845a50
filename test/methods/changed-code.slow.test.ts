/** What changes of code do to keys and artifacts, on copies of the repository that really are changed. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const CODE = ['contracts', 'numerics', 'engine', 'harness', 'methods', 'models', 'datasets', 'drizzle', 'board', 'cli'];
const NEEDED = [...CODE, 'test/support', 'test/methods/contract.test.ts', 'package.json'];

/** The code of the repository and its contract suite in a folder that the test may change. */
function copyOfRepository(): string {
  const root = mkdtempSync(join(tmpdir(), 'shrinkrank-changed-code-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const path of NEEDED) cpSync(join(REPOSITORY, path), join(root, path), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules'), join(root, 'node_modules'));
  return root;
}

/** Path of the one file of this name below a folder of the copy. */
function find(root: string, folder: string, name: string): string {
  const found = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).filter(
    (path) => basename(path) === name,
  );
  expect(found, `${folder}/**/${name}`).toHaveLength(1);
  return join(root, folder, found[0] ?? '');
}

function edit(path: string, change: (text: string) => string): void {
  const text = readFileSync(path, 'utf8');
  const changed = change(text);
  expect(changed, `${path} is as it was`).not.toBe(text);
  writeFileSync(path, changed);
}

/** Gives a file another name and rewrites what imports it. */
function move(root: string, path: string, name: string): void {
  const importers = CODE.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => join(root, folder, file)),
  );
  renameSync(path, join(dirname(path), name));
  for (const file of importers.filter((importer) => importer !== path)) {
    const text = readFileSync(file, 'utf8');
    if (text.includes(`/${basename(path)}'`)) {
      writeFileSync(file, text.replaceAll(`/${basename(path)}'`, `/${name}'`));
    }
  }
}

interface SuiteResult {
  readonly status: number | null;
  /** Full name and messages of each test that failed. */
  readonly failed: readonly string[];
}

function contractSuite(root: string, method: string): SuiteResult {
  const file = join(root, 'report.json');
  const vitest = join(REPOSITORY, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    '--root',
    root,
    '-t',
    `^${method} `,
    '--testTimeout',
    '120000',
    '--reporter',
    'json',
    '--outputFile',
    file,
  ];
  const { status } = spawnSync(process.execPath, [vitest, ...args], { cwd: root, encoding: 'utf8' });
  const { testResults } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly testResults: readonly {
      readonly assertionResults: readonly {
        readonly fullName: string;
        readonly status: string;
        readonly failureMessages: readonly string[];
      }[];
    }[];
  };
  const failed = testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter((result) => result.status === 'failed')
    .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages.join('\n')}`);
  return { status, failed };
}

/** Keys of every variant of the methods on one model. */
function plannedKeys(root: string): readonly string[] {
  const script = `
    const at = (path) => import(${JSON.stringify(`file://${root}/`)} + path);
    const { findDataset, findModel, findVariants } = await at('cli/setup/registry.ts');
    const { planTrials } = await at('harness/plan/plan.ts');
    const { readMachine, runnerOf } = await at('harness/measure/machine.ts');
    const entry = {
      model: findModel('tinyworld-gpt'),
      calibration: findDataset('tinyworld'),
      tasks: [],
      variants: findVariants(['gptq', 'gqa-uptrained', 'movement', 'rtn']),
      seeds: [0],
    };
    console.log(planTrials([entry], runnerOf('cpu', readMachine())).map(({ key }) => key).join('\\n'));`;
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', script],
    { cwd: root, encoding: 'utf8' },
  );
  expect(status, stderr).toBe(0);
  return stdout.trim().split('\n');
}

describe('an edited comment and a moved file', () => {
  it('change no key and no artifact', () => {
    const root = copyOfRepository();
    const before = plannedKeys(REPOSITORY);
    expect(before.length).toBeGreaterThan(20);
    edit(find(root, 'engine/training', 'train.ts'), (text) => `// A remark that nobody has read yet.\n${text}`);
    move(root, find(root, 'engine/training', 'batches.ts'), 'ordered-batches.ts');
    expect(plannedKeys(root)).toEqual(before);
    expect(contractSuite(root, 'gqa-uptrained')).toEqual({ status: 0, failed: [] });
  });
});

describe('a changed rounding in gptq', () => {
  const bias = (text: string) =>
    text.replace('grids.round(', 'settled.forEach((value, at) => (settled[at] = value + 0.05));\n      grids.round(');

  it('fails the tests that name gptq and say what to do', () => {
    const root = copyOfRepository();
    edit(find(root, 'methods', 'gptq-layer.ts'), bias);
    const { status, failed } = contractSuite(root, 'gptq');
    expect(status).toBe(1);
    const moved = failed.filter((text) => text.includes('makes the artifact that is recorded under the revision'));
    expect(moved.length).toBeGreaterThan(10);
    for (const text of moved) {
      expect(text).toMatch(/gptq makes another artifact of \S+ on tiny-\w+ under the same revision \d+/);
      expect(text).toMatch(/raise revision to \d+ in methods\/quantization\/gptq\.ts/);
      expect(text).toContain('run: npm run update-digests -- gptq');
    }
  });

  it('asks for new digests where the revision was raised with it', () => {
    const root = copyOfRepository();
    edit(find(root, 'methods', 'gptq-layer.ts'), bias);
    edit(find(root, 'methods', 'gptq.ts'), (text) => text.replace(/revision: \d+,/, 'revision: 99,'));
    const { failed } = contractSuite(root, 'gptq');
    expect(failed.length).toBeGreaterThan(10);
    for (const text of failed) {
      expect(text).toMatch(/gptq declares revision 99, and methods\/artifact-digests\.json holds revision \d+; run:/);
    }
  });
});

describe('a method that refuses every architecture', () => {
  it('fails the contract suite', () => {
    const root = copyOfRepository();
    edit(find(root, 'methods', 'magnitude.ts'), (text) =>
      text
        .replace(/^import /m, "import { UnsupportedError } from '../../contracts/errors.ts';\nimport ")
        .replace(
          /^( {2}(?:async )?compress\((\w+).*\{)$/m,
          "$1\n    if ($2.id !== '') throw new UnsupportedError(`$${$2.id}: this method refuses whatever it is given`);",
        ),
    );
    const { status, failed } = contractSuite(root, 'magnitude');
    expect(status).toBe(1);
    expect(failed.some((text) => text.startsWith('magnitude is accepted by at least one architecture'))).toBe(true);
    expect(failed.join('\n')).toContain('magnitude refuses every architecture');
  });
});
