/** The relative imports between the files of the repository that have a room in import-table.ts. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { roomOf } from '../import-table.ts';

export const REPOSITORY_ROOT = resolve(import.meta.dirname, '..');

/** By file, the files it imports, both as paths from the root; types and dynamic imports included. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

export function readImportGraph(): ImportGraph {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: REPOSITORY_ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => /\.tsx?$/.test(path) && !path.endsWith('.d.ts') && roomOf(path) !== undefined);
  return new Map(files.map((path) => [path, importsOf(path)]));
}

function importsOf(path: string): readonly string[] {
  // Text in template literals is no code of this file.
  const text = textOf(path).replaceAll(/`(?:\\[^]|[^`\\])*`/g, '');
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
    join(dirname(path), specifier),
  );
}

export function linesOf(path: string): number {
  return textOf(path).split('\n').length;
}

function textOf(path: string): string {
  return readFileSync(join(REPOSITORY_ROOT, path), 'utf8');
}

/** Files that import each other in a circle: `a -> b -> a`, each circle once. */
export function circlesOf(graph: ImportGraph): readonly string[] {
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
  for (const path of graph.keys()) visit(path, []);
  return circles;
}
