/**
 * The part of a trial's key that stands for a method's code: SHA-256 over the method's file and every file it imports,
 * directly or not. Left out are the layers whose changes are announced by PROTOCOL.version instead (contracts, the
 * ONNX reader and writer, sessions): a comment there must not make a night's results stale.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
const VERSIONED_BY_PROTOCOL = ['harness/contracts/', 'harness/onnx/', 'harness/runtime/session'];

/** @param file absolute path of the method's module. */
export function sourceHash(file: string): string {
  const hash = createHash('sha256');
  for (const path of importClosure(file).sort()) {
    hash
      .update(`${relative(root, path)}\n`)
      .update(readFileSync(path))
      .update('\n');
  }
  return hash.digest('hex');
}

/** The file and all local modules it loads at run time (`import type` loads nothing). */
export function importClosure(file: string): string[] {
  const seen = new Set<string>();
  const pending = [file];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    for (const specifier of localImports(readFileSync(path, 'utf8'))) {
      const target = resolve(dirname(path), specifier);
      const place = relative(root, target);
      if (!VERSIONED_BY_PROTOCOL.some((prefix) => place.startsWith(prefix))) pending.push(target);
    }
  }
  return [...seen];
}

function localImports(source: string): string[] {
  const statement =
    /^\s*(?:import|export)\s(?!type\b)[^'";]*?from\s*['"](\.[^'"]+)['"]|import\(\s*['"](\.[^'"]+)['"]/gm;
  return [...source.matchAll(statement)].map(([, from, dynamic]) => from ?? dynamic ?? '');
}
