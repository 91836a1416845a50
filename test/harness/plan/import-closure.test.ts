import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../contracts/errors.ts';
import { importClosure } from '../../../harness/plan/import-closure.ts';
import { temporaryFolder } from '../../support/store.ts';

const METHOD = 'methods/pruning/cut.ts';

/** A small repository whose method has these lines; `shared` is imported by nothing unless they do. */
function repository(method: string, files: Readonly<Record<string, string>> = {}): string {
  const root = temporaryFolder();
  const all = { 'methods/shared/masks.ts': 'export const mask = 1;\n', ...files, [METHOD]: method };
  for (const [path, text] of Object.entries(all)) write(root, path, text);
  return root;
}

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function closure(root: string): string[] {
  return importClosure(join(root, METHOD), root)
    .map((path) => relative(root, path))
    .sort();
}

const MASKS = '../shared/masks.ts';

describe('importClosure', () => {
  it.each([
    ['an import', `import { mask } from '${MASKS}';`],
    ['an import over several lines', `import {\n  mask,\n  type Other,\n} from '${MASKS}';`],
    ['a default and names', `import all, { mask } from "${MASKS}";`],
    ['a namespace', `import * as masks from '${MASKS}';`],
    ['an import for its effect', `import '${MASKS}';`],
    ['a passing on of names', `export { mask } from '${MASKS}';`],
    ['a passing on of all', `export * from '${MASKS}';`],
    ['a dynamic import', `const { mask } = await import('${MASKS}');`],
    ['a file named by its address', `const masks = new URL('${MASKS}', import.meta.url);`],
    [
      'an import after a string that looks like a comment',
      `const url = 'https://x';\nimport { mask } from '${MASKS}';`,
    ],
    ['an import beside a comment', `/* first */ import { mask } from '${MASKS}'; // last`],
  ])('follows %s', (_, method) => {
    expect(closure(repository(method))).toEqual([METHOD, 'methods/shared/masks.ts']);
  });

  it('includes a script in another language as it is, whatever its contents', () => {
    const method = `const script = fileURLToPath(new URL('./cut.py', import.meta.url));`;
    const root = repository(method, { 'methods/pruning/cut.py': `import './nothing.ts'\n` });
    expect(closure(root)).toEqual(['methods/pruning/cut.py', METHOD]);
  });

  it.each([
    ['an import of types', `import type { Mask } from '${MASKS}';`],
    ['types over several lines', `import type {\n  Mask,\n} from '${MASKS}';`],
    ['a passing on of types', `export type { Mask } from '${MASKS}';`],
    ['a package', `import * as v from 'valibot';`],
    ['a folder named by its address', `const folder = new URL('../shared/', import.meta.url);`],
    ['a line of comment', `// import { mask } from '${MASKS}';`],
    ['a dynamic import in a comment', `// as in import('${MASKS}')`],
    ['a block of comment', `/*\nimport { mask } from '${MASKS}';\n*/`],
    ['a documentation comment', `/**\n * import { mask } from '${MASKS}';\n */`],
  ])('ignores %s', (_, method) => {
    expect(closure(repository(method))).toEqual([METHOD]);
  });

  it('follows imports transitively, through cycles too', () => {
    const root = repository(`import '${MASKS}';`, {
      'methods/shared/masks.ts': "import '../../numerics/tensor/random.ts';",
      'numerics/tensor/random.ts': "import '../../methods/shared/masks.ts';",
    });
    expect(closure(root)).toEqual([METHOD, 'methods/shared/masks.ts', 'numerics/tensor/random.ts']);
  });

  it('names a missing imported file', () => {
    const root = repository("import './gone.ts';");
    expect(() => closure(root)).toThrow(InputError);
    expect(() => closure(root)).toThrow(`${METHOD} imports ./gone.ts, which does not exist`);
  });
});
