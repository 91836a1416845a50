import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { policyHeaderOf, policyOf, secureSite, withPolicy } from '../../../board/publish/site-security.ts';
import { temporaryFolder } from '../../support/store.ts';

const hashOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const page = (body: string, head = '') =>
  `<!DOCTYPE html><html><head><meta charSet="utf-8"/>${head}</head><body>${body}</body></html>`;

describe('policyOf', () => {
  it('allows the page’s own inline scripts and styles by hash, and nothing from other hosts', () => {
    const policy = policyOf(
      page('<script>run("<b>")</script><script src="/a.js"></script>', '<style>a{}</style>'),
      'page',
    );
    expect(policy).toContain(`script-src 'self' ${hashOf('run("<b>")')};`);
    expect(policy).toContain(`style-src 'self' ${hashOf('a{}')};`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
  });

  it('needs no hash for data blocks', () => {
    const policy = policyOf(page('<script type="application/ld+json">{"a":1}</script>'), 'page');
    expect(policy).toContain("script-src 'self';");
    expect(policyOf(page('<script type="module">a()</script>'), 'page')).toContain(hashOf('a()'));
  });

  it.each(['<p style="color:red">', '<a href="/" onclick="x()">', "<svg onload='x()'>", '<p class="a" STYLE=b>'])(
    'refuses %s',
    (tag) => {
      expect(() => policyOf(page(tag), 'a/index.html')).toThrow(/a\/index\.html: .* security policy forbids/);
    },
  );

  it('does not mistake text and attribute values for scripts', () => {
    const harmless =
      '<p title="style=1 onclick=2">style="x" onload=1 &lt;p style=""&gt;</p><script>a = "<p style=x>"</script>';
    expect(() => policyOf(page(harmless), 'page')).not.toThrow();
  });
});

describe('withPolicy', () => {
  it('inserts the policy first in the head, once, and returns the header', () => {
    const once = withPolicy(page('<script>a()</script>'), 'page');
    expect(once).toMatch(/<head><meta http-equiv="Content-Security-Policy" content="[^"]+"\/>/);
    expect(withPolicy(once, 'page')).toBe(once);
    expect(policyHeaderOf(once)).toBe(`${policyOf(page('<script>a()</script>'), 'page')}; frame-ancestors 'none'`);
    expect(policyHeaderOf(page(''))).toBeUndefined();
  });

  it('refuses a page without a head', () => {
    expect(() => withPolicy('<p>', 'odd.html')).toThrow('odd.html: has no <head>');
  });
});

describe('secureSite', () => {
  it('covers every page of a folder', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'deep/er'), { recursive: true });
    for (const path of ['index.html', 'deep/er/index.html']) writeFileSync(join(folder, path), page('x'));
    writeFileSync(join(folder, 'data.json'), '{}');
    expect(secureSite(folder)).toBe(2);
    expect(policyHeaderOf(readFileSync(join(folder, 'deep/er/index.html'), 'utf8'))).toBeDefined();
    expect(readFileSync(join(folder, '_headers'), 'utf8')).toContain('X-Content-Type-Options: nosniff');
  });
});
