import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { canonicalJson } from '../../contracts/canonical-json.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ShapeLatency } from '../../contracts/result.ts';
import { exportRows, exportRun } from '../../drizzle/export.ts';
import { importCorrections, importFile, importRows } from '../../drizzle/import.ts';
import { historyRows } from '../../drizzle/queries.ts';
import { leaderboard } from '../../board/derive/leaderboard.ts';
import { recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import {
  type CompletedMeasurement,
  evaluationOf,
  identityOf,
  measurementOf,
  runOf,
  timeAt,
  trialOf,
} from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';

const RESULTS = join(import.meta.dirname, '../../results');
const PLACE = { model: 'tiny', task: 'stories-perplexity' };
const trial = trialOf();

function storeWithTrial() {
  const store = temporaryStore();
  recordRun(store, runOf());
  recordTrial(store, trial);
  return store;
}

/** A timing whose intervals are this wide, as high over low. */
function timedAt(minute: number, { width, noisy = false }: { width: number; noisy?: boolean }): CompletedMeasurement {
  const measurement = measurementOf(trial, { startedAt: timeAt(minute) });
  const latency = measurement.latency.map((one): ShapeLatency => ({
    ...one,
    noisy,
    speedUp: { value: 2, low: 2 / Math.sqrt(width), high: 2 * Math.sqrt(width) },
  }));
  return { ...measurement, latency };
}

function refused(change: (row: CompletedMeasurement) => object): () => void {
  return () => recordMeasurement(storeWithTrial(), change(measurementOf(trial)) as CompletedMeasurement);
}

describe('timing', () => {
  it('round-trips with threads, processes and the way it was measured', () => {
    const store = storeWithTrial();
    const row = measurementOf(trial);
    recordMeasurement(store, row);
    const read = [...exportRows(store)].find(({ kind }) => kind === 'measurement');
    expect(read).toEqual(row);
    expect(row.timing?.processes).toBe(PROTOCOL.latency.processes);
  });

  it('is refused in a row of protocol 2 without processes, and in one of protocol 1 with them', () => {
    expect(refused(({ timing, ...row }) => (timing ? row : {}))).toThrow(/timing: missing in a row of protocol 2/);
    expect(refused((row) => ({ ...row, protocol: 1 }))).toThrow(
      /expected no timing, latency.threads or latency.processes in a row of protocol 1/,
    );
    const withLatency = (latency: Partial<ShapeLatency>) => (row: CompletedMeasurement) => ({
      ...row,
      latency: row.latency.map((one) => ({ ...one, ...latency })),
    });
    expect(refused(withLatency({ processes: [0, 1, 2] }))).toThrow(/processes have 30, 30, 3 entries/);
    expect(refused(withLatency({ processes: Array.from({ length: 30 }, () => 0) }))).toThrow(
      /1 processes, timing.processes says 3/,
    );
    expect(
      refused((row) => ({ ...row, latency: row.latency.map(({ threads, ...one }) => (threads ? one : {})) })),
    ).toThrow(/1x1: threads or processes are missing/);
  });

  it('that stands for a key is the steadiest, in any order of arrival', () => {
    const timings = [
      timedAt(3, { width: 1.2 }),
      timedAt(4, { width: 1.1 }),
      timedAt(5, { width: 1.3 }),
      timedAt(6, { width: 1.01, noisy: true }),
    ];
    for (const order of [timings, timings.toReversed()]) {
      const store = storeWithTrial();
      importRows(store, order.map(canonicalJson), { where: 'timings.jsonl' });
      const [entry] = leaderboard(store, { ...PLACE, protocol: PROTOCOL.version }).entries;
      expect(entry?.latency[0]?.speedUp.high).toBeCloseTo(2 * Math.sqrt(1.1), 12);
      expect(entry?.latency[0]?.noisy).toBe(false);
    }
  });

  it('is a point of the history whenever it was measured, even when nothing changed', () => {
    const store = storeWithTrial();
    const first = timedAt(3, { width: 1.1 });
    const again = runOf({ id: 'run-2', startedAt: timeAt(100) });
    const lines = [
      first,
      again,
      { ...trial, run: again.id, startedAt: timeAt(101) },
      { ...timedAt(102, { width: 1.3 }), run: again.id },
    ];
    importRows(store, lines.map(canonicalJson), { where: 'again.jsonl' });
    const request = { ...PLACE, protocol: PROTOCOL.version };
    const points = historyRows(store, request).map(({ run, measurement }) => [run, measurement?.run]);
    expect(points).toEqual([
      ['run-1', 'run-1'],
      ['run-2', 'run-2'],
    ]);
    const withdrawal = {
      kind: 'correction',
      key: first.key,
      run: 'run-2',
      action: 'withdraw',
      reason: 'a noisy night',
      date: '2026-01-02',
    };
    importCorrections(store, [canonicalJson(withdrawal)], { where: 'corrections.jsonl' });
    expect(historyRows(store, request).map(({ run, measurement }) => [run, measurement?.run])).toEqual([
      ['run-1', 'run-1'],
      ['run-2', undefined],
    ]);
  });

  it('is published while at most a fifth are noisy, or on request', () => {
    const folder = mkdtempSync(join(tmpdir(), 'export-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const store = storeWithTrial();
    recordMeasurement(store, timedAt(3, { width: 1.1, noisy: true }));
    expect(() => exportRun(store, 'run-1', folder)).toThrow('run "run-1": 2 of its 2 timings are noisy');
    expect(readdirSync(folder)).toEqual([]);
    expect(exportRun(store, 'run-1', folder, { allowNoisy: true }).outcome).toBe('written');
    expect(exportRun(store, 'run-1', folder).outcome).toBe('present');
  });

  it('of protocol 1 is read from a published file, and shares no board with one of protocol 2', () => {
    const store = storeWithTrial();
    recordMeasurement(store, measurementOf(trial));
    const old = trialOf({ identity: identityOf({ protocol: 1, variant: 'w8' }) });
    const before = measurementOf(old);
    const lines = [runOf(), old, evaluationOf(old), before].map((row) => canonicalJson(row));
    importRows(store, lines, { where: 'old.jsonl' });
    expect([...exportRows(store)]).toContainEqual(before);
    const variantsOf = (protocol: number) =>
      leaderboard(store, { ...PLACE, protocol }).entries.map(({ variant }) => variant);
    expect([variantsOf(1), variantsOf(2)]).toEqual([['w8'], ['w4']]);
    const published = readdirSync(RESULTS).find((name) => name.includes('-quick-')) ?? '';
    importFile(store, join(RESULTS, published));
    const timed = [...exportRows(store)].filter(({ kind }) => kind === 'measurement');
    expect(timed.length).toBeGreaterThan(2);
  });
});
