import { describe, expect, it } from 'vitest';
import { recordCorrection } from '../../../drizzle/correction.ts';
import { type Store, denseLatencies, denseQualities } from '../../../drizzle/queries.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../../drizzle/record.ts';
import { LEAST_RUNS, controlFindings, learnBand } from '../../../board/derive/control-band.ts';
import { createRandom } from '../../../numerics/tensor/random.ts';
import { evaluationOf, measurementOf, runOf, timeAt, trialOf } from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';

const ONE_PLACE = { places: 1, autocorrelation: 0 };

describe('learnBand', () => {
  it('learns nothing from too few runs', () => {
    const same = Array.from({ length: LEAST_RUNS }, () => 1);
    expect(learnBand(same.slice(1), ONE_PLACE)).toBe(null);
    expect(learnBand(same, ONE_PLACE)?.runs).toBe(LEAST_RUNS);
  });

  it('is 10 % wide where the runs agree, and otherwise as wide as the spread predicts for the next run', () => {
    const quiet = learnBand([20, 20.1, 19.9, 20, 20.05, 19.95, 20, 20, 20, 20], ONE_PLACE);
    expect(quiet?.low).toBeCloseTo(20 / 1.1, 1);
    expect(quiet?.high).toBeCloseTo(20 * 1.1, 1);
    // scipy: t.ppf(0.995, 9) * sqrt(1 + 1 / 10) * std(logs, ddof=1)
    const logs = [-0.2, -0.1, 0, 0.1, 0.2, -0.2, -0.1, 0, 0.1, 0.2];
    const loud = learnBand(logs.map(Math.exp), ONE_PLACE);
    expect(Math.log(loud?.high ?? 0)).toBeCloseTo(3.2498355 * Math.sqrt(1.1) * Math.sqrt(0.2 / 9), 6);
    expect(Math.log(loud?.low ?? 0)).toBeCloseTo(-Math.log(loud?.high ?? 0), 12);
  });

  it('is wider for more places and for autocorrelated nights', () => {
    const values = [-0.2, -0.1, 0, 0.1, 0.2, -0.2, -0.1, 0, 0.1, 0.2].map(Math.exp);
    const high = (places: number, autocorrelation: number) => learnBand(values, { places, autocorrelation })?.high ?? 0;
    expect(high(8, 0)).toBeGreaterThan(high(1, 0));
    expect(high(1, 0.8)).toBeGreaterThan(high(1, 0));
  });

  it('rejects a good night in at most 2 % of cases', () => {
    const random = createRandom('band');
    const night = () => 20 * Math.exp(0.05 * random.normal());
    let left = 0;
    for (let i = 0; i < 1000; i++) {
      const band = learnBand(Array.from({ length: 10 }, night), ONE_PLACE);
      const value = night();
      if (!band || value < band.low || value > band.high) left++;
    }
    expect(left).toBeLessThan(20);
  });
});

/** A run whose dense takes this long and scores this; returns its id. */
function addRun(store: Store, number: number, { factor = 1, dense = 20 } = {}): string {
  const run = `run-${number}`;
  recordRun(store, runOf({ id: run, startedAt: timeAt(number * 100) }));
  for (const variant of ['w4', 'w8']) {
    const trial = trialOf({ run, startedAt: timeAt(number * 100 + 1), identity: { variant, seed: number } });
    recordTrial(store, trial);
    const evaluation = evaluationOf(trial, { startedAt: timeAt(number * 100 + 2) });
    recordEvaluation(store, { ...evaluation, quality: { ...evaluation.quality, dense } });
    const measurement = measurementOf(trial, { startedAt: timeAt(number * 100 + 3) });
    const latency = measurement.latency.map((shape, i) => ({ ...shape, denseP50Ms: (i + 1) * 10 * factor }));
    recordMeasurement(store, { ...measurement, latency });
  }
  return run;
}

describe('controlFindings', () => {
  const statesOf = (store: Store, run: string) =>
    controlFindings(run, { qualities: denseQualities(store), latencies: denseLatencies(store) }).map(
      ({ kind, state }) => `${kind} ${state}`,
    );

  it('learns first, then accepts only values within the band', () => {
    const store = temporaryStore();
    expect(statesOf(store, addRun(store, 0))).toEqual(['quality learning', 'latency learning', 'latency learning']);
    for (let i = 1; i < LEAST_RUNS; i++) addRun(store, i);
    const before = ['quality as before', 'latency as before', 'latency as before'];
    expect(statesOf(store, addRun(store, 20, { factor: 1.05 }))).toEqual(before);
    const slow = addRun(store, 21, { factor: 1.3 });
    expect(statesOf(store, slow)).toEqual(['quality as before', 'latency out of control', 'latency out of control']);
    const off = addRun(store, 23, { dense: 20.000000000000004 });
    expect(statesOf(store, off)).toEqual(['quality out of control', 'latency as before', 'latency as before']);
  });

  it('finds dense scores that differ beside different candidates', () => {
    const store = temporaryStore();
    const run = addRun(store, 0);
    const trial = trialOf({ run, identity: { variant: 'w3' } });
    recordTrial(store, trial);
    const evaluation = evaluationOf(trial);
    recordEvaluation(store, { ...evaluation, quality: { ...evaluation.quality, dense: 21 } });
    const [found] = controlFindings(run, { qualities: denseQualities(store), latencies: [] });
    expect(found).toMatchObject({ state: 'out of control', text: expect.stringContaining('20, 21') });
  });

  it('ignores withdrawn rows and other machines', () => {
    const store = temporaryStore();
    const wrong = addRun(store, 0, { dense: 19 });
    for (const { run, key } of denseRows(store, wrong)) {
      recordCorrection(store, { kind: 'correction', key, run, action: 'withdraw', reason: 'r', date: '2026-01-02' });
    }
    expect(statesOf(store, addRun(store, 1))[0]).toBe('quality learning');
  });
});

function denseRows(store: Store, run: string): readonly { readonly run: string; readonly key: string }[] {
  return store.database.$client
    .prepare<[string, string], { key: string }>(
      `select lower(hex(key)) as key from evaluations where run = ? union select lower(hex(key)) from measurements where run = ?`,
    )
    .all(run, run)
    .map(({ key }) => ({ run, key }));
}
