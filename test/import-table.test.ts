import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, roomOf } from '../import-table.ts';

const root = resolve(import.meta.dirname, '..');
const sources = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts') && roomOf(path) !== undefined);

/** Relative imports of a file, types and dynamic ones included, as paths from the root. */
function importsOf(path: string): readonly string[] {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/`(?:\\[^]|[^`\\])*`/g, '');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
    join(dirname(path), specifier),
  );
}

const graph = new Map(sources.map((path) => [path, importsOf(path)]));

describe('the table of imports', () => {
  it('lets no room import a room above it', () => {
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
        .filter(({ folder }) => folder !== room?.folder && !room?.mayImport.includes(folder ?? ''))
        .map(({ target, folder }) => `${path} imports ${target} (${folder})`);
    });
    expect(breaches).toEqual([]);
  });

  it('has a room for every folder with code', () => {
    const folders = new Set(
      execFileSync('git', ['ls-files', '*.ts', '*.tsx'], { cwd: root, encoding: 'utf8' })
        .split('\n')
        .filter(
          (path) => path.includes('/') && !/^(test|examples|\.github)\//.test(path) && roomOf(path) === undefined,
        ),
    );
    expect([...folders]).toEqual([]);
  });

  it('sees no circle of files, types included', () => {
    const state = new Map<string, 'open' | 'closed'>();
    const circles: string[] = [];
    const visit = (path: string, trail: readonly string[]): void => {
      if (state.get(path) === 'closed' || !graph.has(path)) return;
      if (state.get(path) === 'open') {
        circles.push([...trail.slice(trail.indexOf(path)), path].join(' -> '));
        return;
      }
      state.set(path, 'open');
      for (const target of graph.get(path) ?? []) visit(target, [...trail, path]);
      state.set(path, 'closed');
    };
    for (const path of sources) visit(path, []);
    expect(circles).toEqual([]);
  });

  it('keeps every folder at the top under 30 % of the code', () => {
    const lines = (paths: readonly string[]) =>
      paths.reduce((sum, path) => sum + readFileSync(join(root, path), 'utf8').split('\n').length, 0);
    const total = lines(sources);
    const tops = Object.entries(Object.groupBy(sources, (path) => path.split('/')[0] ?? ''));
    for (const [top, paths = []] of tops) expect(lines(paths) / total, top).toBeLessThan(0.3);
  });
});
