/** Looks over an exported site: what its pages link to is there, and so is every document the API's index names. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrityError } from '../../contracts/errors.ts';
import { htmlFiles, policyHeaderOf } from './site-security.ts';

const LINK = /\s(?:href|src)="([^"]*)"/g;
/** Problems named in an error. */
const SHOWN = 10;

export interface CheckSummary {
  readonly pages: number;
  /** Different addresses within the site. */
  readonly links: number;
}

/** Throws IntegrityError that names pages and what they lack. */
export function checkSite(folder: string, basePath = ''): CheckSummary {
  const pages = htmlFiles(folder);
  const problems: string[] = [];
  const known = new Map<string, boolean>();
  const exists = (path: string): boolean => {
    const found = known.get(path) ?? isFile(folder, path);
    known.set(path, found);
    return found;
  };
  for (const page of pages) {
    const html = readFileSync(join(folder, page), 'utf8');
    if (policyHeaderOf(html) === undefined) problems.push(`${page}: has no security policy`);
    for (const [, reference = ''] of html.matchAll(LINK)) {
      const path = pathWithin(reference, basePath);
      if (path !== undefined && !exists(path)) problems.push(`${page}: links to ${reference}, which is not there`);
    }
  }
  for (const path of documentsOf(folder))
    if (!exists(path)) problems.push(`api/v2/index.json: names ${path}, which is not there`);
  if (problems.length > 0) {
    const more = problems.length > SHOWN ? `\n  … and ${problems.length - SHOWN} more` : '';
    throw new IntegrityError(
      `the site has ${problems.length} faults:\n  ${problems.slice(0, SHOWN).join('\n  ')}${more}`,
    );
  }
  return { pages: pages.length, links: known.size };
}

/** Undefined for what leads out of the site or stays on the page. */
function pathWithin(reference: string, basePath: string): string | undefined {
  const [path = ''] = reference.replaceAll('&amp;', '&').split(/[?#]/);
  if (!path.startsWith('/') || path.startsWith('//')) return undefined;
  if (basePath === '') return decodeURIComponent(path);
  return path === basePath || path.startsWith(`${basePath}/`) ? decodeURIComponent(path.slice(basePath.length)) : path;
}

function isFile(folder: string, path: string): boolean {
  const stat = statSync(join(folder, path), { throwIfNoEntry: false });
  return stat?.isDirectory() ? isFile(folder, join(path, 'index.html')) : (stat?.isFile() ?? false);
}

function documentsOf(folder: string): readonly string[] {
  const index = JSON.parse(readFileSync(join(folder, 'api/v2/index.json'), 'utf8')) as {
    readonly dumps: string;
    readonly boards: readonly { readonly id: string }[];
  };
  return [index.dumps, ...index.boards.flatMap(({ id }) => [`/api/v2/boards/${id}.json`, `/api/v2/pareto/${id}.json`])];
}
