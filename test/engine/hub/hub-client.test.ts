import { createHash } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { downloadFileToCacheDir } from '@huggingface/hub';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HubFileRequest } from '../../../contracts/dataset.ts';
import { InputError, IntegrityError } from '../../../contracts/errors.ts';
import { createHubClient } from '../../../engine/hub/hub-client.ts';
import type { HubClientOptions } from '../../../engine/hub/hub-settings.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { type HubServer, startHubServer } from '../../support/hub-server.ts';

const REVISION = '0123456789abcdef0123456789abcdef01234567';
const random = createRandom('hub-client');
const bytes = Uint8Array.from({ length: 200_000 }, () => random.integer(256));
const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

let server: HubServer;
let root: string;
let cacheDir: string;
let waits: number[];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'shrinkrank-hub-'));
  cacheDir = join(root, 'hub');
  waits = [];
  server = await startHubServer(REVISION, {
    'models/owner/name/weights.bin': { bytes, lfs: true },
    'models/owner/name/folder/tokenizer.bin': { bytes: bytes.subarray(0, 500) },
    'models/owner/name/empty.txt': { bytes: new Uint8Array(0) },
    'models/owner/name/corrupt.bin': { bytes, lfs: true, statedHash: 'ab'.repeat(32) },
    'datasets/owner/data/rows.txt': { bytes, lfs: true },
  });
});
afterEach(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

function client(options: HubClientOptions = {}) {
  return createHubClient({
    cacheDir,
    hubUrl: server.url,
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    sleep: (delayMs) => {
      waits.push(delayMs);
      return Promise.resolve();
    },
    ...options,
  });
}

const weights: HubFileRequest = { kind: 'model', repo: 'owner/name', revision: REVISION, path: 'weights.bin' };
const rows: HubFileRequest = { kind: 'dataset', repo: 'owner/data', revision: REVISION, path: 'rows.txt' };
const range = { start: 1_000, end: 91_000 };

const repoFolder = (): string => join(cacheDir, 'models--owner--name');
const snapshot = (path: string): string => join(repoFolder(), 'snapshots', REVISION, path);
const bodyRequests = (): string[] => server.requests.filter((request) => request.startsWith('GET /lfs/'));

describe('createHubClient', () => {
  it('downloads an LFS file through its redirect into the standard layout, then works without network', async () => {
    expect(await client().file({ ...weights, sha256: sha256(bytes) })).toEqual(Buffer.from(bytes));
    expect(lstatSync(snapshot('weights.bin')).isSymbolicLink()).toBe(true);
    expect(readFileSync(join(repoFolder(), 'blobs', sha256(bytes)))).toEqual(Buffer.from(bytes));
    expect(readdirSync(join(repoFolder(), 'blobs'))).toHaveLength(1);
    const before = server.requests.length;
    expect(await client().file(weights)).toEqual(Buffer.from(bytes));
    expect(server.requests).toHaveLength(before);
  });

  it('stores files where the hub’s library finds them', async () => {
    await client().file({ ...weights, path: 'folder/tokenizer.bin' });
    const found = await downloadFileToCacheDir({
      repo: 'owner/name',
      path: 'folder/tokenizer.bin',
      revision: REVISION,
      cacheDir,
      fetch: () => Promise.reject(new Error('not in the cache')),
    });
    expect(readFileSync(found)).toEqual(Buffer.from(bytes.subarray(0, 500)));
  });

  it('verifies files kept in Git by their object id', async () => {
    const path = 'folder/tokenizer.bin';
    expect(await client().file({ ...weights, path })).toEqual(Buffer.from(bytes.subarray(0, 500)));
    expect(existsSync(snapshot(path))).toBe(true);
  });

  it('downloads an empty file', async () => {
    expect(await client().file({ ...weights, path: 'empty.txt' })).toHaveLength(0);
  });

  it('fetches a range, stores it outside the standard layout, and reads it back without network', async () => {
    const wanted = Buffer.from(bytes.subarray(range.start, range.end));
    const request = { ...rows, range, sha256: sha256(wanted) };
    expect(await client().file(request)).toEqual(wanted);
    expect(bodyRequests().at(-1)).toContain('bytes=1000-90999');
    expect(existsSync(cacheDir)).toBe(false);
    const before = server.requests.length;
    expect(await client().file(request)).toEqual(wanted);
    expect(server.requests).toHaveLength(before);
  });

  it('reads a range from a cached file that is long enough, and fetches it when the file is too short', async () => {
    const cached = join(cacheDir, 'datasets--owner--data', 'snapshots', REVISION, 'rows.txt');
    mkdirSync(dirname(cached), { recursive: true });
    writeFileSync(cached, bytes.subarray(0, range.end));
    expect(await client().file({ ...rows, range })).toEqual(bytes.slice(range.start, range.end));
    expect(server.requests).toHaveLength(0);
    writeFileSync(cached, bytes.subarray(0, range.end - 1));
    expect(await client().file({ ...rows, range })).toEqual(Buffer.from(bytes.subarray(range.start, range.end)));
    expect(bodyRequests()).toHaveLength(1);
  });

  it('returns the available bytes of a range beyond the end, and refuses one that begins there', async () => {
    const tail = await client().file({ ...rows, range: { start: 199_990, end: 300_000 } });
    expect(tail).toEqual(Buffer.from(bytes.subarray(199_990)));
    await expect(client().file({ ...rows, range: { start: 200_000, end: 300_000 } })).rejects.toThrow(
      /exceeds the file, which ends at byte 200000/,
    );
  });

  it.each(['break', 'truncate'] as const)('continues by range after a body that ends early (%s)', async (kind) => {
    server.faults.push({ kind, afterBytes: 60_000 }, { kind, afterBytes: 30_000 });
    expect(await client().file({ ...weights, sha256: sha256(bytes) })).toEqual(Buffer.from(bytes));
    const starts = bodyRequests().map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1]));
    expect(starts).toHaveLength(3);
    expect(starts[0]).toBe(0);
    // A broken connection may lose bytes still on the way, never invent any.
    expect(starts[1]).toBeLessThanOrEqual(60_000);
    expect(starts[2]).toBeGreaterThanOrEqual(starts[1] as number);
    if (kind === 'truncate') expect(starts).toEqual([0, 60_000, 90_000]);
  });

  it('continues where an earlier process stopped', async () => {
    const blobs = join(repoFolder(), 'blobs');
    mkdirSync(blobs, { recursive: true });
    writeFileSync(join(blobs, `${sha256(bytes)}.incomplete`), bytes.subarray(0, 150_000));
    expect(await client().file(weights)).toEqual(Buffer.from(bytes));
    expect(bodyRequests()).toHaveLength(1);
    expect(bodyRequests()[0]).toContain('bytes=150000-199999');
    expect(readdirSync(blobs)).toEqual([sha256(bytes)]);
  });

  it('resumes against a server that ignores ranges', async () => {
    server.faults.push({ kind: 'truncate', afterBytes: 60_000 }, { kind: 'ignore-range' });
    expect(await client().file(weights)).toEqual(Buffer.from(bytes));
  });

  it('keeps the received bytes when the tries are used up, and the next call continues from there', async () => {
    const stuck = { kind: 'status', status: 503 } as const;
    server.faults.push({ kind: 'truncate', afterBytes: 60_000 }, stuck, stuck);
    await expect(client({ attempts: 3 }).file(weights)).rejects.toThrow(/failed 3 times.*503.*run again later/);
    expect(existsSync(snapshot('weights.bin'))).toBe(false);
    expect(await client().file(weights)).toEqual(Buffer.from(bytes));
    expect(bodyRequests().at(-1)).toContain('bytes=60000-');
  });

  it('refuses a download with another hash, removes it, and names repository, path and both hashes', async () => {
    const wrong = 'cd'.repeat(32);
    const refusal = client().file({ ...weights, sha256: wrong });
    await expect(refusal).rejects.toThrow(IntegrityError);
    await expect(refusal).rejects.toThrow(
      new RegExp(`owner/name@01234567: weights.bin: expected sha256 ${wrong}, got ${sha256(bytes)}.*removed`),
    );
    expect(readdirSync(join(repoFolder(), 'blobs'))).toEqual([]);
    expect(existsSync(snapshot('weights.bin'))).toBe(false);
  });

  it('refuses bytes that differ from the hash the hub itself states', async () => {
    await expect(client().file({ ...weights, path: 'corrupt.bin' })).rejects.toThrow(/expected sha256 abab/);
  });

  it('refuses a cached file with another hash and says which to remove', async () => {
    mkdirSync(dirname(snapshot('weights.bin')), { recursive: true });
    writeFileSync(snapshot('weights.bin'), 'something else');
    await expect(client().file({ ...weights, sha256: sha256(bytes) })).rejects.toThrow(
      `remove ${snapshot('weights.bin')} and run again`,
    );
  });

  it('removes a cached range that was corrupted, so that the next call fetches it again', async () => {
    const wanted = Buffer.from(bytes.subarray(range.start, range.end));
    const request = { ...rows, range, sha256: sha256(wanted) };
    await client().file(request);
    const folder = join(root, 'shrinkrank-ranges', 'datasets--owner--data', REVISION);
    writeFileSync(join(folder, 'rows.txt.1000-91000'), 'bad');
    await expect(client().file(request)).rejects.toThrow(/the bad copy .* was removed/);
    expect(await client().file(request)).toEqual(wanted);
  });

  it.each([
    ['path', { ...weights, path: 'missing.bin' }],
    ['repository', { ...weights, repo: 'owner/missing' }],
    ['revision', { ...weights, revision: 'f'.repeat(40) }],
  ])('names repository, revision and path when the %s does not exist', async (_, request) => {
    const refusal = client().file(request);
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(`${request.repo} at revision ${request.revision}: ${request.path}`);
    await expect(refusal).rejects.toThrow(/no such file \(404\)/);
    expect(waits).toEqual([]);
  });

  it('says what to do about a repository that refuses access', async () => {
    server.apiFaults.push({ kind: 'status', status: 401 });
    await expect(client().file(weights)).rejects.toThrow(/refuses access \(401\).*HF_HUB_CACHE/);
  });

  it('waits as long as a 429 asks, for the API and for file contents', async () => {
    server.apiFaults.push({ kind: 'status', status: 429, headers: { 'retry-after': '7' } });
    server.faults.push({ kind: 'status', status: 429, headers: { 'retry-after': '11' } });
    expect(await client().file(weights)).toEqual(Buffer.from(bytes));
    expect(waits).toEqual([7_000, 11_000]);
  });

  it('reports a 429 that asks for a longer wait than the limit', async () => {
    server.apiFaults.push({ kind: 'status', status: 429, headers: { 'retry-after': '86400' } });
    await expect(client().file(weights)).rejects.toThrow(/the server answered 429/);
    expect(waits).toEqual([]);
  });

  it('backs off exponentially on 5xx and gives up after the tries are used up', async () => {
    for (let index = 0; index < 5; index++) server.apiFaults.push({ kind: 'status', status: 502 });
    await expect(client().file(weights)).rejects.toThrow(/failed 5 times, last: the server answered 502/);
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000]);
  });

  it('gives up on a stalled body and continues from the received bytes', async () => {
    server.faults.push({ kind: 'stall', afterBytes: 60_000 });
    expect(await client({ idleTimeoutMs: 50 }).file(weights)).toEqual(Buffer.from(bytes));
    expect(bodyRequests().at(-1)).toContain('bytes=60000-');
  });

  it('gives up on a server that never responds', async () => {
    for (let index = 0; index < 3; index++) server.apiFaults.push({ kind: 'silence' });
    await expect(client({ connectTimeoutMs: 30, attempts: 3 }).file(weights)).rejects.toThrow(
      /failed 3 times, last: no answer within 30 ms/,
    );
  });

  it('says in one line how to get the data when there is neither cache nor network', async () => {
    const refusal = client({ hubUrl: `http://127.0.0.1:${await unusedPort()}` }).file(weights);
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(
      /weights.bin is not in the cache .* cannot be reached .*ECONNREFUSED.*set HF_HUB_CACHE .* huggingface.co .*HF_ENDPOINT/,
    );
    await expect(refusal).rejects.not.toThrow(/\n/);
    expect(waits).toEqual([]);
  });

  it('waits for a network that was available before', async () => {
    let cut = 2;
    const hub = client({
      fetch: (url, init) => {
        const isBody = String(url).includes('/resolve/');
        if (isBody && cut-- > 0) {
          return Promise.reject(
            new TypeError('fetch failed', { cause: Object.assign(new Error(), { code: 'ENETUNREACH' }) }),
          );
        }
        return fetch(url, init);
      },
    });
    expect(await hub.file(weights)).toEqual(Buffer.from(bytes));
    expect(waits).toEqual([1_000, 2_000]);
  });

  it('says so when the cache cannot be written', async () => {
    writeFileSync(cacheDir, 'a file where the folder should be');
    const refusal = client().file(weights);
    await expect(refusal).rejects.toThrow(InputError);
    await expect(refusal).rejects.toThrow(/cannot write below .*set HF_HUB_CACHE to a folder that can be written/);
  });

  it.each([
    ['a branch as revision', { ...weights, revision: 'main' }, /40 hex digits/],
    ['a path that leaves the repository', { ...weights, path: '../../secret' }, /relative path inside/],
    ['an absolute path', { ...weights, path: '/etc/passwd' }, /relative path inside/],
    ['a repository that is a path', { ...weights, repo: '../name' }, /owner\/name/],
    ['an empty range', { ...weights, range: { start: 5, end: 5 } }, /range must be/],
  ])('refuses %s', async (_, request, message) => {
    await expect(client().file(request)).rejects.toThrow(message);
    expect(server.requests).toHaveLength(0);
  });

  it('lets several callers fetch the same file at once', async () => {
    const all = await Promise.all([1, 2, 3].map(() => client().file(weights)));
    for (const got of all) expect(got).toEqual(Buffer.from(bytes));
  });
});

async function unusedPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
