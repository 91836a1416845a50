/** Number of files in a folder tree and the disk space they take. */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderUse {
  readonly files: number;
  /** Allocated blocks, so a sparse file counts what it takes on disk. */
  readonly bytes: number;
}

const BLOCK_BYTES = 512;

/** Counts files, folders and links below `folder`; stops once there are more than `mostFiles`. */
export function folderUse(folder: string, mostFiles: number): FolderUse {
  let files = 0;
  let bytes = 0;
  const pending = [folder];
  for (let path = pending.pop(); path !== undefined && files <= mostFiles; path = pending.pop()) {
    for (const entry of list(path)) {
      if (++files > mostFiles) break;
      const below = join(path, entry.name);
      if (entry.isDirectory()) pending.push(below);
      else bytes += (lstatSync(below, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES;
    }
  }
  return { files, bytes };
}

/** Empty for a folder that was removed meanwhile or cannot be read. */
function list(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
