import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOMS, roomOf } from '../import-table.ts';

interface Diagnostic {
  readonly message: string;
  readonly code: string;
  readonly help?: string;
  readonly filename: string;
}

const root = resolve(import.meta.dirname, '..');

/** A file of a room, and an import of a file of another room, as it is written there. */
function plant(room: string, target: string): { readonly file: string; readonly imports: string } {
  const folder = room.replace('*', 'pruning');
  const [own, other] = [folder, target.replace('*', 'low-rank')];
  return { file: `${folder}/planted-${target.replaceAll(/\W/g, '-')}.ts`, imports: importPath(own, other) };
}

function importPath(from: string, to: string): string {
  const path = relative(from, `${to}/anything.ts`);
  return path.startsWith('.') ? path : `./${path}`;
}

/** Every import that the table does not list, one file each. */
const BREACHES = [
  ...ROOMS.flatMap(({ folder, mayImport }) =>
    ROOMS.filter((other) => other.folder !== folder && !mayImport.includes(other.folder)).map((other) =>
      plant(folder, other.folder),
    ),
  ),
  ...ROOMS.filter(({ folder }) => folder !== 'scripts').map(({ folder }) => plant(folder, 'test/support')),
  { file: 'methods/pruning/planted.ts', imports: './wanda.ts' },
  { file: 'numerics/onnx/shape-rules/planted.ts', imports: '../../../harness/judge/perplexity.ts' },
  { file: 'methods/shared/solvers/planted-family.ts', imports: '../../pruning/wanda.ts' },
  { file: 'methods/shared/solvers/planted-list.ts', imports: '../../index.ts' },
  { file: 'methods/shared/solvers/planted-hub.ts', imports: '../../../engine/hub/client.ts' },
  { file: 'methods/shared/training/planted-model.ts', imports: '../../../models/anything.ts' },
  { file: 'harness/judge/planted-package.ts', imports: 'onnxruntime-node' },
  { file: 'site/lib/planted-table.ts', imports: '../../drizzle/schema.ts' },
  { file: 'site/app/planted.ts', imports: 'better-sqlite3' },
];

/** Every import that the table lists. */
const ALLOWED = [
  ...ROOMS.filter(({ folder }) => folder !== 'site').flatMap(({ folder, mayImport }) =>
    mayImport.map((target) => plant(folder, target)),
  ),
  { file: 'numerics/onnx/shape-rules/allowed.ts', imports: '../graph.ts' },
  { file: 'methods/shared/solvers/allowed-shelf.ts', imports: '../formats/grid.ts' },
  { file: 'methods/shared/surgery/allowed-engine.ts', imports: '../../../engine/training/graph-writer.ts' },
  { file: 'engine/runtime/allowed.ts', imports: 'onnxruntime-node' },
  { file: 'site/lib/allowed.ts', imports: '../../drizzle/queries.ts' },
];

describe('lint', () => {
  let folder = '';
  let diagnostics: readonly Diagnostic[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-lint-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const name of ['oxlint.config.ts', 'import-table.ts']) symlinkSync(join(root, name), join(folder, name));
    for (const { file, imports } of [...BREACHES, ...ALLOWED]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `export * from '${imports}';\n`);
    }
    diagnostics = JSON.parse(oxlint(folder)).diagnostics;
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function restricted(file: string): readonly Diagnostic[] {
    return diagnostics.filter(
      ({ filename, code }) =>
        (filename === file || filename.endsWith(`${folder}/${file}`)) && code.includes('no-restricted-imports'),
    );
  }

  it.each(BREACHES)('reports $file importing $imports and says what to do instead', ({ file }) => {
    const room = roomOf(file);
    const messages = restricted(file).map(({ message, help }) => `${message} ${help ?? ''}`);
    expect(messages).toHaveLength(1);
    expect(
      [room?.instead ?? '', 'move what is shared', 're-export there'].some((remedy) => messages[0]?.includes(remedy)),
    ).toBe(true);
  });

  it.each(ALLOWED)('lets $file import $imports', ({ file }) => {
    expect(restricted(file)).toEqual([]);
  });
});

function oxlint(folder: string): string {
  try {
    return execFileSync(
      join(root, 'node_modules/.bin/oxlint'),
      ['--format', 'json', ...new Set(BREACHES.map(({ file }) => file.split('/')[0] ?? ''))],
      {
        cwd: folder,
        encoding: 'utf8',
      },
    );
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
