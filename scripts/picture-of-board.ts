/**
 * The picture of the front page in the README: docs/board.png, under 200 kB.
 *
 *   npm run site:build && node scripts/picture-of-board.ts
 */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { InputError } from '../contracts/errors.ts';
import { REPOSITORY_ROOT } from '../cli/setup/registry.ts';
import { SITE_FOLDER, runScript } from '../cli/website/site-build.ts';
import { serveSite } from '../cli/website/site-server.ts';

const PICTURE = join(REPOSITORY_ROOT, 'docs/board.png');
const MAX_BYTES = 200_000;
/** Wide enough for headline and plot side by side with their figures; cut below the plot. */
const WIDTH = 1280;
/** Pixels of the picture per pixel of the page: what fits into MAX_BYTES and is still read with ease. */
const SCALE = 0.65;

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      site: { type: 'string', default: SITE_FOLDER },
      browser: { type: 'string', default: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
    },
  });
  const server = await serveSite(values.site);
  const browser = await chromium.launch({ executablePath: values.browser, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    const page = await browser.newPage({
      viewport: { width: WIDTH, height: 900 },
      colorScheme: 'light',
      deviceScaleFactor: SCALE,
    });
    await page.goto(`${server.url}/`, { waitUntil: 'networkidle' });
    const plot = await page.locator('.plot').boundingBox();
    const height = Math.ceil((plot?.y ?? 0) + (plot?.height ?? 900) + 8);
    mkdirSync(dirname(PICTURE), { recursive: true });
    await page.setViewportSize({ width: WIDTH, height });
    await page.screenshot({ path: PICTURE, clip: { x: 0, y: 0, width: WIDTH, height } });
    const { size } = statSync(PICTURE);
    if (size > MAX_BYTES) throw new InputError(`${PICTURE}: ${size} bytes, more than ${MAX_BYTES}; make SCALE smaller`);
    console.log(`${PICTURE}: ${size} bytes, ${WIDTH} × ${height} pixels`);
  } finally {
    await browser.close();
    await server.close();
  }
});
