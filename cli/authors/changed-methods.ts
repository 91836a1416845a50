/**
 * The methods that a change concerns, one id a line: those whose file, or a file it loads, differs from a commit:
 *   npx node cli/authors/changed-methods.ts origin/main
 */
import { execFileSync } from 'node:child_process';
import { relative } from 'node:path';
import { reportError } from '../setup/output.ts';
import { REPOSITORY_ROOT, methodUnits } from '../setup/registry.ts';
import { InputError } from '../../contracts/errors.ts';
import { importClosure } from '../../harness/plan/source-hash.ts';
import type { MethodUnit } from '../../harness/plan/plan.ts';

if (import.meta.main) {
  try {
    const ids = changedMethods(methodUnits, { files: changedFiles(process.argv[2] ?? ''), root: REPOSITORY_ROOT });
    if (ids.length > 0) console.log(ids.join('\n'));
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/** @param files paths from the root. */
export function changedMethods(
  units: readonly MethodUnit[],
  { files, root }: { readonly files: readonly string[]; readonly root: string },
): readonly string[] {
  const changed = new Set(files);
  return units
    .filter(({ file }) => importClosure(file, root).some((path) => changed.has(relative(root, path))))
    .map(({ method }) => method.id);
}

/** Since the common ancestor with a commit. */
function changedFiles(base: string): readonly string[] {
  if (!/^[\w./-]+$/.test(base) || base.startsWith('-')) {
    throw new InputError(`changed-methods: expected a commit or branch to compare with, got "${base}"`);
  }
  const options = { cwd: REPOSITORY_ROOT, encoding: 'utf8' } as const;
  return execFileSync('git', ['diff', '--name-only', '-z', `${base}...HEAD`], options).split('\0');
}
