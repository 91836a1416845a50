import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { siteAddress } from '../../../cli/setup/project-address.ts';
import { REPOSITORY_ROOT } from '../../../cli/setup/registry.ts';

describe('siteAddress', () => {
  it.each([
    ['https://example.org', { origin: 'https://example.org', basePath: '' }],
    ['https://example.org/', { origin: 'https://example.org', basePath: '' }],
    ['https://example.org/board/', { origin: 'https://example.org', basePath: '/board' }],
    ['http://localhost:4173/a/b', { origin: 'http://localhost:4173', basePath: '/a/b' }],
  ])('splits %s', (url, expected) => {
    expect(siteAddress(url)).toEqual(expected);
  });

  it('is null without an address', () => {
    expect(siteAddress(null)).toBeNull();
  });

  it.each(['/board', 'example.org', 'ftp://example.org'])('refuses %s', (url) => {
    expect(() => siteAddress(url)).toThrow('SITE_URL: expected an address');
  });
});

it('cites the version that package.json names', () => {
  const textOf = (path: string) => readFileSync(join(REPOSITORY_ROOT, path), 'utf8');
  const { version, license } = JSON.parse(textOf('package.json')) as { version: string; license: string };
  const citation = textOf('CITATION.cff');
  expect(citation).toContain(`\nversion: ${version}\n`);
  expect(citation).toContain(`\nlicense: ${license}\n`);
});
