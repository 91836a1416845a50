/**
 * Records what tests compare against: digests of artifacts (methods/artifact-digests.json) and of derived figures
 * (test/board/derive/derived-figures.json). The tests write their own files and refuse a change that needs a revision raised.
 *   npm run update-digests -- gptq rtn
 *   npm run update-digests -- derived-figures
 *   npm run update-digests                      all methods and derived figures
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { unknownId } from '../../contracts/errors.ts';
import { reportError } from '../setup/output.ts';
import { REPOSITORY_ROOT, methodRegistrations } from '../setup/registry.ts';

const DERIVED_FIGURES = 'derived-figures';
const CONTRACT = 'test/methods/contract.test.ts';
const DERIVATION = 'test/board/derive/derivation-revision.test.ts';

if (import.meta.main) {
  try {
    process.exitCode = updateDigests(process.argv.slice(2));
  } catch (error) {
    process.exitCode = reportError(error);
  }
}

/** The exit code of the last test run that failed; 0 where all digests are recorded. */
function updateDigests(names: readonly string[]): number {
  const runs = testRuns(names);
  const env = { ...process.env, UPDATE_DIGESTS: '1' };
  return runs.reduce((failed, args) => {
    const command = [join(REPOSITORY_ROOT, 'node_modules/vitest/vitest.mjs'), 'run', '--project', 'unit', ...args];
    const { status } = spawnSync(process.execPath, command, { cwd: REPOSITORY_ROOT, stdio: 'inherit', env });
    return status === 0 ? failed : (status ?? 1);
  }, 0);
}

/** Arguments of vitest: a test file and the tests in it; no name stands for all. Throws InputError for an unknown name. */
export function testRuns(names: readonly string[]): readonly (readonly string[])[] {
  if (names.length === 0) return [[CONTRACT], [DERIVATION]];
  const known = methodRegistrations.map(({ method }) => method.id);
  const methods = names.filter((name) => name !== DERIVED_FIGURES);
  for (const id of methods) if (!known.includes(id)) throw unknownId('method', id, [...known, DERIVED_FIGURES]);
  return [
    ...(methods.length > 0 ? [[CONTRACT, '-t', `^(?:${methods.join('|')}) `]] : []),
    ...(names.includes(DERIVED_FIGURES) ? [[DERIVATION]] : []),
  ];
}
