/**
 * Global setup of the tests that drive the site: one store and one build for the whole test run, served on this machine.
 * Where there is no browser nothing is built, and the tests are skipped with the reason.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openStore } from '../../drizzle/queries.ts';
import { publishStore } from '../../cli/website/site-build.ts';
import { serveSite } from '../../cli/website/site-server.ts';
import { findBrowser } from './find-browser.ts';
import { makeSiteStore } from './site-store.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Path of the browser; empty where there is none. */
    browserPath: string;
    /** Why there is no browser; empty where there is one. */
    browserMissing: string;
    /** Of the served site, without a slash at its end. */
    siteAddress: string;
    siteFolder: string;
    siteStorePath: string;
  }
}

const WORK = resolve(import.meta.dirname, '../../.shrinkrank');

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const browser = findBrowser();
  if ('missing' in browser) {
    console.warn(`tests of the site are skipped: ${browser.missing}`);
    for (const name of ['browserPath', 'siteAddress', 'siteFolder', 'siteStorePath'] as const)
      project.provide(name, '');
    project.provide('browserMissing', browser.missing);
    return undefined;
  }
  mkdirSync(WORK, { recursive: true });
  const folder = mkdtempSync(join(WORK, 'site-test-'));
  const storePath = makeSiteStore(folder);
  const site = join(folder, 'site');
  const store = openStore(storePath);
  try {
    const published = await publishStore(store, null, () => {});
    // Out of the way of a build by hand, and of the next test run.
    renameSync(published.folder, site);
  } finally {
    store.close();
  }
  const server = await serveSite(site);
  project.provide('browserPath', browser.path);
  project.provide('browserMissing', '');
  project.provide('siteAddress', server.url);
  project.provide('siteFolder', site);
  project.provide('siteStorePath', storePath);
  return async () => {
    await server.close();
    rmSync(folder, { recursive: true, force: true });
  };
}
