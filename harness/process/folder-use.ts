/** What lies in a folder and below it: plain counting, which gives up when there is more than asked about. */
import { type Dirent, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface FolderUse {
  readonly files: number;
  /** Blocks taken, whatever length a file with holes claims. */
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

/** Nothing of a folder that is gone meanwhile, or may not be looked into. */
function list(path: string): Dirent[] {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}
