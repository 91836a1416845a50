import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import {
  MOST_SOURCE_BYTES,
  methodSources,
  requireOwnFiles,
  requireOwnFilesOf,
} from '../../../harness/plan/method-sources.ts';
import { methods } from '../../../methods/index.ts';
import { temporaryFolder } from '../../support/store.ts';
import { methodRegistration, tinyEntry } from '../../support/tiny-suite.ts';

const METHOD = 'methods/pruning/cut.ts';

/** A home folder with a secret, and a small repository in it whose method has these lines. */
function repository(method: string, files: Readonly<Record<string, string | Uint8Array>> = {}): string {
  const home = temporaryFolder();
  const all = {
    '.netrc': 'machine example.org password hunter2',
    '.ssh/id': 'key',
    'repository/datasets/rows.ts': 'export const rows = [];',
    'repository/numerics/tensor/random.ts': `export const table = '${'0'.repeat(2 * MOST_SOURCE_BYTES)}';`,
    ...Object.fromEntries(Object.entries(files).map(([path, text]) => [`repository/${path}`, text])),
    [`repository/${METHOD}`]: method,
  };
  for (const [path, text] of Object.entries(all)) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), text);
  }
  return join(home, 'repository');
}

const sourcesOf = (root: string): string[] =>
  methodSources(join(root, METHOD), root).map((path) => relative(root, path));
const address = (path: string): string => `export const file = new URL('${path}', import.meta.url);`;

describe('methodSources', () => {
  it('includes the method, its script, shared code and what a method may import', () => {
    const root = repository(
      `import '../shared/masks.ts';\nimport '../../numerics/tensor/random.ts';\n${address('./cut.py')}`,
      { 'methods/shared/masks.ts': '', 'methods/pruning/cut.py': '' },
    );
    expect(sourcesOf(root).sort()).toEqual([
      'methods/pruning/cut.py',
      METHOD,
      'methods/shared/masks.ts',
      'numerics/tensor/random.ts',
    ]);
  });

  it.each([
    ['a file of the home folder by its address', address('../../../.netrc'), '../.netrc'],
    ['a folder of the home folder', address('../../../.ssh'), '../.ssh'],
    ['the rows of a dataset', "import '../../datasets/rows.ts';", 'datasets/rows.ts'],
    ['a file that a shared module names', "import '../shared/masks.ts';", '../.netrc'],
  ])('refuses %s', (_, method, named) => {
    const root = repository(method, { 'methods/shared/masks.ts': address('../../../.netrc') });
    expect(() => sourcesOf(root)).toThrow(InputError);
    expect(() => sourcesOf(root)).toThrow(`${METHOD} reads ${named}, which is outside methods/`);
  });

  it('refuses a link out of methods/, whatever its name', () => {
    const root = repository(address('./table.ts'));
    symlinkSync('../../../.netrc', join(root, 'methods/pruning/table.ts'));
    expect(() => sourcesOf(root)).toThrow(/reads methods\/pruning\/table\.ts \(.*\.netrc\), which is outside/);
  });

  it('refuses a method that is itself a link', () => {
    const root = repository('');
    symlinkSync('../../../.netrc', join(root, 'methods/pruning/other.ts'));
    expect(() => methodSources(join(root, 'methods/pruning/other.ts'), root)).toThrow(/is outside/);
  });

  it.each([
    ['data beside the method', { 'methods/pruning/table.json': '[]' }, './table.json'],
    ['bytes that are called a script', { 'methods/pruning/table.py': Uint8Array.of(1, 0, 2) }, './table.py'],
    ['a folder', { 'methods/pruning/table.ts/part.ts': '' }, './table.ts'],
  ])('refuses %s', (_, files, path) => {
    expect(() => sourcesOf(repository(address(path), files))).toThrow(
      /is not source code; a method takes its data from/,
    );
  });

  it('limits the size of the method’s own files, single and together', () => {
    const half = `export const table = '${'0'.repeat(MOST_SOURCE_BYTES / 2)}';`;
    const whole = { 'methods/pruning/table.ts': half + half };
    expect(() => sourcesOf(repository("import './table.ts';", whole))).toThrow(
      /table\.ts of \d+ bytes, expected at most 65536/,
    );
    const halves = { 'methods/pruning/a.ts': half, 'methods/pruning/b.ts': half };
    expect(() => sourcesOf(repository("import './a.ts';\nimport './b.ts';", halves))).toThrow(
      /the files that it brings/,
    );
    const shared = { 'methods/shared/table.ts': half + half };
    expect(() => sourcesOf(repository("import '../shared/table.ts';", shared))).toThrow(/at most 65536/);
  });
});

describe('requireOwnFiles', () => {
  it('accepts each registered method', () => {
    const root = join(import.meta.dirname, '../../..');
    for (const method of methods) {
      requireOwnFiles({ method, file: join(root, `methods/${method.family}/${method.id}.ts`) });
    }
  });

  it('refuses a command given by path, since its first line could name any interpreter', async () => {
    const registration = await methodRegistration('control/dense');
    const command = ['methods/control/tool'] as const;
    expect(() => requireOwnFiles({ ...registration, method: { ...registration.method, command } })).toThrow(
      /expected the name of a program/,
    );
    for (const program of ['python3', process.execPath]) {
      requireOwnFiles({ ...registration, method: { ...registration.method, command: [program] } });
    }
  });

  it('is applied to all methods of a plan', async () => {
    const { method } = await methodRegistration('control/dense');
    const folder = temporaryFolder();
    writeFileSync(join(folder, '.netrc'), '');
    mkdirSync(join(folder, 'own'));
    const file = join(folder, 'own/reads-home.ts');
    writeFileSync(file, address('../.netrc'));
    const entry = tinyEntry([{ registration: { method, file }, variant: 'fp32' }]);
    expect(() => requireOwnFilesOf([entry])).toThrow(/reads .*\.netrc, which is outside methods\//);
  });
});
