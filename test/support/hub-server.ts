/** A local server that speaks the part of the hub's protocol a client needs: paths-info, resolve, ranges, LFS redirects. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HubServerFile {
  readonly bytes: Uint8Array;
  /** Kept outside Git: resolve redirects to another path, and paths-info names the SHA-256. */
  readonly lfs?: boolean;
  /** Hash stated by paths-info in place of the true one. */
  readonly statedHash?: string;
}

/** What goes wrong with one request for the file's bytes; taken in order, one each, then all is well. */
export type Fault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** The connection breaks after so many bytes of the body. */
  | { readonly kind: 'break'; readonly afterBytes: number }
  /** The body ends in good order, but early. */
  | { readonly kind: 'truncate'; readonly afterBytes: number }
  /** Headers come, some bytes too, then nothing. */
  | { readonly kind: 'stall'; readonly afterBytes: number }
  /** Nothing comes at all. */
  | { readonly kind: 'silence' }
  /** Answers 200 with the whole file whatever range was asked for. */
  | { readonly kind: 'ignore-range' };

export interface HubServer {
  readonly url: string;
  /** Every request, as `GET /path range`. */
  readonly requests: readonly string[];
  /** The authorization header of every request, in the same order. */
  readonly authorizations: readonly (string | undefined)[];
  readonly faults: Fault[];
  /** Faults of the paths-info API. */
  readonly apiFaults: Fault[];
  close(): Promise<void>;
}

/** Files by `models/owner/name/path` or `datasets/owner/name/path`; one revision each. */
export async function startHubServer(
  revision: string,
  files: Readonly<Record<string, HubServerFile>>,
): Promise<HubServer> {
  const requests: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const faults: Fault[] = [];
  const apiFaults: Fault[] = [];

  const server = createServer((request, response) => {
    const url = request.url ?? '';
    authorizations.push(request.headers.authorization);
    requests.push([request.method, url, request.headers.range].filter(Boolean).join(' '));
    const api = /^\/api\/(models|datasets)\/(.+)\/paths-info\/(\w+)$/.exec(url);
    if (api) {
      void pathsInfo(request, response, { folder: `${api[1]}/${api[2]}`, revision: String(api[3]) });
      return;
    }
    const revisions = /^\/api\/models\/([^/]+\/[^/]+)\/revision\/([^/]+)$/.exec(url);
    if (revisions) {
      const fault = apiFaults.shift();
      if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end();
      const folder = `models/${revisions[1]}/`;
      const siblings = Object.keys(files).flatMap((key) =>
        key.startsWith(folder) ? [{ rfilename: key.slice(folder.length) }] : [],
      );
      const known = siblings.length > 0 && ['main', revision].includes(decodeURIComponent(String(revisions[2])));
      if (!known) return void response.writeHead(404).end();
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ sha: revision, siblings, tags: ['license:mit'] }));
      return;
    }
    const resolve = /^\/(datasets\/)?([^/]+\/[^/]+)\/resolve\/(\w+)\/(.+)$/.exec(url);
    if (resolve && resolve[3] === revision) {
      const key = `${resolve[1] ?? 'models/'}${resolve[2]}/${decodeURIComponent(String(resolve[4]))}`;
      const file = files[key];
      if (file?.lfs) {
        response.writeHead(302, {
          location: `/lfs/${encodeURIComponent(key)}`,
          'x-repo-commit': revision,
          'x-linked-etag': `"${hashOf(file)}"`,
          'x-linked-size': String(file.bytes.byteLength),
        });
        response.end();
        return;
      }
      if (file) return void sendBytes(request, response, file);
    }
    const lfs = /^\/lfs\/(.+)$/.exec(url);
    const stored = lfs && files[decodeURIComponent(String(lfs[1]))];
    if (stored) return void sendBytes(request, response, stored);
    response.writeHead(404, { 'x-error-code': 'EntryNotFound' }).end();
  });

  function sendBytes(request: IncomingMessage, response: ServerResponse, file: HubServerFile): void {
    const fault = faults.shift();
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end();
    const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
    const partial = range !== null && fault?.kind !== 'ignore-range';
    const start = partial ? Number(range[1]) : 0;
    const end = partial ? Math.min(Number(range[2]) + 1, file.bytes.byteLength) : file.bytes.byteLength;
    const body = file.bytes.subarray(start, end);
    const shortBy = fault?.kind === 'truncate' ? Math.max(0, body.byteLength - fault.afterBytes) : 0;
    response.writeHead(partial ? 206 : 200, {
      'accept-ranges': 'bytes',
      'content-length': String(body.byteLength - shortBy),
      etag: `"${hashOf(file)}"`,
      'x-repo-commit': revision,
      ...(partial && { 'content-range': `bytes ${start}-${end - 1}/${file.bytes.byteLength}` }),
    });
    if (fault?.kind === 'break' || fault?.kind === 'stall') {
      response.write(body.subarray(0, fault.afterBytes), () => {
        if (fault.kind === 'break') response.destroy();
      });
      return;
    }
    response.end(body.subarray(0, body.byteLength - shortBy));
  }

  async function pathsInfo(
    request: IncomingMessage,
    response: ServerResponse,
    asked: { readonly folder: string; readonly revision: string },
  ): Promise<void> {
    const fault = apiFaults.shift();
    if (fault?.kind === 'silence') return;
    if (fault?.kind === 'status') return void response.writeHead(fault.status, fault.headers).end();
    const known = Object.keys(files).some((key) => key.startsWith(`${asked.folder}/`));
    if (!known || asked.revision !== revision) return void response.writeHead(404).end();
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { paths } = JSON.parse(text) as { paths: string[] };
    const found = paths.flatMap((path) => {
      const file = files[`${asked.folder}/${path}`];
      if (!file) return [];
      const size = file.bytes.byteLength;
      const lfs = file.lfs ? { oid: hashOf(file), size, pointerSize: 130 } : undefined;
      return [{ type: 'file', path, size, oid: file.lfs ? 'f'.repeat(40) : hashOf(file), lfs }];
    });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(found));
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    authorizations,
    faults,
    apiFaults,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** SHA-256 for LFS, Git's object id for the rest. */
function hashOf(file: HubServerFile): string {
  if (file.statedHash !== undefined) return file.statedHash;
  if (file.lfs) return createHash('sha256').update(file.bytes).digest('hex');
  return createHash('sha1').update(`blob ${file.bytes.byteLength}\0`).update(file.bytes).digest('hex');
}
