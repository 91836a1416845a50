/**
 * The content security policy of an exported page, and putting it into the page: a <meta> that any static host serves, with
 * the hashes of the page's own inline scripts and style elements, so that nothing else runs whatever text a page shows.
 * https://www.w3.org/TR/CSP3/. Headers that are the same for all pages stand here too.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { IntegrityError } from '../../contracts/errors.ts';

const META = /<meta http-equiv="Content-Security-Policy" content="([^"]*)"\s*\/?>/i;
const SCRIPT = /<script\b([^>]*)>([^]*?)<\/script>/gi;
const STYLE = /<style\b[^>]*>([^]*?)<\/style>/gi;
/** An attribute inside a tag; text between tags cannot match, since `<` is escaped there. */
const TAG = /<[a-z][^\s>]*(?:\s[^<>]*)?>/gi;
const FORBIDDEN_ATTRIBUTE = /\s(style|on[a-z]+)\s*=/i;
/** Data blocks are not run and need no hash. */
const DATA_BLOCK = /\stype="(?!module|text\/javascript)[^"]+"/i;

/** The same for every page, where a host lets one set headers; also written to `_headers`, which several hosts read. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'strict-origin-when-cross-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};

/** Throws IntegrityError for what the policy would forbid: attributes that hold style or script. */
export function policyOf(html: string, page: string): string {
  const bare = html.replaceAll(SCRIPT, (_, attributes: string) => `<script${attributes}></script>`);
  for (const [tag] of bare.replaceAll(STYLE, '').matchAll(TAG)) {
    const attribute = FORBIDDEN_ATTRIBUTE.exec(tag.replaceAll(/"[^"]*"/g, '""'));
    if (!attribute) continue;
    throw new IntegrityError(
      `${page}: ${tag.slice(0, 120)} has the attribute "${attribute[1]}", which the security policy forbids; ` +
        `use a class, a presentation attribute, or a handler in a client component`,
    );
  }
  const scripts = [...html.matchAll(SCRIPT)].flatMap(([, attributes = '', body = '']) =>
    /\ssrc=/i.test(attributes) || DATA_BLOCK.test(attributes) ? [] : [hashOf(body)],
  );
  const styles = [...bare.matchAll(STYLE)].map(([, body = '']) => hashOf(body));
  const directives = {
    'default-src': ["'none'"],
    'script-src': ["'self'", ...unique(scripts)],
    'style-src': ["'self'", ...unique(styles)],
    'img-src': ["'self'", 'data:'],
    'font-src': ["'self'"],
    'connect-src': ["'self'"],
    'manifest-src': ["'self'"],
    'base-uri': ["'none'"],
    'form-action': ["'self'"],
  };
  return Object.entries(directives)
    .map(([name, sources]) => `${name} ${sources.join(' ')}`)
    .join('; ');
}

/** What a <meta> cannot say, since the page has begun by then. */
const HEADER_ONLY = "frame-ancestors 'none'";

/** The policy a page carries, as a header; undefined where it has none. */
export function policyHeaderOf(html: string): string | undefined {
  const policy = META.exec(html)?.[1];
  return policy === undefined ? undefined : `${policy}; ${HEADER_ONLY}`;
}

/** Puts the policy first into <head>, before anything it governs. Throws IntegrityError without a <head>. */
export function withPolicy(html: string, page: string): string {
  const without = html.replace(META, '');
  const head = /<head[^>]*>/i.exec(without);
  if (!head) throw new IntegrityError(`${page}: has no <head> to put the security policy into`);
  const end = head.index + head[0].length;
  const meta = `<meta http-equiv="Content-Security-Policy" content="${policyOf(without, page)}"/>`;
  return without.slice(0, end) + meta + without.slice(end);
}

/** Every page of an exported site. Returns how many. */
export function secureSite(folder: string): number {
  const pages = htmlFiles(folder);
  for (const page of pages) {
    const path = join(folder, page);
    writeFileSync(path, withPolicy(readFileSync(path, 'utf8'), page));
  }
  const headers = { ...SECURITY_HEADERS, 'Content-Security-Policy': HEADER_ONLY };
  const lines = Object.entries(headers).map(([name, value]) => `  ${name}: ${value}\n`);
  writeFileSync(join(folder, '_headers'), `/*\n${lines.join('')}`);
  return pages.length;
}

/** Paths of the pages within the folder. */
export function htmlFiles(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.html'))
    .sort();
}

function hashOf(body: string): string {
  return `'sha256-${createHash('sha256').update(body).digest('base64')}'`;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
