import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ARROWS } from '../oxlint.config.ts';

interface Diagnostic {
  readonly message: string;
  readonly code: string;
  readonly help?: string;
  readonly filename: string;
}

const root = resolve(import.meta.dirname, '..');

/** One import that each row of the table forbids. */
const BREACHES: readonly { readonly file: string; readonly imports: string }[] = [
  { file: 'harness/contracts/planted.ts', imports: '../runtime/session.ts' },
  { file: 'harness/tensor/planted.ts', imports: '../onnx/graph.ts' },
  { file: 'harness/onnx/planted.ts', imports: '../runtime/session.ts' },
  { file: 'harness/onnx/shape-rules/planted.ts', imports: '../../evaluate/perplexity.ts' },
  { file: 'harness/autodiff/planted.ts', imports: '../training/loop.ts' },
  { file: 'harness/runtime/planted.ts', imports: '../calibrate/second-moments.ts' },
  { file: 'harness/calibrate/planted.ts', imports: '../jobs/plan.ts' },
  { file: 'harness/training/planted.ts', imports: '../cli/index.ts' },
  { file: 'harness/evaluate/planted.ts', imports: 'onnxruntime-node' },
  { file: 'harness/measure/planted.ts', imports: '../../methods/index.ts' },
  { file: 'harness/model/planted.ts', imports: '../jobs/plan.ts' },
  { file: 'harness/hub/planted.ts', imports: '../../datasets/index.ts' },
  { file: 'harness/jobs/planted.ts', imports: '../../methods/pruning/wanda.ts' },
  { file: 'harness/jobs/planted-too.ts', imports: '../../drizzle/queries.ts' },
  { file: 'harness/derive/planted.ts', imports: '../measure/size.ts' },
  { file: 'methods/pruning/planted.ts', imports: './wanda.ts' },
  { file: 'methods/combined/planted.ts', imports: '../pruning/wanda.ts' },
  { file: 'methods/low-rank/planted.ts', imports: '../../harness/evaluate/perplexity.ts' },
  { file: 'methods/shared/planted.ts', imports: '../../datasets/tinystories.ts' },
  { file: 'models/planted.ts', imports: '../harness/runtime/session.ts' },
  { file: 'datasets/planted.ts', imports: '../models/index.ts' },
  { file: 'drizzle/planted.ts', imports: '../harness/measure/size.ts' },
  { file: 'site/lib/planted.ts', imports: '../../harness/contracts/result.ts' },
  { file: 'site/lib/planted-table.ts', imports: '../../drizzle/schema.ts' },
  { file: 'site/app/planted.ts', imports: 'better-sqlite3' },
  { file: 'drizzle/planted-site.ts', imports: '../site/lib/format.ts' },
  { file: 'harness/jobs/planted-test.ts', imports: '../../test/support/rows.ts' },
];

/** Imports that look alike and are allowed. */
const ALLOWED: readonly { readonly file: string; readonly imports: string }[] = [
  { file: 'harness/tensor/allowed.ts', imports: '../contracts/errors.ts' },
  { file: 'harness/onnx/shape-rules/allowed.ts', imports: '../graph.ts' },
  { file: 'harness/runtime/allowed.ts', imports: 'onnxruntime-node' },
  { file: 'methods/pruning/allowed.ts', imports: '../shared/masks.ts' },
  { file: 'methods/pruning/allowed-too.ts', imports: '../../harness/calibrate/second-moments.ts' },
  { file: 'methods/allowed.ts', imports: './pruning/wanda.ts' },
  { file: 'drizzle/allowed.ts', imports: '../harness/contracts/result.ts' },
  { file: 'site/lib/allowed.ts', imports: '../../drizzle/queries.ts' },
  { file: 'harness/cli/allowed.ts', imports: '../../methods/index.ts' },
];

describe('lint', () => {
  let folder = '';
  let diagnostics: readonly Diagnostic[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'shrinkrank-lint-'));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    symlinkSync(join(root, 'oxlint.config.ts'), join(folder, 'oxlint.config.ts'));
    for (const { file, imports } of [...BREACHES, ...ALLOWED]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `export * from '${imports}';\n`);
    }
    diagnostics = JSON.parse(oxlint(folder)).diagnostics;
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function restricted(file: string): readonly Diagnostic[] {
    return diagnostics.filter(
      ({ filename, code }) => filename.endsWith(file) && code.includes('no-restricted-imports'),
    );
  }

  it.each(BREACHES)('reports $file importing $imports and says what to do instead', ({ file }) => {
    const messages = restricted(file).map(({ message, help }) => `${message} ${help ?? ''}`);
    expect(messages).toHaveLength(1);
    const remedies = ARROWS.flatMap(({ forbidden }) => forbidden.map(({ instead }) => instead));
    const general = [
      'Only harness/runtime',
      'The harness names no',
      'Return rows',
      'Nothing outside test/',
      'The site is the end',
    ];
    expect([...remedies, ...general].some((remedy) => messages[0]?.includes(remedy))).toBe(true);
  });

  it.each(ALLOWED)('lets $file import $imports', ({ file }) => {
    expect(restricted(file)).toEqual([]);
  });

  it('plants a breach in every folder of the table', () => {
    for (const { folder: row } of ARROWS) {
      const folders = expandBraces(row);
      expect(
        BREACHES.some(({ file }) => folders.some((name) => file.startsWith(`${name}/`))),
        row,
      ).toBe(true);
    }
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

function expandBraces(pattern: string): readonly string[] {
  const match = /^(.*)\{(.*)\}(.*)$/.exec(pattern);
  return match ? (match[2] ?? '').split(',').map((name) => `${match[1]}${name}${match[3]}`) : [pattern];
}
