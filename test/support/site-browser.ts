/** The browser that a file of site tests drives, and what every page is held to: no error, nothing the policy forbids. */
import { type Browser, type BrowserContext, type BrowserContextOptions, type Page, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished } from 'vitest';
import { BROWSER_FLAGS } from './find-browser.ts';

export interface OpenedPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors of console and scripts so far, and reports of the security policy. */
  readonly problems: readonly string[];
}

export type OpenPage = (path: string, options?: BrowserContextOptions) => Promise<OpenedPage>;

/** A group of tests on the built site; skipped, with the reason, where there is no browser. */
export function describeSite(name: string, body: (open: OpenPage) => void): void {
  const missing = inject('browserMissing');
  describe.skipIf(missing !== '')(missing === '' ? name : `${name} (skipped: ${missing})`, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: inject('browserPath'), args: BROWSER_FLAGS });
    });
    afterAll(async () => {
      await browser?.close();
    });
    body(async (path, options = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      onTestFinished(() => context.close());
      const page = await context.newPage();
      const problems: string[] = [];
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text());
      });
      page.on('pageerror', (error) => problems.push(error.message));
      await page.goto(`${inject('siteAddress')}${path}`, { waitUntil: 'load' });
      return { page, context, problems };
    });
  });
}

/** Waits until the page's script has taken over: controls are off before. */
export async function untilReady(page: Page): Promise<void> {
  await page.locator('.theme-switch button:not([disabled])').first().waitFor();
}

/** Texts of the first cells of the leaderboard, in order: method/variant. */
export async function shownVariants(page: Page): Promise<string[]> {
  return page.locator('table.board tbody .variant-name').allInnerTexts();
}

export function expectNoProblem({ problems, page }: OpenedPage): void {
  expect(problems, page.url()).toEqual([]);
}
