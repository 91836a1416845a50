/**
 * Resumable download: bytes go to `<target>.incomplete`, a later attempt continues there, and only a complete, verified
 * file is renamed to `target`. (downloadFileToCacheDir of @huggingface/hub restarts from the beginning and checks
 * neither length nor hash.)
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { IntegrityError } from '../../contracts/errors.ts';
import { type RetryPolicy, TransientError, withRetries } from './retry.ts';
import { watchedFetch, type WatchedFetchOptions } from './watched-fetch.ts';

/** SHA-256 of the bytes, or Git's object id (SHA-1 over `blob <size>\0` and the bytes) for files the hub keeps in Git itself. */
export interface ExpectedHash {
  readonly kind: 'sha256' | 'git';
  readonly hex: string;
}

export interface Download {
  readonly url: string;
  readonly target: string;
  /** Requests bytes [start, end) of the remote file. */
  readonly start: number;
  readonly end: number;
  readonly expected: readonly ExpectedHash[];
  /** Names the file in messages: repository and path. */
  readonly label: string;
  readonly retry: RetryPolicy;
  readonly http: WatchedFetchOptions;
  /** Converts a status that is neither success nor retryable into an error. */
  failure(status: number): Error;
}

/**
 * Throws IntegrityError when the complete file has another hash; the file is removed, so that the next run starts from
 * the beginning.
 */
export async function download(request: Download): Promise<void> {
  const { target } = request;
  const incomplete = `${target}.incomplete`;
  await mkdir(dirname(target), { recursive: true });
  try {
    if (!(await exists(target))) {
      await withRetries(request.retry, () => fetchRest(request, incomplete));
      await verify(request, incomplete);
      await rename(incomplete, target);
      return;
    }
  } catch (error) {
    // Another process completed the same download and renamed the file.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || !(await exists(target))) throw error;
  }
  await verify(request, target);
}

async function verify(request: Download, path: string): Promise<void> {
  for (const expected of request.expected) {
    const actual = await hashOfFile(path, expected.kind);
    if (actual !== expected.hex) {
      await rm(path, { force: true });
      throw new IntegrityError(
        `${request.label}: expected ${expected.kind} ${expected.hex}, got ${actual}; the downloaded file was removed: ` +
          'run again; if the error persists, the pinned hash or the server is wrong',
      );
    }
  }
}

async function fetchRest(request: Download, incomplete: string): Promise<void> {
  const wanted = request.end - request.start;
  let offset = await sizeOf(incomplete);
  if (offset > wanted) {
    await rm(incomplete);
    offset = 0;
  }
  if (offset === wanted && wanted > 0) return;

  const range = `bytes=${request.start + offset}-${request.end - 1}`;
  // Compressed bodies have other lengths, so request the identity encoding.
  const headers = { 'accept-encoding': 'identity', ...(wanted > 0 && { range }) };
  const { response, chunks, cancel } = await watchedFetch(request.url, { headers }, request.http);
  if (!response.ok) {
    cancel();
    throw request.failure(response.status);
  }
  // A server that ignores the range sends the file from its first byte: skip the bytes already present.
  let skip = response.status === 206 ? 0 : request.start + offset;
  const firstByte = response.headers.get('content-range')?.match(/^bytes (\d+)-/)?.[1];
  if (response.status === 206 && Number(firstByte) !== request.start + offset) {
    cancel();
    throw new IntegrityError(
      `${request.label}: asked for ${range}, got content-range "${response.headers.get('content-range')}"; a proxy in between may be at fault`,
    );
  }

  // Written at its position, not appended: two processes that download the same file write the same bytes.
  const file = await open(incomplete, 'a').then(async (created) => {
    await created.close();
    return open(incomplete, 'r+');
  });
  const before = offset;
  try {
    for await (const chunk of chunks()) {
      const fresh = chunk.subarray(Math.min(skip, chunk.byteLength));
      skip -= chunk.byteLength - fresh.byteLength;
      const room = fresh.subarray(0, wanted - offset);
      await file.write(room, 0, room.byteLength, offset);
      offset += room.byteLength;
      if (offset === wanted) break;
    }
  } catch (error) {
    if (!(error instanceof TransientError)) throw error;
    throw new TransientError(error.message, { cause: error.cause, madeProgress: offset > before });
  } finally {
    cancel();
    await file.close();
  }
  if (offset < wanted) {
    throw new TransientError(`the body ended after ${offset} of ${wanted} bytes`, { madeProgress: offset > before });
  }
}

/** Hash of a file as lower-case hex. */
export async function hashOfFile(path: string, kind: ExpectedHash['kind']): Promise<string> {
  const hash = createHash(kind === 'git' ? 'sha1' : 'sha256');
  if (kind === 'git') hash.update(`blob ${await sizeOf(path)}\0`);
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest('hex');
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Size in bytes, links followed; 0 when there is no such file. */
export async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}
