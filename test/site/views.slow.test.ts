import { expect, inject, it } from 'vitest';
import { comparisonsOf, derivedBoard, derivedBoards, openStore, resultDetail } from '../../drizzle/queries.ts';
import { describeSite, expectNoProblem, untilReady } from '../support/site-browser.ts';
import { SLICED_TASK, SMALL_MODEL, SMALL_TASK } from '../support/site-store.ts';

function stored<T>(read: (store: ReturnType<typeof openStore>) => T): T {
  const store = openStore(inject('siteStorePath'));
  try {
    return read(store);
  } finally {
    store.close();
  }
}

const boardOf = (task: string, model = SMALL_MODEL) =>
  stored((store) =>
    derivedBoard(store, derivedBoards(store).find((board) => board.model === model && board.task === task)?.id ?? ''),
  );

/** The machine may be busy. */
const WAIT = { timeout: 30_000 };

const plain = (text: string) => text.replaceAll('\u00a0', ' ').replaceAll('−', '-');

describeSite('compare', (open) => {
  it('shows paired differences with intervals that agree with the store, and marks the significant ones', async () => {
    const board = boardOf(SLICED_TASK);
    const [first, second] = ['rounding/w4', 'training/w4'].map((id) => board.entries.find((entry) => entry.id === id));
    const opened = await open(`/compare/?model=${SMALL_MODEL}&task=${SLICED_TASK}&of=${first?.slug},${second?.slug}`);
    const { page } = opened;
    await untilReady(page);
    const cell = page
      .getByRole('group', { name: 'Paired differences' })
      .locator('tbody tr')
      .first()
      .locator('td')
      .nth(1);
    await expect.poll(() => cell.innerText(), WAIT).not.toContain('…');
    const pairs = stored((store) => comparisonsOf(store, board.contest, first?.slug ?? ''));
    const at = pairs.others.indexOf(second?.slug ?? '');
    const text = plain(await cell.innerText());
    expect(text).toContain(`${((pairs.quality.value[at] ?? 0) * 100).toFixed(1)} points`);
    expect(text).toContain(((pairs.quality.low[at] ?? 0) * 100).toFixed(1));
    expect(pairs.quality.pValue[at]).toBeLessThan(0.05);
    expect(await cell.locator('.bad-text.significant').count()).toBe(1);
    expect(await page.locator('.plot path.curve').count()).toBeGreaterThan(0);
    expectNoProblem(opened);
  });

  it('adds and removes variants, two to six', async () => {
    const opened = await open(`/compare/?model=${SMALL_MODEL}&task=${SMALL_TASK}`);
    const { page } = opened;
    await untilReady(page);
    const chips = page.locator('.chips li');
    expect(await chips.count()).toBe(2);
    for (const id of ['dense/fp32', 'training/w2', 'cutting/s50', 'dreaming/w1']) {
      await page.getByLabel('Add a variant').fill(id);
    }
    await expect.poll(() => chips.count(), WAIT).toBe(6);
    expect(await page.getByLabel('Add a variant').isDisabled()).toBe(true);
    await page.getByRole('button', { name: 'Take dense/fp32 out' }).click();
    expect(await chips.count()).toBe(5);
    expect(new URL(page.url()).searchParams.get('of')?.split(',').length).toBe(5);
    expectNoProblem(opened);
  });
});

describeSite('pick for me', (open) => {
  it('lists only variants that meet the requirements, and says why the others do not', async () => {
    const opened = await open(`/pick/?model=stories260k&task=tinystories-perplexity`);
    const { page } = opened;
    await untilReady(page);
    await page.getByLabel(/^at most, MB/).fill('0.35');
    await page.getByLabel(/^Allowed loss/).fill('3');
    const { entries, dense } = boardOf('tinystories-perplexity', 'stories260k');
    const fitting = entries.filter(
      ({ slug, size, quality, control, badges }) =>
        slug !== dense &&
        !control &&
        !badges.some(({ id }) => id === 'simulated') &&
        (size?.zstdBytes ?? Infinity) <= 350_000 &&
        (quality?.toDense?.shown.value ?? Infinity) <= 3,
    );
    expect(fitting.length).toBeGreaterThan(1);
    await page.getByText(`${fitting.length} of`).waitFor();
    const picked = await page.locator('.picks h3').allInnerTexts();
    for (const id of picked) expect(fitting.map((entry) => entry.id)).toContain(id.trim());
    const best = fitting.toSorted((a, b) => (a.place ?? 0) - (b.place ?? 0))[0];
    expect(picked[0]?.trim()).toBe(best?.id);
    // Two percent of bytes are no difference: then the better one of both is called the smallest.
    const smallest = Math.min(...fitting.map(({ size }) => size?.zstdBytes ?? Infinity));
    const titled = (await page.locator('.picks li', { hasText: 'Smallest' }).locator('h3').innerText()).trim();
    const bytes = fitting.find(({ id }) => id === titled)?.size?.zstdBytes ?? Infinity;
    expect(bytes / smallest).toBeLessThanOrEqual(1.02);
    expect(page.url()).toContain('mb=0.35');
    expectNoProblem(opened);
  });

  it('names the nearest variant where none fits', async () => {
    const opened = await open(`/pick/?model=${SMALL_MODEL}&task=${SMALL_TASK}&mb=0.001&loss=1`);
    await untilReady(opened.page);
    await opened.page.getByText('Nothing fits all wishes').waitFor();
    expect(await opened.page.locator('.empty').innerText()).toContain('the size limit');
    expectNoProblem(opened);
  });
});

describeSite('a result', (open) => {
  it('shows everything known about one artifact, from its address', async () => {
    const entry = boardOf('tinystories-perplexity', 'stories260k').entries.find(({ id }) => id === 'gptq/w4g32');
    const key = entry?.seeds[0]?.key ?? '';
    const detail = stored((store) => resultDetail(store, key));
    const opened = await open(`/result/?key=${key}`);
    const { page } = opened;
    await page.getByRole('heading', { name: 'gptq/w4g32' }).waitFor();
    const text = await page.locator('main').innerText();
    expect(text).toContain(detail.trials[0]?.artifact?.sha256);
    expect(text).toContain(detail.command);
    expect(text).toContain('CPUExecutionProvider');
    expect(text).toContain('Right → wrong');
    const samples = detail.measurements
      .flatMap(({ latency }) => latency)
      .flatMap((shape) => [shape.samplesMs, shape.denseSamplesMs]);
    expect(await page.locator('.samples line').count()).toBe(samples.flat().length);
    expectNoProblem(opened);
  });

  it('says what is wrong with an address without a result', async () => {
    const opened = await open('/result/?key=nonsense');
    await untilReady(opened.page);
    await opened.page.getByText('names no key of a trial').waitFor();
    expectNoProblem(opened);
  });
});

describeSite('history', (open) => {
  it('lists the changes found by tests, and draws a variant over its runs', async () => {
    const opened = await open('/history/');
    const { page } = opened;
    await untilReady(page);
    expect(await page.getByRole('group', { name: 'Changes found' }).innerText()).toContain('rounding/w4');
    await page.locator('.history-point').first().waitFor();
    expect(await page.locator('.history-point').count()).toBe(2);
    await page.getByLabel('Figure').selectOption('size');
    await page.locator('line.change').waitFor({ state: 'attached' });
    expectNoProblem(opened);
  });
});

describeSite('a task', (open) => {
  it('says which group of items lost most', async () => {
    const opened = await open(`/tasks/${SLICED_TASK}/`);
    const row = opened.page.getByRole('group', { name: 'Losses by group' }).locator('tr', { hasText: 'rounding/w4' });
    const slices = boardOf(SLICED_TASK).entries.find(({ id }) => id === 'rounding/w4')?.quality?.slices ?? [];
    const text = plain(await row.innerText());
    expect(text).toContain('tail');
    for (const { toDense } of slices)
      expect(text).toContain(toDense.shown.value.toFixed(Math.abs(toDense.shown.value) >= 10 ? 1 : 2));
    expectNoProblem(opened);
  });
});
