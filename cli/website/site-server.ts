/**
 * Serves an exported site on this machine: files of one folder and nothing else, with the security headers a public host
 * should set. For local use and for tests, not for the open internet.
 */
import { createHash } from 'node:crypto';
import { readFileSync, realpathSync, statSync } from 'node:fs';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import { extname, join, sep } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { InputError } from '../../contracts/errors.ts';
import { SECURITY_HEADERS, policyHeaderOf } from '../../board/publish/site-security.ts';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.gz': 'application/gzip',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.jsonl': 'application/x-ndjson; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.sqlite': 'application/vnd.sqlite3',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml; charset=utf-8',
};
const UNKNOWN_TYPE = 'application/octet-stream';
/** For files that are no pages: they load nothing, and an SVG that is opened by itself must run no script. */
const FILE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";
const COMPRESSED_TYPES = /^(text\/|application\/(json|x-ndjson|xml|manifest)|image\/svg)/;
/** Compressing a smaller body saves less than the headers cost. */
const COMPRESS_ABOVE_BYTES = 1024;
/** Cache of compressed bodies: enough for all pages of a site with some thousand results. */
const CACHE_BYTES = 128 * 2 ** 20;

interface Body {
  readonly bytes: Buffer;
  readonly encoding: 'br' | 'gzip' | null;
}

export interface SiteServer {
  readonly url: string;
  close(): Promise<void>;
}

export interface ServeOptions {
  /** 0 picks a free one. */
  readonly port?: number;
  /** The path the site was built for, such as `/board`; none by default. */
  readonly basePath?: string;
}

/** Throws InputError where the folder holds no site. */
export async function serveSite(folder: string, { port = 0, basePath = '' }: ServeOptions = {}): Promise<SiteServer> {
  const root = siteRoot(folder);
  const compress = createCompressor();
  const server = createServer((request, response) => {
    try {
      answer(request, response, { root, basePath, compress });
    } catch (error) {
      response.destroy(error instanceof Error ? error : undefined);
    }
  });
  const url = await listen(server, port);
  return {
    url: `${url}${basePath}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}

function siteRoot(folder: string): string {
  try {
    statSync(join(folder, 'index.html'));
    return realpathSync(folder);
  } catch (error) {
    throw new InputError(`${folder}: holds no index.html; build the site first (npm run site:build)`, { cause: error });
  }
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        error.code === 'EADDRINUSE'
          ? new InputError(`port ${port} is taken; name another one with --port`, { cause: error })
          : error,
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return `http://127.0.0.1:${address.port}`;
}

interface Site {
  readonly root: string;
  readonly basePath: string;
  readonly compress: ReturnType<typeof createCompressor>;
}

function answer(request: IncomingMessage, response: ServerResponse, site: Site): void {
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  const path = pathOf(request.url ?? '/', site.basePath);
  const found = path === undefined ? undefined : fileAt(site.root, path);
  if (path !== undefined && found === 'folder') {
    const query = (request.url ?? '').split('?')[1];
    // Built from the checked path: the path as it was requested may be `//host/`, which leads to another host.
    const location = `${site.basePath}${encodeURI(path)}/${query === undefined ? '' : `?${query}`}`;
    response.writeHead(308, { Location: location, 'Content-Security-Policy': FILE_POLICY }).end();
    return;
  }
  const missing = found === undefined || found === 'folder';
  sendFile(request, response, { ...site, file: missing ? fileAt(site.root, '/404.html') : found, missing });
}

/** The requested path within the site; undefined where it cannot be the path of a file. */
function pathOf(url: string, basePath: string): string | undefined {
  const [raw = ''] = url.split(/[?#]/);
  if (basePath !== '' && raw !== basePath && !raw.startsWith(`${basePath}/`)) return undefined;
  let path: string;
  try {
    path = decodeURIComponent(raw.slice(basePath.length)) || '/';
  } catch {
    return undefined;
  }
  const segments = path.split('/').slice(1);
  const plain = segments.every((segment, i) => {
    const last = i === segments.length - 1;
    if (segment === '') return last;
    return segment !== '.' && segment !== '..' && !['\\', '\0', ':'].some((character) => segment.includes(character));
  });
  return path.startsWith('/') && plain ? path : undefined;
}

/** The file at a path; `folder` where a slash is missing; undefined for links that lead out of the site. */
function fileAt(root: string, path: string): string | 'folder' | undefined {
  const wanted = join(root, path.endsWith('/') ? `${path}index.html` : path);
  try {
    const real = realpathSync(wanted);
    if (!real.startsWith(root + sep)) return undefined;
    const stat = statSync(real);
    if (stat.isFile()) return real;
    return stat.isDirectory() && statSync(join(real, 'index.html')).isFile() ? 'folder' : undefined;
  } catch {
    return undefined;
  }
}

function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  { file, missing, compress }: Site & { readonly file: string | undefined; readonly missing: boolean },
): void {
  if (file === undefined) {
    response
      .writeHead(404, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Security-Policy': FILE_POLICY })
      .end('not found\n');
    return;
  }
  const bytes = readFileSync(file);
  const type = MEDIA_TYPES[extname(file).toLowerCase()] ?? UNKNOWN_TYPE;
  const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`;
  const page = type.startsWith('text/html');
  response.setHeader('Content-Type', type);
  response.setHeader('Vary', 'Accept-Encoding');
  response.setHeader('ETag', etag);
  // Names under _next/static hold a hash of their content.
  const immutable = file.includes(`${sep}_next${sep}static${sep}`);
  response.setHeader('Cache-Control', immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader(
    'Content-Security-Policy',
    (page ? policyHeaderOf(bytes.toString('utf8')) : undefined) ?? FILE_POLICY,
  );
  if (!missing && request.headers['if-none-match'] === etag) {
    response.writeHead(304).end();
    return;
  }
  const body = compress({ etag, bytes, type, accepted: String(request.headers['accept-encoding'] ?? '') });
  if (body.encoding) response.setHeader('Content-Encoding', body.encoding);
  response.writeHead(missing ? 404 : 200, { 'Content-Length': body.bytes.length });
  response.end(request.method === 'HEAD' ? undefined : body.bytes);
}

function createCompressor() {
  const cache = new Map<string, Buffer>();
  let cachedBytes = 0;
  return ({
    etag,
    bytes,
    type,
    accepted,
  }: {
    readonly etag: string;
    readonly bytes: Buffer;
    readonly type: string;
    readonly accepted: string;
  }): Body => {
    const encoding = /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : null;
    if (encoding === null || bytes.length < COMPRESS_ABOVE_BYTES || !COMPRESSED_TYPES.test(type)) {
      return { bytes, encoding: null };
    }
    const key = `${encoding} ${etag}`;
    const known = cache.get(key);
    if (known) return { bytes: known, encoding };
    const packed =
      encoding === 'br'
        ? brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } })
        : gzipSync(bytes, { level: 6 });
    if (cachedBytes + packed.length <= CACHE_BYTES) {
      cache.set(key, packed);
      cachedBytes += packed.length;
    }
    return { bytes: packed, encoding };
  };
}
