import { readFileSync, readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import type { AxeResults } from 'axe-core';
import { expect, inject, it } from 'vitest';
import { describeSite, expectNoProblem, untilReady, type OpenedPage } from '../support/site-browser.ts';
import { HOSTILE_METHOD } from '../support/site-store.ts';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Addresses of all exported pages, `/` first. */
function pages(): string[] {
  const folder = inject('siteFolder');
  if (folder === '') return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name === 'index.html')
    .map(({ parentPath }) => `/${relative(folder, parentPath)}/`.replace('//', '/'))
    .filter((path) => !path.startsWith('/404') && !path.startsWith('/_not-found'))
    .sort();
}

/** Of pages of one kind (methods, runs …), the one with most and the one with least on it, and the one that is hostile. */
function unlikePages(): string[] {
  const sizeBytes = (path: string) => statSync(join(inject('siteFolder'), path, 'index.html')).size;
  const kinds = Map.groupBy(pages(), (path) => path.split('/').slice(0, -2).join('/'));
  return [...kinds].flatMap(([kind, paths]) => {
    if (kind === '') return paths;
    const bySize = paths.toSorted((a, b) => sizeBytes(a) - sizeBytes(b));
    return [...new Set([bySize.at(0), bySize.at(-1), ...paths.filter((path) => path.includes('script'))])].flatMap(
      (path) => path ?? [],
    );
  });
}

async function violations({ page }: OpenedPage): Promise<string[]> {
  await page.evaluate(AXE);
  const { violations: found } = (await page.evaluate('axe.run()')) as AxeResults;
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}

/** Addresses within the site that its pages lead to, as their scripts leave them. */
const links = new Set<string>();

describeSite('every page', (open) => {
  it.each(unlikePages())('%s has no error and no violation of axe, wide and light, narrow and dark', async (path) => {
    const opened = await open(path, { colorScheme: 'light' });
    const { page } = opened;
    await untilReady(page);
    expect(await violations(opened), 'wide and light').toEqual([]);
    await page.setViewportSize({ width: 390, height: 844 });
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await violations(opened), 'narrow and dark').toEqual([]);
    const overflow = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth');
    expect(overflow, 'pixels wider than a phone').toBeLessThanOrEqual(0);
    expect(await page.title()).not.toBe('');
    expect(await page.locator('h1').count()).toBe(1);
    const found = await page
      .locator('a[href]')
      .evaluateAll((anchors) => anchors.map((a) => a.getAttribute('href') ?? ''));
    // What stands after the path chooses a view of the same file.
    for (const href of found) links.add(new URL(href, page.url()).href.replace(/[?#].*$/, ''));
    expectNoProblem(opened);
  });

  it('links only to addresses that exist', async () => {
    const own = [...links].filter((link) => link.startsWith(inject('siteAddress')));
    expect(own.length).toBeGreaterThan(50);
    for (const address of own) expect((await fetch(address, { method: 'HEAD' })).status, address).toBe(200);
  });

  it('has all pages of the site', () => {
    const top = new Set(pages().map((path) => path.split('/')[1]));
    const wanted = [
      '',
      'api',
      'architecture',
      'compare',
      'contribute',
      'data',
      'history',
      'leaderboard',
      'methods',
      'models',
      'pick',
      'protocol',
      'result',
      'runs',
      'scores',
      'studies',
      'tasks',
    ];
    expect([...top].sort()).toEqual(wanted);
  });

  it('gives every page a policy that allows only its own scripts, styles and host', async () => {
    for (const path of pages()) {
      const html = readFileSync(join(inject('siteFolder'), path, 'index.html'), 'utf8');
      const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/i.exec(html)?.[1] ?? '';
      expect(policy, path).toContain("default-src 'none'");
      expect(policy, path).not.toMatch(/unsafe|https?:|\*/);
    }
    const { page, problems } = await open('/');
    await untilReady(page);
    await page.evaluate(`{
      const script = document.createElement('script');
      script.textContent = 'window.broken = true';
      document.body.append(script);
      const image = document.createElement('img');
      image.setAttribute('onerror', 'window.broken = true');
      image.src = 'data:text/plain,';
      document.body.append(image);
    }`);
    const loaded = () => page.evaluate('[...document.images].every(({ complete }) => complete)');
    await expect.poll(loaded, { timeout: 30_000 }).toBe(true);
    expect(await page.evaluate('window.broken')).toBeUndefined();
    expect(problems.join('\n')).toContain('Content Security Policy');
  });

  it('shows untrusted names as text', async () => {
    const opened = await open('/leaderboard/?model=tiny&task=stories-perplexity');
    await untilReady(opened.page);
    const name = opened.page.locator('.variant-name', { hasText: 'script' });
    await name.waitFor();
    expect(await name.innerText()).toBe(`${HOSTILE_METHOD}/w4‹U+202E›gnp.exe`);
    expect(await opened.page.locator('main script:not([src])').count()).toBe(0);
    expect(await opened.page.locator('body').innerText()).not.toContain('\u202e');
    expectNoProblem(opened);
    const method = await open('/methods/');
    await method.page.getByRole('link', { name: HOSTILE_METHOD }).click();
    await method.page.waitForURL(/\/methods\/[a-z0-9~.-]+\/$/);
    expect(await method.page.locator('h1').innerText()).toBe(HOSTILE_METHOD);
    expect(await method.page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(await method.page.getByText('<b>Not bold.</b>').count()).toBe(1);
    expectNoProblem(method);
  });

  it('shows the not-found page for an unknown address', async () => {
    const { page } = await open('/no/such/page/');
    expect(await page.locator('h1').innerText()).toBe('No such page');
  });
});
