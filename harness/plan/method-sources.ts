/**
 * The files that belong to a method. The method names them by importing them, and its process may read them, so they
 * are restricted to source code in the method's own folder, in methods/ or in a folder that a method may import.
 */
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import { ROOMS } from '../../import-table.ts';
import { importClosure } from './import-closure.ts';
import type { MethodRegistration, SuiteEntry } from './plan.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');
/** Folders whose code every method may import. */
const CODE = (ROOMS.find(({ folder }) => folder === 'methods/*')?.mayImport ?? []).filter(
  (folder) => !folder.startsWith('methods/'),
);
/** File names of source code. Anything else is data, and a method takes its data from its context. */
const SOURCE = /\.(?:[cm]?[jt]s|py|sh|r|jl|lua|c|cc|cpp|cu|h|hpp|rs|go|java)$|(?:^|\/)requirements[\w.-]*\.txt$/i;
/** Bytes of a method's own files together, and of each file in methods/shared. The largest method here has 14 kB. */
export const MOST_SOURCE_BYTES = 65_536;

/**
 * The files of a method: its module, what that imports, and what it names by `new URL('./script.py', import.meta.url)`.
 * @param file absolute path of the method's module.
 * @param root the repository.
 * @returns absolute paths without links. Throws InputError for a file that a method may not have.
 */
export function methodSources(file: string, root = REPOSITORY): string[] {
  const name = relative(root, file);
  const folders = [dirname(file), ...['methods', ...CODE].map((folder) => join(root, folder))].flatMap(realPathOf);
  const code = CODE.map((folder) => join(root, folder)).flatMap(realPathOf);
  let ownBytes = 0;
  const sources = importClosure(file, root).map((path) => {
    const real = realpathSync(path);
    const given = relative(root, path);
    if (!folders.some((folder) => isInside(real, folder))) {
      throw new InputError(
        `${name} reads ${given}${real === path ? '' : ` (${real})`}, which is outside methods/ and of the folders that a ` +
          'method may import; take data from the context, and move code that methods share to methods/shared/',
      );
    }
    if (code.some((folder) => isInside(real, folder))) return real;
    ownBytes += requireSource(real, { name, given });
    return real;
  });
  if (ownBytes <= MOST_SOURCE_BYTES) return sources;
  throw new InputError(
    `${name} and the files that it brings have ${ownBytes} bytes, expected at most ${MOST_SOURCE_BYTES}; ` +
      'take data from the context',
  );
}

/** Bytes that count as the method's own. */
function requireSource(path: string, { name, given }: { readonly name: string; readonly given: string }): number {
  const stat = statSync(path);
  if (!stat.isFile() || !SOURCE.test(path) || (stat.size <= MOST_SOURCE_BYTES && readFileSync(path).includes(0))) {
    throw new InputError(`${name} reads ${given}, which is not source code; a method takes its data from the context`);
  }
  if (stat.size > MOST_SOURCE_BYTES) {
    throw new InputError(
      `${name} reads ${given} of ${stat.size} bytes, expected at most ${MOST_SOURCE_BYTES}; take data from the context`,
    );
  }
  return path.split(sep).includes('shared') ? 0 : stat.size;
}

/** Applies the check to every method of a plan. */
export function requireOwnFilesOf(entries: readonly SuiteEntry[]): void {
  const registrations = new Map(
    entries.flatMap(({ variants }) => variants.map(({ registration }) => [registration.file, registration] as const)),
  );
  for (const registration of registrations.values()) requireOwnFiles(registration);
}

/**
 * Throws InputError where a method would extend what its process may read: by its files, or by the path of its command.
 * A program on PATH was installed by the user who starts the run.
 */
export function requireOwnFiles({ method, file }: MethodRegistration, root = REPOSITORY): void {
  methodSources(file, root);
  const program = method.command?.[0];
  if (program === undefined || program === process.execPath || !program.includes('/')) return;
  throw new InputError(
    `${method.id}: command: expected the name of a program on PATH, got the path ${program}; ` +
      'start a script with its interpreter, as in python3 and the path of the script',
  );
}

function realPathOf(path: string): string[] {
  try {
    return [realpathSync(path)];
  } catch {
    return []; // a folder that this repository lacks
  }
}

function isInside(path: string, folder: string): boolean {
  return path.startsWith(folder + sep);
}
