import { expect, inject, it } from 'vitest';
import { derivedBoard, derivedBoards, openStore } from '../../drizzle/queries.ts';
import { describeSite, expectNoProblem, untilReady } from '../support/site-browser.ts';

function firstBoard() {
  const store = openStore(inject('siteStorePath'));
  try {
    return derivedBoard(store, derivedBoards(store)[0]?.id ?? '');
  } finally {
    store.close();
  }
}

describeSite('the front page', (open) => {
  it('shows the answer first: the best of each cost class by size, with gap and cost ratio', async () => {
    const opened = await open('/');
    const { page } = opened;
    await untilReady(page);
    const board = firstBoard();
    const lines = board.headline.filter(({ verdict }) => verdict !== 'empty');
    const shown = page.locator('.headline > li');
    expect(await shown.count()).toBe(lines.length);
    for (const [i, line] of lines.entries()) {
      const text = (await shown.nth(i).innerText()).replaceAll('\u00a0', ' ');
      expect(text).toContain(`${line.weightClass}×`);
      const best = [line.lowCost, line.highCost].map((slug) => board.entries.find((entry) => entry.slug === slug));
      for (const entry of best) if (entry) expect(text).toContain(entry.id);
      if (line.comparison) {
        const { value, low } = line.comparison.shown;
        expect(text).toContain(`${Math.abs(value).toFixed(Math.abs(value) >= 10 ? 1 : 2)} %`);
        expect(text).toContain(Math.abs(low).toFixed(Math.abs(low) >= 10 ? 1 : 2));
      }
      if (line.computeRatio !== null) expect(text).toContain('the compute');
    }
    expectNoProblem(opened);
  });

  it('draws every scored variant and both fronts, and describes them without colour', async () => {
    const opened = await open('/');
    const { page } = opened;
    await untilReady(page);
    const scored = firstBoard().entries.filter(({ quality, ratio }) => quality && ratio !== null);
    expect(await page.locator('.plot a').count()).toBe(scored.length);
    expect(await page.locator('.plot path.front').count()).toBe(2);
    const shapes = await page
      .locator('.plot a path.mark')
      .evaluateAll((marks) => [...new Set(marks.map((mark) => mark.getAttribute('d')))]);
    expect(shapes.length).toBe(3);
    await page.getByRole('radio', { name: 'Compression cost' }).check();
    expect(page.url()).toContain('x=cost');
    await page.getByText('seconds of compressing, at least 0.2 →').waitFor();
    expectNoProblem(opened);
  });

  it('is readable without JavaScript: headline, plot and table', async () => {
    const { page } = await open('/', { javaScriptEnabled: false });
    expect(await page.locator('.headline > li').count()).toBeGreaterThan(1);
    expect(await page.locator('.plot a path.mark').first().isVisible()).toBe(true);
    expect(await page.locator('.plot path.front').count()).toBe(2);
    expect(await page.locator('table.board tbody .variant-name').count()).toBe(firstBoard().entries.length);
    await page.getByRole('link', { name: 'Protocol' }).first().click();
    expect(await page.locator('h1').innerText()).toBe('How each number is measured');
  });

  it('can be used by keyboard alone: skip link, marks of the plot with their tooltip, filters, sorting', async () => {
    const opened = await open('/');
    const { page } = opened;
    await untilReady(page);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    const isIn = (selector: string) => page.evaluate(`document.activeElement?.closest('${selector}') !== null`);
    for (let i = 0; i < 60 && !(await isIn('.plot a')); i++) await page.keyboard.press('Tab');
    expect(await isIn('.plot a')).toBe(true);
    const tooltip = page.locator('.tooltip');
    const first = await tooltip.innerText();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => tooltip.innerText(), { timeout: 30_000 }).not.toBe(first);
    expect(await tooltip.innerText()).toContain('against dense');
    await page.keyboard.press('Escape');
    await tooltip.waitFor({ state: 'detached' });
    await page.keyboard.press('Tab');
    expect(await isIn('.filters'), 'one stop for all marks').toBe(true);
    for (let i = 0; i < 30 && !(await isIn('thead')); i++) await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(page.url()).toContain('sort=');
    expectNoProblem(opened);
  });

  it('fits a phone: no sideways scrolling of the page, every control within reach', async () => {
    const opened = await open('/', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const { page } = opened;
    await untilReady(page);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(390);
    expect((await page.locator('.plot').boundingBox())?.width).toBeLessThanOrEqual(390);
    await page.getByLabel('Cost class').selectOption('high-cost');
    expect(page.url()).toContain('cost=high-cost');
    expectNoProblem(opened);
  });

  it('keeps the chosen colours, and follows the system until then', async () => {
    const opened = await open('/', { colorScheme: 'dark' });
    const { page } = opened;
    await untilReady(page);
    const ground = () => page.evaluate('getComputedStyle(document.body).backgroundColor');
    const dark = await ground();
    await page.getByRole('button', { name: 'Light colours' }).click();
    const light = await ground();
    expect(light).not.toBe(dark);
    // Paper is light under each theme.
    for (const theme of ['Dark colours', 'Use the system theme', 'Light colours']) {
      await page.getByRole('button', { name: theme }).click();
      await page.emulateMedia({ media: 'print' });
      expect(await ground()).toBe(light);
      await page.emulateMedia({ media: 'screen' });
    }
    await page.goto(`${inject('siteAddress')}/protocol/`);
    expect(await ground()).toBe(light);
    await untilReady(page);
    await page.getByRole('button', { name: 'Use the system theme' }).click();
    expect(await ground()).toBe(dark);
    expectNoProblem(opened);
  });

  it('loads at most 170 kB of JavaScript, compressed', async () => {
    const { page } = await open('/robots.txt');
    const sizes: number[] = [];
    page.on('response', async (response) => {
      if (response.request().resourceType() === 'script')
        sizes.push((await response.request().sizes()).responseBodySize);
    });
    await page.goto(`${inject('siteAddress')}/`, { waitUntil: 'networkidle' });
    const compressed = sizes.reduce((sum, size) => sum + size, 0);
    expect(compressed).toBeGreaterThan(10_000);
    expect(compressed).toBeLessThanOrEqual(170_000);
  });
});
