import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { temporaryFolder } from '../support/store.ts';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.resetModules();
});

/** As the build reads it, of a repository with these files in results/studies/. */
async function studiesOf(files: Readonly<Record<string, string>> | null) {
  const root = temporaryFolder();
  if (files) mkdirSync(join(root, 'results/studies'), { recursive: true });
  for (const [name, text] of Object.entries(files ?? {})) writeFileSync(join(root, 'results/studies', name), text);
  vi.stubEnv('SITE_ROOT', root);
  const { studies } = await import('../../site/lib/repository-file.ts');
  return studies();
}

describe('studies', () => {
  it('are none without their folder or in an empty one', async () => {
    expect(await studiesOf(null)).toEqual([]);
    vi.resetModules();
    expect(await studiesOf({})).toEqual([]);
  });

  it('are the Markdown files of their folder by name, titled by their first heading', async () => {
    const found = await studiesOf({
      'b-second.md': 'no heading\n',
      'a-first.md': '<!-- ## not this -->\n\n# What `training` buys\n\n## Answer\n',
      'README.md': '# Not a study\n',
      'numbers.json': '{}',
    });
    expect(found.map(({ slug, title }) => [slug, title])).toEqual([
      ['a-first', 'What training buys'],
      ['b-second', 'b-second'],
    ]);
  });
});
