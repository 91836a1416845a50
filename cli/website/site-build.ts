/**
 * `npm run site:build`: builds the site as static files in site/out.
 *
 *   node cli/website/site-build.ts [--home <folder>] [--results <folder>] [--local]
 *
 * The site's address is $SITE_URL, else `homepage` of package.json; `--local` builds for this machine, without a sitemap.
 *
 * 1. opens the local store (`--home`, else $SHRINKRANK_HOME, else .shrinkrank); where it is missing or empty, reads the
 *    published rows of results/ into a temporary store
 * 2. brings its derived figures up to date (board/derive)
 * 3. `next build site`, which reads the store named by SHRINKRANK_STORE; at the same time the API (/api/v2) and the dumps
 *    (/data) are written to another folder, because Next empties its own
 * 4. removes files that no page loads, moves API and dumps beside the pages, puts the security policy into every page, and
 *    checks all pages
 */
import { verifyRow } from '../setup/verify-row.ts';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { type Store, openStore } from '../../drizzle/client.ts';
import { importResults } from '../../drizzle/import.ts';
import { runSummaries } from '../../drizzle/queries.ts';
import { InputError } from '../../contracts/errors.ts';
import { homeOf } from '../setup/home.ts';
import { reportError } from '../setup/output.ts';
import { type SiteAddress, projectAddress, siteAddress } from '../setup/project-address.ts';
import { REPOSITORY_ROOT } from '../setup/registry.ts';
import { catalog, commitOf } from '../setup/run-suite.ts';
import { deriveStore } from '../../board/derive/derive-store.ts';
import { writeApi } from '../../board/publish/site-api.ts';
import { checkSite } from '../../board/publish/site-check.ts';
import { writeDumps } from '../../board/publish/site-dumps.ts';
import { secureSite } from '../../board/publish/site-security.ts';

export const SITE_FOLDER = join(REPOSITORY_ROOT, 'site/out');

export interface BuildRequest {
  /** As `--home`. */
  readonly home?: string | undefined;
  /** Folder of published rows, which are read where there is no store. */
  readonly results?: string | undefined;
  /** Null builds for this machine: at /, without a sitemap. */
  readonly address: SiteAddress | null;
  readonly onProgress?: (text: string) => void;
}

export interface BuildSummary {
  readonly folder: string;
  readonly pages: number;
  /** Wall time of each step; pages are built while API and dumps are written. */
  readonly seconds: Readonly<Partial<Record<Step, number>>>;
}

type Step = 'store' | 'derive' | 'pages' | 'api' | 'dumps' | 'security' | 'check';

export async function buildSite({
  home,
  results,
  address,
  onProgress = () => {},
}: BuildRequest): Promise<BuildSummary> {
  const { seconds, step } = stopwatch();
  const temporary = temporaryFolder();
  let store: Store | undefined;
  try {
    const opened = await step('store', () => openSource({ home, results, temporary, onProgress }));
    store = opened;
    const derived = await step('derive', () => deriveStore(opened));
    onProgress(`derived figures: ${derived.computed.length} contests computed, ${derived.kept.length} unchanged`);
    const published = await publishStore(opened, address, onProgress);
    return { ...published, seconds: { ...seconds, ...published.seconds } };
  } finally {
    store?.close();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Builds the site in site/out from a store whose derived figures are up to date. */
export async function publishStore(
  store: Store,
  address: SiteAddress | null,
  onProgress: (text: string) => void,
): Promise<BuildSummary> {
  const { seconds, step } = stopwatch();
  const commit = commitOf(REPOSITORY_ROOT);
  const temporary = temporaryFolder();
  const stop = new AbortController();
  try {
    const writeFiles = async () => {
      const api = await step('api', () => writeApi(store, temporary, commit));
      onProgress(`API: ${api.files} files, ${(api.sizeBytes / 1e6).toFixed(1)} MB`);
      const dumps = await step('dumps', () =>
        writeDumps({ store, folder: temporary, commit, homepage: projectAddress().homepage }),
      );
      onProgress(`dumps: version ${dumps.version}, ${dumps.rows.total} rows`);
    };
    await Promise.all([step('pages', () => buildPages(store.path, address, stop.signal)), writeFiles()]);
    removeRouterPayloads(SITE_FOLDER);
    if (address === null) rmSync(join(SITE_FOLDER, 'sitemap.xml'));
    moveInto(SITE_FOLDER, temporary);
    await step('security', () => secureSite(SITE_FOLDER));
    const checked = await step('check', () => checkSite(SITE_FOLDER, address?.basePath));
    onProgress(`checked: ${checked.pages} pages, ${checked.links} links within the site`);
    return { folder: SITE_FOLDER, pages: checked.pages, seconds };
  } finally {
    stop.abort();
    rmSync(temporary, { recursive: true, force: true });
  }
}

function stopwatch() {
  const seconds: Partial<Record<Step, number>> = {};
  const step = async <T>(name: Step, work: () => T | Promise<T>): Promise<T> => {
    const started = performance.now();
    const result = await work();
    seconds[name] = (performance.now() - started) / 1000;
    return result;
  };
  return { seconds, step };
}

/** In the repository, so that files can be renamed into the site instead of copied. */
function temporaryFolder(): string {
  mkdirSync(join(REPOSITORY_ROOT, '.shrinkrank'), { recursive: true });
  return mkdtempSync(join(REPOSITORY_ROOT, '.shrinkrank/site-'));
}

interface Source extends Required<Pick<BuildRequest, 'onProgress'>> {
  readonly home: string | undefined;
  readonly results: string | undefined;
  /** Folder for a temporary store. */
  readonly temporary: string;
}

/** The local store if it holds a run, otherwise a store filled from the published rows. */
function openSource({ home, results, temporary, onProgress }: Source): Store {
  const local = join(homeOf(home), 'store.sqlite');
  if (existsSync(local)) {
    const store = openStore(local);
    if (runSummaries(store, 1).length > 0) {
      onProgress(`store: ${local}`);
      recordCatalog(store, catalog());
      return store;
    }
    store.close();
  }
  const store = openStore(join(temporary, 'store.sqlite'));
  try {
    recordCatalog(store, catalog());
    const folder = results ?? join(REPOSITORY_ROOT, 'results');
    const { recorded, files } = importResults(store, folder, verifyRow);
    onProgress(`store: no run in ${local}; ${recorded} rows of ${files} files in ${folder}`);
    return store;
  } catch (error) {
    store.close();
    throw error;
  }
}

async function buildPages(storePath: string, address: SiteAddress | null, signal: AbortSignal): Promise<void> {
  const next = join(REPOSITORY_ROOT, 'node_modules/next/dist/bin/next');
  const child = spawn(process.execPath, [next, 'build', 'site'], {
    cwd: REPOSITORY_ROOT,
    env: {
      ...process.env,
      NODE_ENV: 'production',
      SHRINKRANK_STORE: storePath,
      SITE_ORIGIN: address?.origin ?? '',
      SITE_BASE_PATH: address?.basePath ?? '',
      NEXT_TELEMETRY_DISABLED: '1',
    },
    stdio: ['ignore', 2, 2],
    signal,
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  if (code !== 0) throw new BuildError(`next build ended with exit code ${code}; see its output above`);
}

/** Removes the payloads of Next's router: links are plain, so nothing fetches them, and they are half of the bytes. */
function removeRouterPayloads(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.txt') || entry.name === 'robots.txt') continue;
    rmSync(join(entry.parentPath, entry.name));
  }
}

/** Moves the content of a folder into another; existing files are replaced. */
function moveInto(folder: string, from: string): void {
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(folder, entry.name)];
    if (entry.isDirectory() && existsSync(target)) moveInto(target, source);
    else renameSync(source, target);
  }
}

/** The build failed, and its output has already been printed. */
export class BuildError extends Error {}

export const SITE_OPTIONS = {
  home: { type: 'string' },
  results: { type: 'string' },
} as const;

/** Sets the exit code: 0, 1 for a failed build or a defect, 2 for unusable input. */
export async function runScript(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (error instanceof BuildError) {
      process.stderr.write(`error: ${error.message}\n`);
      process.exitCode = 1;
    } else process.exitCode = reportError(error);
  }
}

if (import.meta.main) {
  await runScript(async () => {
    const { values } = parseArgs({ options: { ...SITE_OPTIONS, local: { type: 'boolean', default: false } } });
    const address = values.local ? null : siteAddress();
    if (address === null && !values.local) {
      throw new InputError(
        'site:build: no address to build for: set `homepage` in package.json or SITE_URL=https://host/path, or pass --local',
      );
    }
    const { folder, pages, seconds } = await buildSite({
      ...values,
      address,
      onProgress: (text) => console.error(text),
    });
    const times = Object.entries(seconds).map(([name, took]) => `${name} ${took.toFixed(1)} s`);
    console.log(`${pages} pages in ${folder}: ${times.join(', ')}`);
  });
}
