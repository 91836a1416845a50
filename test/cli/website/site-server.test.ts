import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { withPolicy } from '../../../board/publish/site-security.ts';
import { type ServeOptions, serveSite } from '../../../cli/website/site-server.ts';
import { temporaryFolder } from '../../support/store.ts';

const PAGE = '<!DOCTYPE html><html><head></head><body><script>a()</script></body></html>';
const LONG = 'A line of text that compresses well.\n'.repeat(200);

async function served(options: ServeOptions = {}): Promise<{ readonly url: string; readonly folder: string }> {
  const outside = temporaryFolder();
  const folder = join(outside, 'out');
  mkdirSync(join(folder, 'methods/gptq'), { recursive: true });
  mkdirSync(join(folder, '_next/static/chunks'), { recursive: true });
  mkdirSync(join(folder, 'empty'));
  const files = {
    'index.html': withPolicy(PAGE, 'index.html'),
    '404.html': withPolicy(PAGE.replace('a()', 'missing()'), '404.html'),
    'methods/gptq/index.html': withPolicy(PAGE, 'gptq'),
    'methods/a~b.html': PAGE,
    'long.txt': LONG,
    'data.json': '{"a":1}',
    'rows.jsonl.gz': 'not really',
    'odd.xyz': '<script>',
    '_next/static/chunks/a.js': 'a()',
  };
  for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
  writeFileSync(join(outside, 'secret.txt'), 'secret');
  symlinkSync(join(outside, 'secret.txt'), join(folder, 'link.txt'));
  symlinkSync(outside, join(folder, 'linked'));
  const server = await serveSite(folder, options);
  onTestFinished(() => server.close());
  return { url: server.url, folder };
}

/** The path as it is: fetch() would tidy it up. */
function rawGet(
  url: string,
  path: string,
): Promise<{ readonly status: number; readonly body: string; readonly location: string | undefined }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const sent = request({ hostname, port, path }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (body += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body, location: response.headers.location }),
      );
    });
    sent.on('error', reject);
    sent.end();
  });
}

describe('serveSite', () => {
  it('serves pages and files with their content types', async () => {
    const { url } = await served();
    const expected: Readonly<Record<string, string>> = {
      '/': 'text/html; charset=utf-8',
      '/methods/gptq/': 'text/html; charset=utf-8',
      '/methods/gptq/?q=1': 'text/html; charset=utf-8',
      '/methods/a~b.html': 'text/html; charset=utf-8',
      '/data.json': 'application/json; charset=utf-8',
      '/rows.jsonl.gz': 'application/gzip',
      '/odd.xyz': 'application/octet-stream',
      '/_next/static/chunks/a.js': 'text/javascript; charset=utf-8',
    };
    for (const [path, type] of Object.entries(expected)) {
      const response = await fetch(`${url}${path}`);
      expect([path, response.status, response.headers.get('content-type')]).toEqual([path, 200, type]);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(response.headers.get('content-encoding')).toBeNull();
    }
    expect((await fetch(`${url}/data.json`)).headers.get('cache-control')).toBe('no-cache');
    expect((await fetch(`${url}/_next/static/chunks/a.js`)).headers.get('cache-control')).toContain('immutable');
  });

  it('sends a page’s own policy as a header', async () => {
    const { url } = await served();
    const policy = (await fetch(`${url}/`)).headers.get('content-security-policy');
    expect(policy).toMatch(/script-src 'self' 'sha256-[^']+'/);
    expect(policy).not.toContain('unsafe-inline');
  });

  it('shows the not-found page for an unknown address', async () => {
    const { url } = await served();
    const response = await fetch(`${url}/nowhere/`);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('missing()');
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/methods/../../secret.txt',
    '/methods/%2e%2e/%2e%2e/secret.txt',
    '/..\\secret.txt',
    '/%5c..%5csecret.txt',
    '//etc/passwd',
    '/etc/passwd',
    '/link.txt',
    '/linked/secret.txt',
    '/data.json%00.html',
    '/%',
    '/%ff',
    '/./data.json',
    '/C:/secret.txt',
    'secret.txt',
    'http://127.0.0.1/../secret.txt',
    '*',
  ])('reveals nothing for %s', async (path) => {
    const { url } = await served();
    const { status, body } = await rawGet(url, path);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(body).not.toContain('secret');
    expect(body).not.toContain('root:');
  });

  it('redirects to the address with a trailing slash, on this host only', async () => {
    const { url } = await served();
    expect(await rawGet(url, '/methods/gptq?a=b')).toMatchObject({ status: 308, location: '/methods/gptq/?a=b' });
    for (const path of ['//example.org/methods/gptq', '/%2f/example.org', '/empty', '/linked']) {
      const { status, location } = await rawGet(url, path);
      expect([status, location]).toEqual([404, undefined]);
    }
  });

  it('compresses what shrinks, as requested, and honours the browser’s cache', async () => {
    const { url } = await served();
    const get = async (encoding: string) => {
      const response = await fetch(`${url}/long.txt`, { headers: { 'Accept-Encoding': encoding } });
      // fetch() unpacks by itself; the length is of what was sent.
      return { response, sent: Number(response.headers.get('content-length')), text: await response.text() };
    };
    for (const encoding of ['br', 'gzip']) {
      const { response, sent, text } = await get(encoding);
      expect(response.headers.get('content-encoding')).toBe(encoding);
      expect(text).toBe(LONG);
      expect(sent).toBeLessThan(LONG.length / 10);
    }
    const { response, sent } = await get('identity');
    expect(sent).toBe(LONG.length);
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(`${url}/long.txt`, { headers: { 'If-None-Match': etag } });
    expect(again.status).toBe(304);
  });

  it('answers HEAD with headers and refuses writes', async () => {
    const { url } = await served();
    const head = await fetch(`${url}/data.json`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const post = await fetch(`${url}/data.json`, { method: 'POST', body: 'x' });
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  it('serves below a base path and nothing above it', async () => {
    const { url } = await served({ basePath: '/board' });
    expect(url).toMatch(/\/board$/);
    expect((await fetch(`${url}/data.json`)).status).toBe(200);
    expect((await fetch(url.replace('/board', '/data.json'))).status).toBe(404);
    expect((await rawGet(url, '/boardx/data.json')).status).toBe(404);
    expect(await rawGet(url, '/board/methods/gptq')).toMatchObject({ status: 308, location: '/board/methods/gptq/' });
  });

  it('reports a missing folder and a used port', async () => {
    await expect(serveSite(temporaryFolder())).rejects.toThrow('holds no index.html; build the site first');
    const { url, folder } = await served();
    await expect(serveSite(folder, { port: Number(new URL(url).port) })).rejects.toThrow('is taken');
  });
});
