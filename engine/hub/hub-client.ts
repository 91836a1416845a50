/**
 * Files of the Hugging Face hub at pinned revisions: from the standard cache if present (without network access),
 * otherwise downloaded, resumed after interruptions, verified and renamed into place.
 * Protocol: paths-info and resolve of https://huggingface.co/docs/hub/api, through @huggingface/hub where it covers it.
 */
import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { HubApiError, pathsInfo } from '@huggingface/hub';
import type { HubFileRequest, ModelHub } from '../../contracts/dataset.ts';
import { InputError, IntegrityError } from '../../contracts/errors.ts';
import { cachePlaces, linkSnapshot } from './cache-layout.ts';
import { download, type ExpectedHash, hashOfFile, sizeOf } from './download.ts';
import { type HubClientOptions, hubSettings } from './hub-settings.ts';
import { findRepository, refusedAccess, type HubRepository, type RepositoryRequest } from './hub-repository.ts';
import { TransientError, withRetries } from './retry.ts';
import { isUnreachable, wholeResponse } from './watched-fetch.ts';

/** Errors of a cache that is read-only, full or not a folder. */
const UNWRITABLE = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST']);

export interface HubAccess extends ModelHub {
  /** The commit and the files of a model at a branch, tag or commit. */
  repository(request: RepositoryRequest): Promise<HubRepository>;
}

export function createHubClient(options: HubClientOptions = {}): HubAccess {
  const { cacheDir, hubUrl, hasToken, offline: isOffline, http, retry } = hubSettings(options);
  let reached = false;

  async function file(request: HubFileRequest): Promise<Uint8Array> {
    const places = cachePlaces(cacheDir, request);
    const cached = await readCached(places.snapshot, request.range);
    if (cached) {
      verify(cached, request, `remove ${places.snapshot} and run again`);
      return cached;
    }
    if (places.range) {
      const kept = await readCached(places.range, undefined);
      if (kept) {
        if (request.sha256 !== undefined && sha256(kept) !== request.sha256) await rm(places.range);
        verify(kept, request, `the bad copy ${places.range} was removed: run again`);
        return kept;
      }
    }
    return readFile(await fetchAndKeep(request, places));
  }

  /** The whole file is hashed where a hash is expected, without loading it into memory. */
  async function locate(request: Omit<HubFileRequest, 'range'>): Promise<string> {
    const places = cachePlaces(cacheDir, request);
    if ((await sizeOf(places.snapshot)) === 0) return fetchAndKeep(request, places);
    if (request.sha256 !== undefined) {
      const actual = await hashOfFile(places.snapshot, 'sha256');
      if (actual !== request.sha256) throw wrongHash(request, actual, `remove ${places.snapshot} and run again`);
    }
    return places.snapshot;
  }

  async function fetchAndKeep(request: HubFileRequest, places: ReturnType<typeof cachePlaces>): Promise<string> {
    const { kind, repo, revision, path, range } = request;
    if (isOffline) {
      throw new InputError(
        `${repo}@${revision.slice(0, 8)}: ${path} is not in the cache ${cacheDir} and HF_HUB_OFFLINE forbids asking ${hubUrl}: ` +
          'unset it, or set HF_HUB_CACHE to a cache that has the file',
      );
    }
    const label = `${repo}@${revision.slice(0, 8)}: ${path}`;
    const prefix = kind === 'dataset' ? 'datasets/' : '';
    const url = `${hubUrl}/${prefix}${repo}/resolve/${revision}/${path.split('/').map(encodeURIComponent).join('/')}`;
    try {
      const info = await fileInfo(request);
      const end = Math.min(range?.end ?? info.sizeBytes, info.sizeBytes);
      const start = range?.start ?? 0;
      if (end <= start && range) {
        throw new InputError(
          `${label}: range [${start}, ${range.end}) exceeds the file, which ends at byte ${info.sizeBytes}`,
        );
      }
      const target = places.range ?? join(places.blobs, info.etag);
      const asked: ExpectedHash[] = request.sha256 === undefined ? [] : [{ kind: 'sha256', hex: request.sha256 }];
      await download({
        url,
        target,
        start,
        end,
        expected: range || !info.hash ? asked : [...asked, info.hash],
        label,
        retry,
        http,
        failure: (status) => statusError(request, status, hasToken),
      });
      if (!range) await linkSnapshot(places.snapshot, target);
      return range ? target : places.snapshot;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== undefined && UNWRITABLE.has(code)) {
        throw new InputError(
          `${label}: cannot write below ${dirname(cacheDir)} (${code}); free space there or set HF_HUB_CACHE to a folder that can be written`,
          { cause: error },
        );
      }
      if (!(error instanceof TransientError)) throw error;
      if (isUnreachable(error)) throw offline(request, error);
      throw new InputError(
        `${label}: ${hubUrl} failed ${retry.attempts} times, last: ${error.message}; ` +
          'the received bytes are kept: run again later to continue, or set HF_HUB_CACHE to a cache that has the file',
        { cause: error },
      );
    }
  }

  /**
   * A complete response of the API. Only a hub that has answered once is retried, so that a machine without network
   * fails at once.
   */
  async function answered(url: string | URL, init: RequestInit, request: HubFileRequest): Promise<Response> {
    try {
      const response = await wholeResponse(url, init, http);
      reached = true;
      return response;
    } catch (error) {
      if (error instanceof TransientError && isUnreachable(error) && !reached) throw offline(request, error);
      throw error;
    }
  }

  function offline({ repo, revision, path }: HubFileRequest, cause: TransientError): InputError {
    return new InputError(
      `${repo}@${revision.slice(0, 8)}: ${path} is not in the cache ${cacheDir} and ${hubUrl} cannot be reached (${cause.message}): ` +
        'set HF_HUB_CACHE to a cache that has it, or allow network access to huggingface.co (or a mirror named by HF_ENDPOINT)',
      { cause },
    );
  }

  /** Size and hash of the file as the hub states them. */
  async function fileInfo(request: HubFileRequest): Promise<FileInfo> {
    const { kind, repo, revision, path } = request;
    try {
      const [info] = await pathsInfo({
        repo: { type: kind, name: repo },
        paths: [path],
        revision,
        hubUrl,
        fetch: (url, init) => withRetries(retry, () => answered(url as string | URL, init ?? {}, request)),
      });
      if (!info || info.type !== 'file') throw statusError(request, 404, hasToken);
      // Blobs are named as in the standard cache: by LFS hash, otherwise by Git object id.
      const etag = info.lfs?.oid ?? info.xetHash ?? info.oid;
      if (!etag || !/^[0-9a-f]{40,64}$/.test(etag)) {
        throw new IntegrityError(
          `${repo}: ${path}: the hub names no usable hash for it, got "${etag}"; check ${hubUrl}`,
        );
      }
      const hash: ExpectedHash | undefined = info.lfs
        ? { kind: 'sha256', hex: info.lfs.oid }
        : info.oid && !info.xetHash
          ? { kind: 'git', hex: info.oid }
          : undefined;
      return { sizeBytes: info.lfs?.size ?? info.size, etag, hash };
    } catch (error) {
      if (error instanceof HubApiError) throw statusError(request, error.statusCode, hasToken);
      throw error;
    }
  }

  return { file, locate, repository: (request) => findRepository(request, hubSettings(options)) };
}

interface FileInfo {
  readonly sizeBytes: number;
  readonly etag: string;
  readonly hash: ExpectedHash | undefined;
}

/** The bytes of a cached file, or of its range; undefined when it is missing or too short for the range. */
async function readCached(path: string, range: HubFileRequest['range']): Promise<Uint8Array | undefined> {
  try {
    if (!range) return await readFile(path);
    if ((await sizeOf(path)) < range.end) return undefined;
    const file = await open(path, 'r');
    try {
      const bytes = new Uint8Array(range.end - range.start);
      await file.read(bytes, 0, bytes.byteLength, range.start);
      return bytes;
    } finally {
      await file.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function verify(bytes: Uint8Array, request: HubFileRequest, remedy: string): void {
  if (request.sha256 === undefined) return;
  const actual = sha256(bytes);
  if (actual !== request.sha256) throw wrongHash(request, actual, remedy);
}

function wrongHash({ repo, path, sha256 }: HubFileRequest, actual: string, remedy: string): IntegrityError {
  return new IntegrityError(`${repo}: ${path}: expected sha256 ${sha256}, got ${actual} in the cache; ${remedy}`);
}

function statusError(request: HubFileRequest, status: number, hasToken: boolean): InputError {
  const { kind, repo, revision, path } = request;
  const what = `${kind} ${repo} at revision ${revision}: ${path}`;
  if (status === 404)
    return new InputError(`${what}: the hub has no such file (404); check repository, revision and path`);
  if (status === 401 || status === 403) {
    return new InputError(`${what}: the hub refuses access (${status}); ${refusedAccess(hasToken)}`);
  }
  return new InputError(`${what}: unexpected status ${status} from the hub; check HF_ENDPOINT`);
}
