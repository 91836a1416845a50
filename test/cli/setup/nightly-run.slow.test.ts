import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { correctionLedger, doneKeys, rowsOfRun } from '../../../drizzle/queries.ts';
import { type NightSummary, runNight } from '../../../cli/setup/nightly-run.ts';
import { renderNight } from '../../../cli/render/render-night.ts';
import { methodRegistration, tinyEntry, tinyLimits } from '../../support/tiny-suite.ts';

const VARIANTS = ['w8', 'w4g32', 'w3g32'];

describe('consecutive nightly runs', () => {
  let home = '';
  let results = '';
  const nights: NightSummary[] = [];

  async function night(day: number): Promise<NightSummary> {
    const [dense, rtn] = [await methodRegistration('control/dense'), await methodRegistration('quantization/rtn')];
    const variants = [
      { registration: dense, variant: 'fp32' },
      ...VARIANTS.map((variant) => ({ registration: rtn, variant })),
    ];
    return runNight({
      suite: 'tiny',
      entries: [tinyEntry(variants)],
      limits: tinyLimits,
      home,
      sentinels: 1,
      date: new Date(Date.UTC(2026, 10, day)),
      results,
      accept: false,
      signal: new AbortController().signal,
      onProgress: () => {},
    });
  }

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'shrinkrank-nights-'));
    results = join(home, 'results');
    for (let day = 1; day <= 3; day++) nights.push(await night(day));
    const store = openStore(join(home, 'store.sqlite'));
    // As if dense had scored otherwise until now: what is measured from here on is not believed.
    store.database.$client.exec('update evaluations set dense = dense * (1 + 1e-12)');
    store.close();
    nights.push(await night(4));
  });
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  it('make what is missing once, and publish it', () => {
    const [first, second] = nights;
    expect(first?.suite).toMatchObject({ planned: 4, recorded: 12 });
    expect(first?.again).toBe(null);
    expect(second?.suite).toMatchObject({ planned: 4, alreadyDone: 4, recorded: 0 });
    expect(first?.changes[0]?.fresh).toHaveLength(4);
    expect(second?.changes[0]?.fresh).toEqual([]);
    expect(readdirSync(results)).toHaveLength(3);
  });

  it('measure dense and another variant again each day, with the same artifacts and outcomes', () => {
    const store = openStore(join(home, 'store.sqlite'));
    const measured = [1, 2].map((at) => {
      const { again, drift } = nights[at] as NightSummary;
      expect(again).toMatchObject({ planned: 2, recorded: 6, undone: [] });
      expect(drift.map(({ differences }) => differences)).toEqual([[], []]);
      return rowsOfRun(store, again?.run ?? '').flatMap(({ kind, method, variant }) =>
        kind === 'trial' ? [`${method}/${variant}`] : [],
      );
    });
    store.close();
    for (const names of measured) expect(names).toContain('dense/fp32');
    expect(measured[0]).not.toEqual(measured[1]);
  });

  it('reject a run whose dense results changed: it is withdrawn, not published, and earlier rows stand', () => {
    const last = nights[3] as NightSummary;
    const [verdict] = last.verdicts;
    expect(verdict).toMatchObject({ run: last.again?.run, rejected: true });
    expect(last.exported).toEqual([]);
    expect(last.changes).toEqual([]);
    expect(readdirSync(results)).toHaveLength(3);
    const store = openStore(join(home, 'store.sqlite'));
    const rows = rowsOfRun(store, verdict?.run ?? '');
    expect(rows.map(({ effective }) => effective)).toEqual(rows.map(() => false));
    const withdrawn = correctionLedger(store);
    expect(withdrawn).toHaveLength(6);
    expect(withdrawn[0]?.reason).toMatch(/^dense left its control band: tiny-llama, tiny-text-perplexity: dense /);
    expect(
      doneKeys(
        store,
        last.suite.plan.map(({ key }) => key),
      ).measurements.size,
    ).toBe(4);
    store.close();
    const report = renderNight(last);
    expect(report).toContain('**rejected**');
    expect(report).toContain('Drift: not checked');
  });

  it('write files that match the store', () => {
    const text = readdirSync(results)
      .map((name) => readFileSync(join(results, name), 'utf8'))
      .join('');
    expect(text.trimEnd().split('\n')).toHaveLength(3 + 12 + 6 + 6);
  });
});
