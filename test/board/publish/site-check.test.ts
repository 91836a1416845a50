import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkSite } from '../../../board/publish/site-check.ts';
import { withPolicy } from '../../../board/publish/site-security.ts';
import { temporaryFolder } from '../../support/store.ts';

function siteOf(files: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder();
  const index = { dumps: '/data/manifest.json', boards: [{ id: 'a.b.p1' }] };
  const always = {
    'api/v2/index.json': JSON.stringify(index),
    'api/v2/boards/a.b.p1.json': '{}',
    'api/v2/pareto/a.b.p1.json': '{}',
    'data/manifest.json': '{}',
  };
  for (const [path, text] of Object.entries({ ...always, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const page = (...links: readonly string[]) =>
  withPolicy(
    `<html><head></head><body>${links.map((link) => `<a href="${link}">x</a>`).join('')}</body></html>`,
    'page',
  );

describe('checkSite', () => {
  it('follows links to pages, files and folders, and ignores other hosts and anchors', () => {
    const folder = siteOf({
      'index.html': page(
        '/',
        '/a/',
        '/a/#there',
        '/data/manifest.json?x=1',
        '#here',
        'https://example.org/none',
        'mailto:a@b',
      ),
      'a/index.html': page('/a/b%7Ec.json'),
      'a/b~c.json': '{}',
    });
    expect(checkSite(folder)).toEqual({ pages: 2, links: 6 });
  });

  it('names pages with dead links, pages without a policy, and documents that are missing', () => {
    const folder = siteOf({
      'index.html': page('/gone/', '/api/v2/boards/none.json'),
      'bare.html': '<html><head></head></html>',
    });
    expect(() => checkSite(folder)).toThrow(
      /3 faults:[^]*bare\.html: has no security policy[^]*index\.html: links to \/gone\/, which is not there[^]*none\.json/,
    );
    const lost = siteOf({
      'index.html': page(),
      'api/v2/index.json': JSON.stringify({ dumps: '/data/x', boards: [] }),
    });
    expect(() => checkSite(lost)).toThrow('api/v2/index.json: names /data/x');
  });

  it('respects the base path of the site', () => {
    const folder = siteOf({ 'index.html': page('/board/a.txt'), 'a.txt': 'a' });
    expect(checkSite(folder, '/board').pages).toBe(1);
    expect(() => checkSite(folder)).toThrow('/board/a.txt');
    const outside = siteOf({ 'index.html': page('/a.txt'), 'b.txt': 'b' });
    expect(() => checkSite(outside, '/board')).toThrow('/a.txt');
  });
});
