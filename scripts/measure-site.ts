/**
 * What the built site is held to, measured: Lighthouse's four scores on front page and leaderboard, the JavaScript of
 * every kind of page as sent, and how long a filter takes to show on a board of ten thousand rows.
 *
 *   node scripts/measure-site.ts [--site site/out] [--rows 10000] [--lighthouse no]
 *
 * The site must have two boards or more. Lighthouse comes through npx (it is no dependency), the browser is Debian's or the
 * one given. Writes JSON to standard output.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { InputError } from '../contracts/errors.ts';
import { SITE_FOLDER } from '../cli/website/site-build.ts';
import { serveSite } from '../cli/website/site-server.ts';

const LIGHTHOUSE = 'lighthouse@13.5.0';
const CATEGORIES = ['performance', 'accessibility', 'best-practices', 'seo'] as const;
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
const PAGES = ['/', '/leaderboard/'];
/** How often each filter is set; the median counts. */
const CHANGES = 15;
/** Lighthouse's own advice against the noise of a machine: the median of five. */
const LIGHTHOUSE_RUNS = 5;

interface Scores {
  readonly median: number;
  readonly scores: readonly number[];
}

/** Not waited for in place: the server it asks lives in this process. */
async function lighthouseOnce(address: string, browserPath: string): Promise<Record<string, number>> {
  const { stdout: text } = await promisify(execFile)(
    'npx',
    ['--yes', LIGHTHOUSE, address, '--quiet', '--output=json', `--chrome-flags=${FLAGS.join(' ')}`],
    { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024, env: { ...process.env, CHROME_PATH: browserPath } },
  );
  const { categories } = JSON.parse(text) as { categories: Record<string, { score: number | null }> };
  return Object.fromEntries(CATEGORIES.map((name) => [name, Math.round((categories[name]?.score ?? 0) * 100)]));
}

async function lighthouse(address: string, browserPath: string): Promise<Record<string, Scores>> {
  const runs: Record<string, number>[] = [];
  for (let run = 0; run < LIGHTHOUSE_RUNS; run++) runs.push(await lighthouseOnce(address, browserPath));
  return Object.fromEntries(
    CATEGORIES.map((name) => {
      const scores = runs.map((run) => run[name] ?? 0).sort((a, b) => a - b);
      return [name, { median: scores[Math.floor(scores.length / 2)] ?? 0, scores }];
    }),
  );
}

async function scriptBytes(browser: Browser, address: string): Promise<number> {
  const page = await browser.newPage();
  const requests: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    if (request.resourceType() === 'script')
      requests.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  await page.goto(address, { waitUntil: 'networkidle' });
  const sizes = await Promise.all(requests);
  await page.close();
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** A copy of the site whose first board has its rows many times over, under names of their own. */
function enlarge(site: string, rows: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-large-'));
  cpSync(site, folder, { recursive: true });
  const index = JSON.parse(readFileSync(join(site, 'api/v2/index.json'), 'utf8')) as {
    boards: readonly { readonly id: string; readonly entryCount: number }[];
  };
  for (const { id } of index.boards) {
    const file = join(folder, 'boards', `${id}.json`);
    const view = JSON.parse(readFileSync(file, 'utf8')) as { rows: { slug: string; id: string; variant: string }[] };
    const times = Math.ceil(rows / view.rows.length);
    // Copies follow their row: a board is in the order of rank.
    const many = view.rows
      .flatMap((row) =>
        Array.from({ length: times }, (_, copy) => ({
          ...row,
          slug: `${row.slug}-${copy}`,
          id: `${row.id}-${copy}`,
          variant: `${row.variant}-${copy}`,
        })),
      )
      .slice(0, rows);
    writeFileSync(file, JSON.stringify({ ...view, rows: many, total: rows }));
  }
  return folder;
}

interface Repaint {
  readonly rows: number;
  readonly medianMs: number;
  readonly worstMs: number;
  /** Of the page's main thread per change: what a busy machine cannot stretch. */
  readonly threadMs: number;
}

/** Shown by a board of low-cost methods alone too: of all cost classes, then of the one it may have none of. */
const SHOWN_CLASS = 'high-cost';

/** Milliseconds from setting a filter to the frame after the one that shows it, median over many, in the page's own clock. */
async function repaint(browser: Browser, address: string): Promise<Repaint> {
  const page = await browser.newPage();
  // Another board than that of the page is fetched whole.
  const choice = await firstOtherBoard(address);
  await page.goto(`${address}/leaderboard/?${choice}`, { waitUntil: 'networkidle' });
  await page.locator('.table-foot p', { hasText: /of [\d,]{5,} variants/ }).waitFor();
  const rows = Number(
    ((await page.locator('.table-foot p').innerText()).match(/of ([\d,]+) variants/)?.[1] ?? '0').replaceAll(',', ''),
  );
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const threadSeconds = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0;
  };
  const before = await threadSeconds();
  const times = (await page.evaluate(`(async () => {
    const select = [...document.querySelectorAll('label')].find((label) => label.innerText.startsWith('Cost class')).querySelector('select');
    const foot = () => document.querySelector('.table-foot p')?.textContent;
    const set = Object.getOwnPropertyDescriptor(HTMLSelectElement.prototype, 'value').set;
    const times = [];
    for (let i = 0; i < ${CHANGES}; i++) {
      const before = foot();
      const started = performance.now();
      set.call(select, i % 2 === 0 ? '${SHOWN_CLASS}' : '');
      select.dispatchEvent(new Event('change', { bubbles: true }));
      while (foot() === before) await new Promise((done) => setTimeout(done, 0));
      await new Promise((done) => requestAnimationFrame(() => setTimeout(done, 0)));
      times.push(performance.now() - started);
      await new Promise((done) => setTimeout(done, 300));
    }
    return times;
  })()`)) as number[];
  const threadMs = Math.round(((await threadSeconds()) - before) * 1000) / CHANGES;
  await page.close();
  const sorted = times.toSorted((a, b) => a - b);
  return {
    rows,
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? 0),
    worstMs: Math.round(sorted.at(-1) ?? 0),
    threadMs: Math.round(threadMs),
  };
}

async function firstOtherBoard(address: string): Promise<string> {
  const index = (await (await fetch(`${address}/api/v2/index.json`)).json()) as {
    boards: readonly {
      readonly model: string;
      readonly task: string;
      readonly runner: { fingerprint: string } | null;
    }[];
  };
  const board = index.boards[1];
  if (!board)
    throw new InputError('filters are measured on a board that is fetched: build the site of two boards or more');
  return new URLSearchParams({
    model: board.model,
    task: board.task,
    runner: board.runner?.fingerprint ?? '',
  }).toString();
}

const { values } = parseArgs({
  options: {
    site: { type: 'string', default: SITE_FOLDER },
    rows: { type: 'string', default: '10000' },
    lighthouse: { type: 'string', default: 'yes' },
    browser: { type: 'string', default: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
  },
});
const server = await serveSite(values.site);
const browser = await chromium.launch({ executablePath: values.browser, args: FLAGS });
const large = enlarge(values.site, Number(values.rows));
const largeServer = await serveSite(large);
try {
  const scripts: Record<string, number> = {};
  for (const path of [...PAGES, '/compare/', '/pick/', '/history/', '/result/', '/protocol/']) {
    scripts[path] = await scriptBytes(browser, `${server.url}${path}`);
  }
  const filter = await repaint(browser, largeServer.url);
  const scores: Record<string, Record<string, Scores>> = {};
  if (values.lighthouse !== 'no') {
    for (const path of PAGES) scores[path] = await lighthouse(`${server.url}${path}`, values.browser);
  }
  console.log(JSON.stringify({ scriptBytesCompressed: scripts, filter, lighthouse: scores }, null, 2));
} finally {
  await browser.close();
  await Promise.all([server.close(), largeServer.close()]);
  rmSync(large, { recursive: true, force: true });
}
