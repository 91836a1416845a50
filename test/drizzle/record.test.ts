import { describe, expect, it } from 'vitest';
import { finishRun, recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { evaluationOf, failedTrialOf, measurementOf, runOf, timeAt, trialOf } from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';

function count(store: ReturnType<typeof temporaryStore>, table: string): number {
  return store.database.$client.prepare(`select count(*) from ${table}`).pluck().get() as number;
}

describe('recordTrial', () => {
  it('records a key once: a second row under a completed key is not written, retry or not', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    expect(recordTrial(store, trialOf())).toBe('recorded');
    expect(recordTrial(store, trialOf({ startedAt: timeAt(9) }))).toBe('present');
    expect(recordTrial(store, trialOf({ startedAt: timeAt(9) }), { retry: true })).toBe('present');
    expect(count(store, 'trials')).toBe(1);
  });

  it('adds to a failed key only on retry, and keeps the failure', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    recordTrial(store, failedTrialOf('timeout'));
    expect(recordTrial(store, trialOf({ startedAt: timeAt(9) }))).toBe('present');
    expect(recordTrial(store, failedTrialOf('failed', { startedAt: timeAt(8) }), { retry: true })).toBe('recorded');
    expect(recordTrial(store, trialOf({ startedAt: timeAt(9) }), { retry: true })).toBe('recorded');
    expect(
      store.database.$client.prepare('select status, effective from trials order by started_at').raw().all(),
    ).toEqual([
      ['timeout', 0],
      ['failed', 0],
      ['completed', 1],
    ]);
  });

  it('names kind, key and field of what does not fit, and writes nothing', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const row = trialOf();
    const cost = { ...row.cost, tokensSeen: -1 };
    expect(() => recordTrial(store, { ...row, cost })).toThrow(`trial "${row.key}" cannot be stored: cost.tokensSeen`);
    expect(() => recordTrial(store, { ...row, cost: { ...row.cost, wallSeconds: Infinity } })).toThrow(
      `trial "${row.key}" cannot be stored: cost.wallSeconds: expected a JSON value, finite if a number, got Infinity`,
    );
    expect(() => recordTrial(store, { ...row, extra: 1 } as typeof row)).toThrow('extra');
    expect(() => recordTrial(store, { ...row, startedAt: '2026-01-01T00:00:00+02:00' })).toThrow('startedAt');
    expect(() => recordTrial(store, { ...row, run: 'nowhere' })).toThrow('no run "nowhere"');
    expect(count(store, 'trials')).toBe(0);
    expect(count(store, 'artifacts')).toBe(0);
  });
});

describe('recordEvaluation', () => {
  it('requires the completed trial with the same artifact', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    expect(() => recordEvaluation(store, evaluationOf(trial))).toThrow('record the completed trial first');
    recordTrial(store, trial);
    expect(() => recordEvaluation(store, evaluationOf(trial, { artifact: 'a'.repeat(64) }))).toThrow(
      'with artifact aaaa',
    );
    expect(recordEvaluation(store, evaluationOf(trial))).toBe('recorded');
    expect(recordEvaluation(store, evaluationOf(trial))).toBe('present');
    expect(count(store, 'evaluations')).toBe(1);
    expect(count(store, 'evaluation_items')).toBe(1);
  });

  it('refuses columns of outcomes that differ in length', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    recordTrial(store, trial);
    const row = evaluationOf(trial);
    const outcomes = { ...row.outcomes, sameTop: row.outcomes.sameTop.slice(1) };
    expect(() => recordEvaluation(store, { ...row, outcomes })).toThrow('outcomes.sameTop has 5 entries');
  });
});

describe('recordMeasurement', () => {
  it('records a key once', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    recordTrial(store, trial);
    expect(recordMeasurement(store, measurementOf(trial))).toBe('recorded');
    expect(recordMeasurement(store, measurementOf(trial, { startedAt: timeAt(9) }))).toBe('present');
    expect(count(store, 'measurements')).toBe(1);
    expect(count(store, 'latency_shapes')).toBe(2);
  });
});

describe('recordRun and finishRun', () => {
  const started = runOf({ finishedAt: null, wallSeconds: null, overheadSeconds: null });
  const finish = { finishedAt: timeAt(5), wallSeconds: 300, overheadSeconds: 3 };

  it('finishes a run once', () => {
    const store = temporaryStore();
    recordRun(store, started);
    expect(finishRun(store, started.id, finish)).toBe('recorded');
    expect(finishRun(store, started.id, finish)).toBe('present');
    expect(() => finishRun(store, started.id, { ...finish, wallSeconds: 301 })).toThrow('was finished at');
    expect(() => finishRun(store, 'nowhere', finish)).toThrow('no such run');
  });

  it('never reuses an id for another run', () => {
    const store = temporaryStore();
    recordRun(store, started);
    expect(recordRun(store, started)).toBe('present');
    expect(() => recordRun(store, { ...started, suite: 'full' })).toThrow('ids are never used again');
  });
});
