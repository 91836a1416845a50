/**
 * Global setup of the tests that drive the site: one store and one build for the whole test run, served on this machine.
 * Where there is no browser nothing is built, and the tests are skipped with the reason.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { TestProject } from 'vitest/node';
import { openStore } from '../../drizzle/queries.ts';
import { writeApi } from '../../scripts/site-api.ts';
import { checkSite } from '../../scripts/site-check.ts';
import { writeDumps } from '../../scripts/site-dumps.ts';
import { secureSite } from '../../scripts/site-security.ts';
import { serveSite } from '../../scripts/site-server.ts';
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

const ROOT = resolve(import.meta.dirname, '../..');

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const browser = findBrowser();
  if ('missing' in browser) {
    console.warn(`tests of the site are skipped: ${browser.missing}`);
    for (const name of ['browserPath', 'siteAddress', 'siteFolder', 'siteStorePath'] as const)
      project.provide(name, '');
    project.provide('browserMissing', browser.missing);
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-site-'));
  const storePath = makeSiteStore(folder);
  const site = join(folder, 'site');
  buildPages(storePath);
  renameSync(join(ROOT, 'site/out'), site);
  const store = openStore(storePath);
  try {
    writeApi(store, site, null);
    await writeDumps({ store, folder: site, commit: null });
  } finally {
    store.close();
  }
  secureSite(site);
  checkSite(site);
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

function buildPages(storePath: string): void {
  const next = join(ROOT, 'node_modules/next/dist/bin/next');
  const built = spawnSync(process.execPath, [next, 'build', 'site'], {
    cwd: ROOT,
    encoding: 'utf8',
    // Vitest sets NODE_ENV to test, of which Next makes a build that is neither.
    env: { ...process.env, NODE_ENV: 'production', SHRINKRANK_STORE: storePath, NEXT_TELEMETRY_DISABLED: '1' },
  });
  if (built.status !== 0) throw new Error(`next build failed:\n${built.stdout}\n${built.stderr}`);
}
