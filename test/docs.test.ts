import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const documents = ['.', 'docs', 'results'].flatMap((folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name)),
);

/** Paths in backquotes that start with a folder of the repository; `<…>` and `*` stand for any name. */
function pathsIn(text: string): string[] {
  const folders =
    'contracts|numerics|engine|board|cli|studies|deploy|harness|methods|models|datasets|drizzle|results|site|test|scripts';
  return [...text.matchAll(new RegExp(`\`((?:${folders})/[^\`\\s]*)\``, 'g'))]
    .map(([, path]) => path ?? '')
    .filter((path) => !/[<*]/.test(path));
}

describe('documents', () => {
  it.each(documents)('%s names only paths that exist', (name) => {
    const missing = pathsIn(readFileSync(join(root, name), 'utf8')).filter((path) => !existsSync(join(root, path)));
    expect(missing).toEqual([]);
  });

  it.each(documents)('%s links only to files that exist', (name) => {
    const links = [...readFileSync(join(root, name), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)/g)];
    expect(links.map(([, path]) => path ?? '').filter((path) => !existsSync(join(root, dirname(name), path)))).toEqual(
      [],
    );
  });

  it.each(documents)('%s names only npm scripts and commands that exist', (name) => {
    const text = readFileSync(join(root, name), 'utf8');
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    for (const [, script] of text.matchAll(/npm run ([a-z:-]+)/g)) expect(Object.keys(scripts)).toContain(script);
    for (const [, command] of text.matchAll(/npm run shrinkrank -- ([a-z]+)/g)) {
      expect(existsSync(join(root, `cli/commands/${command}.ts`)), command).toBe(true);
    }
  });
});
