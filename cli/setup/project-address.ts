/** The addresses in package.json, and the one that the site is built for. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InputError } from '../../contracts/errors.ts';
import { type ProjectAddress, projectAddressOf } from '../../contracts/words/project.ts';
import { REPOSITORY_ROOT } from './registry.ts';

export function projectAddress(): ProjectAddress {
  return projectAddressOf(JSON.parse(readFileSync(join(REPOSITORY_ROOT, 'package.json'), 'utf8')));
}

export interface SiteAddress {
  /** `https://host`, which the sitemap needs. */
  readonly origin: string;
  /** Path of the front page, without a slash at its end: `` or `/board`. */
  readonly basePath: string;
}

/** From $SITE_URL (a preview, another host), else `homepage` of package.json; null where neither is set. */
export function siteAddress(
  url: string | null = process.env['SITE_URL'] || projectAddress().homepage,
): SiteAddress | null {
  if (url === null) return null;
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new InputError(`SITE_URL: expected an address such as https://host/board, got ${JSON.stringify(url)}`);
  }
  const { origin, pathname } = new URL(url);
  return { origin, basePath: pathname.replace(/\/+$/, '') };
}
