/** Documents of the repository, read when the site is built. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** next.config.ts sets it. */
const ROOT = process.env.SITE_ROOT ?? '';

export function repositoryFile(path: string): string {
  return readFileSync(join(/* turbopackIgnore: true */ ROOT, path), 'utf8');
}

export interface Study {
  readonly slug: string;
  readonly title: string;
  readonly text: string;
}

const STUDIES = 'results/studies';

/** Sorted by file name; the title is the first heading. */
export function studies(): readonly Study[] {
  const folder = join(/* turbopackIgnore: true */ ROOT, STUDIES);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => {
      const text = repositoryFile(join(STUDIES, name));
      const slug = name.slice(0, -'.md'.length);
      return { slug, title: /^#\s+(.+)$/m.exec(text)?.[1]?.replaceAll(/[`*]/g, '').trim() ?? slug, text };
    });
}
