import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { expect, inject, it } from 'vitest';
import { derivedBoard, derivedBoards, openStore, type DerivedBoard, type DerivedEntry } from '../../drizzle/queries.ts';
import { describeSite, expectNoProblem, shownVariants, untilReady } from '../support/site-browser.ts';
import { SLICED_TASK, SMALL_MODEL, SMALL_TASK } from '../support/site-store.ts';

/** A board as the store has it. */
function boardOf(model: string, task: string): DerivedBoard {
  const store = openStore(inject('siteStorePath'));
  try {
    const found = derivedBoards(store).find((board) => board.model === model && board.task === task);
    if (!found) throw new Error(`no board of ${model} and ${task}`);
    return derivedBoard(store, found.id);
  } finally {
    store.close();
  }
}

const PUBLISHED = { model: 'stories260k', task: 'tinystories-perplexity' } as const;
/** Of the leaderboard. */
const PAGE_SIZE = 25;
const PUBLISHED_PATH = `/leaderboard/?${new URLSearchParams(PUBLISHED)}`;

function idsOf(entries: readonly DerivedEntry[]): string[] {
  return entries.map(({ id }) => id).sort();
}

/** Of every page of the table, from the one that is shown on. */
async function allVariants(page: Page): Promise<string[]> {
  const all = await shownVariants(page);
  const next = page.getByRole('button', { name: 'Next' });
  while ((await next.count()) > 0 && (await next.isEnabled())) {
    await next.click();
    all.push(...(await shownVariants(page)));
  }
  return all;
}

async function sortedVariants(page: Page): Promise<string[]> {
  return (await allVariants(page)).sort();
}

async function download(page: Page, name: string): Promise<string> {
  const started = page.waitForEvent('download');
  await page.getByRole('button', { name, exact: true }).click();
  return readFileSync(await (await started).path(), 'utf8');
}

/** RFC 4180, without line breaks in cells: this view has none. */
function parseCsv(text: string): string[][] {
  const cell = /"((?:[^"]|"")*)"|([^,]*)/y;
  return text
    .trimEnd()
    .split('\r\n')
    .map((line) => {
      const cells: string[] = [];
      for (cell.lastIndex = 0; cell.lastIndex <= line.length; cell.lastIndex++) {
        const [, quoted, bare = ''] = cell.exec(line) ?? [];
        cells.push(quoted?.replaceAll('""', '"') ?? bare);
      }
      return cells;
    });
}

describeSite('the leaderboard', (open) => {
  it('shows the board with most high-cost rows by default, in the order of weight class and quality', async () => {
    const opened = await open('/leaderboard/');
    await untilReady(opened.page);
    const board = boardOf(SMALL_MODEL, SMALL_TASK);
    const ranked = board.entries
      .filter(({ quality }) => quality)
      .sort((a, b) => (b.weightClass ?? 0) - (a.weightClass ?? 0) || (a.place ?? Infinity) - (b.place ?? Infinity))
      .map(({ id }) => id.replace('\u202e', '‹U+202E›'));
    const shown = await shownVariants(opened.page);
    expect(shown.slice(0, ranked.length)).toEqual(ranked);
    expect(shown.length).toBe(board.entries.length);
    expectNoProblem(opened);
  });

  it('filters by cost class, weight class, family, reality, rank, status and words, in agreement with the store', async () => {
    const { entries } = boardOf(PUBLISHED.model, PUBLISHED.task);
    const opened = await open(PUBLISHED_PATH);
    const { page } = opened;
    await untilReady(page);
    await page.getByText('81 variants').first().waitFor();
    const expected = (keep: (entry: DerivedEntry) => boolean) => idsOf(entries.filter(keep));
    await page.getByLabel('Family').selectOption('pruning');
    expect(await sortedVariants(page)).toEqual(expected(({ family }) => family === 'pruning'));
    expect(page.url()).toContain('family=pruning');
    await page.getByLabel('Weight class').selectOption('2');
    expect(await sortedVariants(page)).toEqual(
      expected(({ family, weightClass }) => family === 'pruning' && weightClass === 2),
    );
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByRole('combobox', { name: 'Rank may be' }).selectOption('2');
    expect(await sortedVariants(page)).toEqual(expected(({ rank }) => (rank?.best ?? 9) <= 2));
    await page.getByLabel('Cost class').selectOption('high-cost');
    expect(await sortedVariants(page)).toEqual([]);
    await page.getByText('Nothing fits').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByLabel('Search').fill('gptq w4g32');
    expect(await sortedVariants(page)).toEqual(expected(({ id }) => id.includes('gptq') && id.includes('w4g32')));
    await page.goto(`${inject('siteAddress')}/leaderboard/?model=${SMALL_MODEL}&task=${SLICED_TASK}&real=simulated`);
    await untilReady(page);
    await page.locator('.variant-name', { hasText: 'dreaming/w1' }).waitFor();
    expect(await sortedVariants(page)).toEqual(['dreaming/w1']);
    await page.getByLabel('Artifact').selectOption('');
    await page.getByLabel('Status').selectOption('failed');
    expect(await sortedVariants(page)).toEqual(['cutting/2:4', 'cutting/s90', 'cutting/s99']);
    expectNoProblem(opened);
  });

  it('sorts by any column in both directions, missing figures last', async () => {
    const { entries } = boardOf(PUBLISHED.model, PUBLISHED.task);
    const opened = await open(PUBLISHED_PATH);
    const { page } = opened;
    await untilReady(page);
    const header = (name: string) => page.locator('table.board thead').getByRole('button', { name });
    await header('Perplexity').click();
    const byQuality = entries
      .filter(({ quality }) => quality)
      .sort((a, b) => (a.quality?.estimate.value ?? 0) - (b.quality?.estimate.value ?? 0));
    const values = (of: readonly DerivedEntry[]) => of.map(({ quality }) => quality?.estimate.value);
    const entryOf = (id: string) => entries.find((entry) => entry.id === id);
    const shownEntries = async () => (await shownVariants(page)).flatMap((id) => entryOf(id) ?? []);
    expect(values(await shownEntries())).toEqual(values(byQuality).slice(0, PAGE_SIZE));
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending');
    await header('Perplexity').click();
    expect(values(await shownEntries())).toEqual(values(byQuality.toReversed()).slice(0, PAGE_SIZE));
    expect(page.url()).toContain('sort=-quality');
    await header('Cost').click();
    const costs = (await shownEntries()).map(({ compute }) => compute?.seconds ?? Infinity);
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
    await header('Speed, 1 token').click();
    const speeds = (await shownEntries()).map(({ latency: [first] }) =>
      first && !first.noisy ? first.speedUp.value : null,
    );
    const timed = speeds.filter((speed) => speed !== null);
    expect(speeds.slice(0, timed.length)).toEqual(timed.toSorted((a, b) => b - a));
    await header('Variant').click();
    const names = await shownVariants(page);
    expect(names).toEqual(names.toSorted());
    expectNoProblem(opened);
  });

  it('restores a view from its address alone, also for a board other than that of the page', async () => {
    const address = `/leaderboard/?model=${SMALL_MODEL}&task=${SLICED_TASK}&cost=high-cost&sort=-quality&columns=method,quality,worst,kl`;
    const opened = await open(address);
    const { page } = opened;
    await untilReady(page);
    await page.locator('th', { hasText: 'Hurt most' }).waitFor();
    await page.locator('.variant-name', { hasText: 'training' }).first().waitFor();
    const { entries } = boardOf(SMALL_MODEL, SLICED_TASK);
    const expected = entries
      .filter(({ costClass }) => costClass === 'high-cost')
      .sort((a, b) => (b.quality?.estimate.value ?? 0) - (a.quality?.estimate.value ?? 0))
      .map(({ id }) => id);
    expect(await shownVariants(page)).toEqual(expected);
    const headers = await page.locator('table.board thead button').allInnerTexts();
    expect(headers.map((text) => text.replace(/\s*[▲▼]$/, '').trim())).toEqual([
      'Variant',
      'Accuracy',
      'KL from dense',
      'Hurt most',
    ]);
    expect(await page.getByLabel('Cost class').inputValue()).toBe('high-cost');
    expectNoProblem(opened);
  });

  it('downloads CSV and JSON of exactly the view', async () => {
    const opened = await open(
      `${PUBLISHED_PATH}&family=quantization&class=2&sort=-smaller&columns=method,quality,smaller`,
    );
    const { page } = opened;
    await untilReady(page);
    await page.locator('.variant-name', { hasText: 'gptq' }).first().waitFor();
    const shown = await allVariants(page);
    const { entries } = boardOf(PUBLISHED.model, PUBLISHED.task);
    const [names = [], ...lines] = parseCsv(await download(page, 'CSV of this view'));
    expect(lines.length).toBe(shown.length);
    const records = lines.map((line) => Object.fromEntries(names.map((name, i) => [name, line[i]])));
    expect(records.map(({ method, variant }) => `${method}/${variant}`)).toEqual(shown);
    for (const record of records) {
      const entry = entries.find(({ id }) => id === `${record['method']}/${record['variant']}`);
      expect(Number(record['perplexity'])).toBe(entry?.quality?.estimate.value);
      expect(Number(record['perplexity_low'])).toBe(entry?.quality?.estimate.low);
      expect(Number(record['times_smaller'])).toBe(entry?.ratio);
    }
    expect(names).not.toContain('wall_seconds');
    const json = JSON.parse(await download(page, 'JSON')) as Record<string, unknown>[];
    expect(json.map((record) => Object.keys(record))).toEqual(json.map(() => names));
    const text = (value: unknown) => (value === null ? '' : String(value));
    expect(json.map((record) => Object.values(record).map(text))).toEqual(lines);
    expectNoProblem(opened);
  });

  it('selects columns, and keeps the selection in the address', async () => {
    const opened = await open(PUBLISHED_PATH);
    const { page } = opened;
    await untilReady(page);
    await page.getByText('Columns', { exact: true }).click();
    await page.getByLabel('Peak memory').check();
    await page.getByLabel('As shipped').uncheck();
    const headers = page.locator('table.board thead');
    await headers.getByText('Peak memory').waitFor();
    expect(await headers.getByText('As shipped').count()).toBe(0);
    expect(new URL(page.url()).searchParams.get('columns')).toContain('peak');
    expectNoProblem(opened);
  });

  it('scores by the chosen weights, with the formula shown, and never by default', async () => {
    const opened = await open(`/leaderboard/?model=${SMALL_MODEL}&task=${SMALL_TASK}`);
    const { page } = opened;
    await untilReady(page);
    expect(await page.locator('table.board thead').getByText('score').count()).toBe(0);
    await page.getByText('Scores', { exact: true }).first().click();
    await page.getByLabel('weight of size reduction').fill('3');
    expect(await page.locator('.formula').innerText()).toContain('smaller');
    await page.getByRole('button', { name: 'Sort by this score' }).click();
    const { entries } = boardOf(SMALL_MODEL, SMALL_TASK);
    const scored = entries
      .filter(
        ({ control, badges, quality, compute }) =>
          !control && quality && compute && !badges.some(({ id }) => id === 'simulated'),
      )
      .map(({ id, quality, ratio, compute }) => ({
        id: id.replace('\u202e', '‹U+202E›'),
        score: ((quality?.kept ?? 0) * (ratio ?? 0) ** 3) / (compute?.seconds ?? 1),
      }))
      .sort((a, b) => b.score - a.score)
      .map(({ id }) => id);
    expect((await shownVariants(page)).slice(0, scored.length)).toEqual(scored);
    expect(new URL(page.url()).searchParams.get('weights')).toBe('1,3,0,1');
    expectNoProblem(opened);
  });

  it('explains a badge on request', async () => {
    const opened = await open(`/leaderboard/?model=${SMALL_MODEL}&task=${SMALL_TASK}`);
    const { page } = opened;
    await untilReady(page);
    const note = page.getByText('codes are not packed');
    expect(await note.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'simulated' }).click();
    expect(await note.isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    expect(await note.isVisible()).toBe(false);
    expectNoProblem(opened);
  });

  it('selects another model, task and runner', async () => {
    const opened = await open('/leaderboard/');
    const { page } = opened;
    await untilReady(page);
    await page.getByLabel('Model').selectOption(PUBLISHED.model);
    await page.locator('.variant-name', { hasText: 'gptq' }).first().waitFor();
    expect(await page.getByLabel('Task').inputValue()).toBe(PUBLISHED.task);
    expect(await sortedVariants(page)).toEqual(idsOf(boardOf(PUBLISHED.model, PUBLISHED.task).entries));
    expect(page.url()).toContain('page=4');
    expectNoProblem(opened);
  });
});
