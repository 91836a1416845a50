/**
 * Where the code of an installed package runs. Node runs no TypeScript below a folder named node_modules, which is where npm
 * installs packages: https://nodejs.org/api/typescript.html#type-stripping-in-dependencies. Such a package is copied into the
 * user's cache when a command first runs. Plain JavaScript, for the same reason.
 */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { join, sep } from 'node:path';

const INSTALLED = `${sep}node_modules${sep}`;

/**
 * The folder to run the code of `folder` from: itself, or where it is installed below node_modules, its copy. The copy is made
 * anew where the content of the package, or the folder it is installed in, is another. Ends the process with one line where
 * npm gave the package dependencies of its own, which the copy would not find.
 * @param {string} folder absolute path of the package.
 * @param {string} [cache] folder of the copies; default XDG_CACHE_HOME or ~/.cache, and shrinkrank in it.
 */
export function runnableFolder(
  folder,
  cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shrinkrank'),
) {
  const at = folder.lastIndexOf(INSTALLED);
  if (at < 0) return folder;
  const own = join(folder, 'node_modules');
  if (existsSync(own)) {
    process.stderr.write(
      `error: ${own}: packages of other versions lie beside this package; install shrinkrank in a folder of its own\n`,
    );
    process.exit(2);
  }
  const packages = folder.slice(0, at + INSTALLED.length - 1);
  const copy = join(cache, hashOf(folder));
  if (existsSync(copy)) return copy;
  mkdirSync(cache, { recursive: true });
  const unfinished = mkdtempSync(join(cache, 'unfinished-'));
  cpSync(folder, unfinished, { recursive: true });
  symlinkSync(packages, join(unfinished, 'node_modules'), 'dir');
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true });
    // Another process was faster.
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

/** @param {string} folder */
function hashOf(folder) {
  const hash = createHash('sha256').update(folder);
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const path of paths) hash.update(path).update(readFileSync(path));
  return hash.digest('hex').slice(0, 32);
}
