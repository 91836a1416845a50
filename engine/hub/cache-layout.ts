/**
 * Where files of the hub are stored on disk: in the standard cache shared with every Hugging Face library
 * (https://huggingface.co/docs/huggingface_hub/guides/manage-cache), and byte ranges in a separate folder beside it,
 * because the standard layout cannot store a part of a file.
 */
import { mkdir, rm, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import type { HubFileRequest } from '../../contracts/dataset.ts';
import { InputError } from '../../contracts/errors.ts';

export interface CachePlaces {
  /** Path at which readers find the whole file. */
  readonly snapshot: string;
  /** Folder of the bytes to which snapshots link. */
  readonly blobs: string;
  /** Path of the requested range; undefined for a whole file. */
  readonly range: string | undefined;
}

/** Throws InputError unless the request is for a pinned file inside the repository. */
export function cachePlaces(cacheDir: string, request: HubFileRequest): CachePlaces {
  const { kind, repo, revision, path, range } = request;
  if (!/^[0-9a-f]{40}$/.test(revision)) {
    throw new InputError(`${repo}: revision must be a commit hash of 40 hex digits, got "${revision}"; pin the commit`);
  }
  if (!/^\w[\w.-]*(\/\w[\w.-]*)?$/.test(repo) || path.split(/[/\\]/).some((part) => part === '..' || part === '')) {
    throw new InputError(`hub file "${repo}" "${path}": expected owner/name and a relative path inside the repository`);
  }
  if (
    range &&
    !(Number.isInteger(range.start) && range.start >= 0 && Number.isInteger(range.end) && range.end > range.start)
  ) {
    throw new InputError(
      `${repo}: ${path}: range must be [start, end) with 0 <= start < end, got [${range.start}, ${range.end})`,
    );
  }
  const folder = getRepoFolderName({ type: kind, name: repo });
  return {
    snapshot: join(cacheDir, folder, 'snapshots', revision, path),
    blobs: join(cacheDir, folder, 'blobs'),
    range:
      range && join(dirname(cacheDir), 'shrinkrank-ranges', folder, revision, `${path}.${range.start}-${range.end}`),
  };
}

/** Makes `snapshot` a relative link to `blob`, as in the standard layout. */
export async function linkSnapshot(snapshot: string, blob: string): Promise<void> {
  await mkdir(dirname(snapshot), { recursive: true });
  await rm(snapshot, { force: true });
  try {
    await symlink(relative(dirname(snapshot), blob), snapshot);
  } catch (error) {
    // Another process created the link at the same time.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}
