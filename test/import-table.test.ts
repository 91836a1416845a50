import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, roomOf } from '../import-table.ts';
import { circlesOf, linesOf, readImportGraph } from '../scripts/import-graph.ts';

const root = resolve(import.meta.dirname, '..');
const graph = readImportGraph();
const sources = [...graph.keys()];

describe('the table of imports', () => {
  it('lets no folder import a folder on a higher floor', () => {
    const order = ROOMS.map(({ folder }) => folder);
    for (const { folder, mayImport } of ROOMS) {
      for (const target of mayImport) {
        if (target === 'test') continue;
        expect(order.includes(target), `${folder} may import ${target}, which is not in the table`).toBe(true);
        expect(
          order.indexOf(target) < order.indexOf(folder),
          `${folder} may import ${target}, which stands below it`,
        ).toBe(true);
      }
    }
  });

  it('holds for every import, types included', () => {
    const breaches = sources.flatMap((path) => {
      const room = roomOf(path);
      return (graph.get(path) ?? [])
        .map((target) => ({ target, folder: target.startsWith('test/') ? 'test' : roomOf(target)?.folder }))
        .filter(
          ({ target }) => !(target === 'import-table.ts' && ['scripts', 'harness/plan'].includes(room?.folder ?? '')),
        )
        .filter(({ folder }) => folder !== room?.folder && !room?.mayImport.includes(folder ?? ''))
        .map(({ target, folder }) => `${path} imports ${target} (${folder})`);
    });
    expect(breaches).toEqual([]);
  });

  it('has an entry for every folder with code', () => {
    const folders = new Set(
      execFileSync('git', ['ls-files', '*.ts', '*.tsx'], { cwd: root, encoding: 'utf8' })
        .split('\n')
        .filter(
          (path) => path.includes('/') && !/^(test|examples|\.github)\//.test(path) && roomOf(path) === undefined,
        ),
    );
    expect([...folders]).toEqual([]);
  });

  it('contains no circle of files, types included', () => {
    expect(circlesOf(graph)).toEqual([]);
  });

  it('keeps every top-level folder below 30 % of the code', () => {
    const lines = (paths: readonly string[]) => paths.reduce((sum, path) => sum + linesOf(path), 0);
    const total = lines(sources);
    const tops = Object.entries(Object.groupBy(sources, (path) => path.split('/')[0] ?? ''));
    for (const [top, paths = []] of tops) expect(lines(paths) / total, top).toBeLessThan(0.3);
  });
});
