/** Reads and removes files of an untrusted process: follows no link, never blocks on a pipe, reads no more than a limit. */
import { spawnSync } from 'node:child_process';
import { type Stats, closeSync, constants, fstatSync, openSync, readFileSync, rmSync } from 'node:fs';

export type PlainFile =
  | { readonly kind: 'read'; readonly bytes: Buffer; readonly stat: Stats }
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-plain' }
  | { readonly kind: 'too-large'; readonly sizeBytes: number };

/** O_NOFOLLOW and O_NONBLOCK are undefined on Windows, where creating a link needs a privilege. */
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

export function readPlainFile(path: string, mostBytes: number): PlainFile {
  let file: number;
  try {
    file = openSync(path, FLAGS);
  } catch (error) {
    return { kind: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'not-plain' };
  }
  try {
    const stat = fstatSync(file);
    // A hard link could name a file outside the folder.
    if (!stat.isFile() || stat.nlink !== 1) return { kind: 'not-plain' };
    if (stat.size > mostBytes) return { kind: 'too-large', sizeBytes: stat.size };
    return { kind: 'read', bytes: readFileSync(file), stat };
  } finally {
    closeSync(file);
  }
}

/** Removes a folder, even one made hard to remove: without read permission, or with paths that are too long. */
export function removeFolder(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
  } catch (error) {
    if (process.platform === 'win32') throw error;
    spawnSync('chmod', ['-R', 'u+rwX', path]);
    if (spawnSync('rm', ['-rf', '--', path]).status !== 0) throw error;
  }
}
