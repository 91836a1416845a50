/** Contents of a model repository at a revision: from the hub, or from the cache in offline mode. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { getRepoFolderName } from '@huggingface/hub';
import { InputError } from '../../contracts/errors.ts';
import { isRecord } from '../../contracts/is-record.ts';
import type { HubSettings } from './hub-settings.ts';
import { TransientError, withRetries } from './retry.ts';
import { wholeResponse } from './watched-fetch.ts';

export interface RepositoryRequest {
  /** `owner/name` */
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
}

export interface HubRepository {
  /** 40 hex digits. */
  readonly commit: string;
  readonly files: readonly string[];
  /** The licence stated by the repository. */
  readonly licence?: string;
}

const COMMIT = /^[0-9a-f]{40}$/;

/** Throws InputError where there is no such repository or revision, or where it is neither reachable nor in the cache. */
export async function findRepository(request: RepositoryRequest, settings: HubSettings): Promise<HubRepository> {
  const { repo, revision } = request;
  if (!/^\w[\w.-]*(\/\w[\w.-]*)?$/.test(repo) || !/^\w[\w./-]*$/.test(revision) || revision.includes('..')) {
    throw new InputError(`hub model "${repo}@${revision}": expected owner/name, and a branch, tag or commit behind @`);
  }
  const cached = await cachedRepository(request, settings);
  // A commit never changes: if its model is in the cache, no network access is needed.
  const isWhole = cached?.files.includes('config.json') && cached.files.some((name) => name.endsWith('.safetensors'));
  if (cached && (settings.offline || (COMMIT.test(revision) && isWhole))) return cached;
  if (settings.offline) {
    throw new InputError(
      `${repo}@${revision} is not in the cache ${settings.cacheDir} and HF_HUB_OFFLINE forbids asking ${settings.hubUrl}: unset it, or ` +
        'set HF_HUB_CACHE to a cache that has the model',
    );
  }
  return askHub(request, settings);
}

async function askHub({ repo, revision }: RepositoryRequest, settings: HubSettings): Promise<HubRepository> {
  const { hubUrl, http, retry, cacheDir } = settings;
  const url = `${hubUrl}/api/models/${repo}/revision/${encodeURIComponent(revision)}`;
  const response = await withRetries(retry, () => wholeResponse(url, {}, http)).catch((error: unknown) => {
    if (!(error instanceof TransientError)) throw error;
    throw new InputError(
      `${repo}@${revision}: ${hubUrl} cannot be reached (${error.message}): allow network access to it, name a mirror by HF_ENDPOINT, or ` +
        'give a commit that is in the cache HF_HUB_CACHE',
      { cause: error },
    );
  });
  if (!response.ok) throw refusal({ repo, revision }, response.status, settings);
  const answer: unknown = await response.json().catch(() => undefined);
  const { sha, siblings, tags } = isRecord(answer) ? answer : {};
  if (typeof sha !== 'string' || !COMMIT.test(sha) || !Array.isArray(siblings)) {
    throw new InputError(`${repo}@${revision}: ${hubUrl} returned neither a commit nor files; check HF_ENDPOINT`);
  }
  const files = siblings.flatMap((file) =>
    isRecord(file) && typeof file['rfilename'] === 'string' ? [file['rfilename']] : [],
  );
  if (!COMMIT.test(revision)) await keepReference({ repo, revision, commit: sha, cacheDir });
  const licence = (Array.isArray(tags) ? tags : []).find(
    (tag): tag is string => typeof tag === 'string' && tag.startsWith('license:'),
  );
  return { commit: sha, files, ...(licence !== undefined && { licence: licence.slice('license:'.length) }) };
}

function refusal({ repo, revision }: RepositoryRequest, status: number, { hubUrl, hasToken }: HubSettings): InputError {
  if (status === 404)
    return new InputError(`${repo}@${revision}: the hub has no such model or revision (404); check both`);
  if (status === 401 || status === 403) {
    return new InputError(`${repo}@${revision}: the hub refuses access (${status}); ${refusedAccess(hasToken)}`);
  }
  return new InputError(`${repo}@${revision}: unexpected status ${status} from ${hubUrl}; check HF_ENDPOINT`);
}

/** What to do when the hub refuses access. */
export function refusedAccess(hasToken: boolean): string {
  return (
    'the repository is private, gated or misspelt: ' +
    (hasToken
      ? 'accept its terms with the account of HF_TOKEN'
      : 'accept its terms on the hub and set HF_TOKEN to a token of that account') +
    ', or set HF_HUB_CACHE to a cache that has it'
  );
}

/** As in the standard layout: the commit of a branch or tag. Skipped where the cache cannot be written. */
async function keepReference(reference: {
  repo: string;
  revision: string;
  commit: string;
  cacheDir: string;
}): Promise<void> {
  const { repo, revision, commit, cacheDir } = reference;
  const path = join(cacheDir, getRepoFolderName({ type: 'model', name: repo }), 'refs', revision);
  await mkdir(dirname(path), { recursive: true })
    .then(() => writeFile(path, commit))
    .catch(() => undefined);
}

async function cachedRepository(
  { repo, revision }: RepositoryRequest,
  { cacheDir }: HubSettings,
): Promise<HubRepository | undefined> {
  const folder = join(cacheDir, getRepoFolderName({ type: 'model', name: repo }));
  const commit = COMMIT.test(revision)
    ? revision
    : (await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '')).trim();
  if (!COMMIT.test(commit)) return undefined;
  const snapshot = join(folder, 'snapshots', commit);
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(snapshot, join(entry.parentPath, entry.name)));
  return files.length === 0 ? undefined : { commit, files };
}
