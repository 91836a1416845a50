/** Which files a module loads: the files a sandbox must let it read, and those whose change affects it. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { InputError } from '../../contracts/errors.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

/**
 * The file itself, all local modules that it loads at run time, directly or not, and files that it names by
 * `new URL('./script.py', import.meta.url)`. Imports of types load nothing; packages are left out.
 * @param file absolute path of a module.
 * @param root the folder that paths in errors are relative to.
 * @returns absolute paths. Throws InputError where an imported file does not exist.
 */
export function importClosure(file: string, root = REPOSITORY): string[] {
  const seen = new Set<string>();
  const pending = [file];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (!MODULE.test(path) || !statSync(path).isFile()) continue;
    for (const specifier of localImports(readFileSync(path, 'utf8'))) {
      const target = resolve(dirname(path), specifier);
      if (!existsSync(target)) {
        throw new InputError(`${relative(root, path)} imports ${specifier}, which does not exist; correct the import`);
      }
      pending.push(target);
    }
  }
  return [...seen];
}

/** Files that may import others. */
const MODULE = /\.[cm]?[jt]s$/;

/** Comments, and strings in which something may look like a comment. */
const COMMENT_OR_STRING = /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[^]|[^`\\])*`/g;
/** `import … from './a'`, `export … from './a'`, `import './a'`, `import('./a')`, `new URL('./a.b', import.meta.url)`. */
const IMPORT =
  /^\s*(?:import|export)\s(?!type\b)[^'";]*?from\s*['"](\.[^'"]+)['"]|^\s*import\s*['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]|new URL\(\s*['"](\.[^'"]+\.\w+)['"]\s*,\s*import\.meta\.url/gm;

function localImports(source: string): string[] {
  const code = source.replaceAll(COMMENT_OR_STRING, (text) => (/^\/[/*]/.test(text) ? ' ' : text));
  return [...code.matchAll(IMPORT)].map(([, from, effect, dynamic, url]) => from ?? effect ?? dynamic ?? url ?? '');
}
