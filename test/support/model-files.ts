/** The files of a folder as a model's files, none of them verified. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelFiles } from '../../engine/definitions/model.ts';
import { openRandomAccessFile } from '../../engine/model/random-access-file.ts';

export function folderFiles(folder: string): ModelFiles {
  return {
    has: (path) => existsSync(join(folder, path)),
    read: (path) => readFile(join(folder, path)),
    open: (path) => openRandomAccessFile(join(folder, path)),
  };
}
