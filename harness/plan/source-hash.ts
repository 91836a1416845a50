/**
 * The part of a trial's key that stands for a method's code: SHA-256 over the method's file and every file it imports,
 * directly or not, or names by new URL('./script.py', import.meta.url). Left out are the layers whose changes are
 * announced by PROTOCOL.version instead (contracts, the ONNX reader and writer, sessions): a comment there must not make
 * a night's results stale.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';
import { InputError } from '../../contracts/errors.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
const VERSIONED_BY_PROTOCOL = ['contracts/', 'engine/definitions/', 'numerics/onnx/', 'engine/runtime/session'];

/**
 * @param file absolute path of the method's module.
 * @param root the folder that paths are named from.
 */
export function sourceHash(file: string, root = REPOSITORY): string {
  const hash = createHash('sha256');
  for (const path of importClosure(file, root).sort()) {
    hash
      .update(`${relative(root, path)}\n`)
      .update(readFileSync(path))
      .update('\n');
  }
  return hash.digest('hex');
}

/** The file, all local modules it loads at run time (`import type` loads nothing), and the files it names by URL. */
export function importClosure(file: string, root = REPOSITORY): string[] {
  const seen = new Set<string>();
  const pending = [file];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    if (!MODULE.test(path)) continue;
    for (const specifier of localImports(readFileSync(path, 'utf8'))) {
      const target = resolve(dirname(path), specifier);
      if (VERSIONED_BY_PROTOCOL.some((prefix) => relative(root, target).startsWith(prefix))) continue;
      if (!existsSync(target)) {
        throw new InputError(`${relative(root, path)} imports ${specifier}, which is not there; mend the import`);
      }
      pending.push(target);
    }
  }
  return [...seen];
}

/** What has imports to follow; of other files only the text counts. */
const MODULE = /\.[cm]?[jt]s$/;

/** Comments, and the strings in which something may look like one. */
const COMMENT_OR_STRING = /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[^]|[^`\\])*`/g;
/** `import … from './a'`, `export … from './a'`, `import './a'`, `import('./a')`, `new URL('./a.b', import.meta.url)`. */
const IMPORT =
  /^\s*(?:import|export)\s(?!type\b)[^'";]*?from\s*['"](\.[^'"]+)['"]|^\s*import\s*['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]|new URL\(\s*['"](\.[^'"]+\.\w+)['"]\s*,\s*import\.meta\.url/gm;

function localImports(source: string): string[] {
  const code = source.replaceAll(COMMENT_OR_STRING, (text) => (/^\/[/*]/.test(text) ? ' ' : text));
  return [...code.matchAll(IMPORT)].map(([, from, effect, dynamic, url]) => from ?? effect ?? dynamic ?? url ?? '');
}
