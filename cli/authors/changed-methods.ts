/**
 * Prints the methods that a change concerns, one id per line: those whose module, or a module it imports, differs from a
 * commit:
 *   npx node cli/authors/changed-methods.ts origin/main
 */
import { execFileSync } from 'node:child_process';
import { relative } from 'node:path';
import { reportError } from '../setup/output.ts';
import { REPOSITORY_ROOT, methodRegistrations } from '../setup/registry.ts';
import { InputError } from '../../contracts/errors.ts';
import { importClosure } from '../../harness/plan/import-closure.ts';
import type { MethodRegistration } from '../../harness/plan/plan.ts';

/** Every method imports these. The contract suite and its artifact digests test such a change for all methods at once. */
const IMPORTED_BY_ALL = ['contracts/', 'engine/definitions/', 'numerics/onnx/', 'engine/runtime/session'];

if (import.meta.main) {
  try {
    const ids = changedMethods(methodRegistrations, {
      files: changedFiles(process.argv[2] ?? ''),
      root: REPOSITORY_ROOT,
    });
    if (ids.length > 0) console.log(ids.join('\n'));
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/** @param files paths relative to `root`. */
export function changedMethods(
  registrations: readonly MethodRegistration[],
  { files, root }: { readonly files: readonly string[]; readonly root: string },
): readonly string[] {
  const changed = new Set(files.filter((file) => !IMPORTED_BY_ALL.some((prefix) => file.startsWith(prefix))));
  return registrations
    .filter(({ file }) => importClosure(file, root).some((path) => changed.has(relative(root, path))))
    .map(({ method }) => method.id);
}

/** Paths that differ from the common ancestor with a commit. */
function changedFiles(base: string): readonly string[] {
  if (!/^[\w./-]+$/.test(base) || base.startsWith('-')) {
    throw new InputError(`changed-methods: expected a commit or branch to compare with, got "${base}"`);
  }
  const options = { cwd: REPOSITORY_ROOT, encoding: 'utf8' } as const;
  return execFileSync('git', ['diff', '--name-only', '-z', `${base}...HEAD`], options).split('\0');
}
