import { PROTOCOL } from '../../contracts/protocol.ts';
import { describe, expect, it } from 'vitest';
import { recordCatalog } from '../../drizzle/catalog.ts';
import { doneKeys, failures, history, itemsOf, readCatalog, runSummaries, trialDetail } from '../../drizzle/queries.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { FAILURES } from '../../contracts/result.ts';
import { catalogOf, methodEntryOf } from '../support/catalog.ts';
import {
  evaluationOf,
  failedEvaluationOf,
  failedMeasurementOf,
  failedTrialOf,
  measurementOf,
  runOf,
  sha256Of,
  timeAt,
  trialOf,
} from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';

describe('doneKeys', () => {
  it('contains the standing rows of the given trials, failures included', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    recordTrial(store, trial);
    const other = trialOf({ identity: { variant: 'w8' } });
    recordTrial(store, other);
    const failed = FAILURES.map((status, i) => failedTrialOf(status, { identity: { seed: i + 1 } }));
    for (const row of failed) recordTrial(store, row);
    recordEvaluation(store, evaluationOf(trial));
    recordMeasurement(store, failedMeasurementOf(trial, 'timeout'));
    const done = doneKeys(store, [trial.key, ...failed.map(({ key }) => key), evaluationOf(trial).key]);
    expect(done.trials).toEqual(
      new Map([
        [trial.key, { status: 'completed', artifact: trial.artifact.sha256 }],
        ...failed.map(({ key, status }): [string, unknown] => [key, { status, artifact: null }]),
      ]),
    );
    expect(done.evaluations).toEqual(new Map([[evaluationOf(trial).key, 'completed']]));
    expect(done.measurements).toEqual(new Map([[measurementOf(trial).key, 'timeout']]));
    expect([...doneKeys(store, [other.key]).trials.keys()]).toEqual([other.key]);
  });
});

describe('itemsOf', () => {
  it('returns the columns as recorded', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    recordTrial(store, trial);
    const evaluation = evaluationOf(trial, { itemCount: 100 });
    recordEvaluation(store, evaluation);
    recordEvaluation(store, failedEvaluationOf(trial, 'failed', { task: 'other' }));
    expect(itemsOf(store, evaluation.key)).toEqual(evaluation.outcomes);
    expect(() => itemsOf(store, evaluationOf(trial, { task: 'other' }).key)).toThrow('no completed one');
    expect(() => itemsOf(store, sha256Of('nothing'))).toThrow('no completed one');
  });
});

describe('trialDetail', () => {
  it('contains every row of a key, the standing one first', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const failed = failedTrialOf('timeout', { startedAt: timeAt(1) });
    const trial = trialOf({ startedAt: timeAt(5) });
    recordTrial(store, failed);
    recordTrial(store, trial, { retry: true });
    const other = trialOf({ identity: { seed: 9 } });
    recordTrial(store, other);
    recordEvaluation(store, evaluationOf(other));
    recordEvaluation(store, evaluationOf(trial));
    recordMeasurement(store, measurementOf(trial));
    const detail = trialDetail(store, trial.key);
    expect(detail.trials.map(({ row, effective }) => [row, effective])).toEqual([
      [trial, true],
      [failed, false],
    ]);
    expect(detail.evaluations.map(({ row }) => row)).toEqual([evaluationOf(trial)]);
    expect(detail.measurements.map(({ row }) => row)).toEqual([measurementOf(trial)]);
    expect(() => trialDetail(store, sha256Of('nothing'))).toThrow('holds none');
  });
});

describe('failures', () => {
  it('lists standing failures, newest first, without those that a retry fixed', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf({ startedAt: timeAt(1) });
    recordTrial(store, failedTrialOf('failed', { startedAt: timeAt(0) }));
    recordTrial(store, trial, { retry: true });
    const stands = failedTrialOf('invalid', { identity: { seed: 1 }, startedAt: timeAt(2) });
    recordTrial(store, stands);
    recordTrial(store, failedTrialOf('failed', { identity: { seed: 1, protocol: 2 } }));
    const evaluation = failedEvaluationOf(trial, 'timeout', { startedAt: timeAt(4) });
    const measurement = failedMeasurementOf(trial, 'unsupported', { startedAt: timeAt(3) });
    recordEvaluation(store, evaluation);
    recordMeasurement(store, measurement);
    const of = { method: 'rounding', variant: 'w4', model: 'tiny' };
    expect(failures(store, PROTOCOL.version)).toEqual([
      {
        ...of,
        kind: 'evaluation',
        key: evaluation.key,
        run: 'run-1',
        trial: trial.key,
        seed: 0,
        task: evaluation.task,
        runner: null,
        status: 'timeout',
        reason: evaluation.reason,
        startedAt: timeAt(4),
      },
      {
        ...of,
        kind: 'measurement',
        key: measurement.key,
        run: 'run-1',
        trial: trial.key,
        seed: 0,
        task: null,
        runner: measurement.runner.fingerprint,
        status: 'unsupported',
        reason: measurement.reason,
        startedAt: timeAt(3),
      },
      {
        ...of,
        kind: 'trial',
        key: stands.key,
        run: 'run-1',
        trial: stands.key,
        seed: 1,
        task: null,
        runner: null,
        status: 'invalid',
        reason: stands.reason,
        startedAt: timeAt(2),
      },
    ]);
  });
});

describe('history', () => {
  it('gives every row of a variant, newest first', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const old = trialOf({ identity: { revision: 1 }, startedAt: timeAt(1) });
    const present = trialOf({ startedAt: timeAt(2) });
    const elsewhere = trialOf({ identity: { model: 'other' } });
    for (const trial of [old, present, elsewhere]) recordTrial(store, trial);
    recordEvaluation(store, evaluationOf(old));
    recordEvaluation(store, evaluationOf(old, { task: 'another' }));
    const rows = history(store, { method: 'rounding', variant: 'w4', model: 'tiny', task: 'stories-perplexity' });
    expect(rows.map(({ key, quality, zstdBytes }) => [key, quality, zstdBytes])).toEqual([
      [present.key, null, present.artifact.size.zstdBytes],
      [old.key, evaluationOf(old).quality, old.artifact.size.zstdBytes],
    ]);
  });
});

describe('runSummaries', () => {
  it('counts the rows of each run by status, newest run first', () => {
    const store = temporaryStore();
    const [first, second] = [runOf(), runOf({ id: 'run-2', startedAt: timeAt(500) })];
    for (const run of [first, second]) recordRun(store, run);
    const trial = trialOf();
    recordTrial(store, trial);
    for (const seed of [1, 2]) recordTrial(store, failedTrialOf('timeout', { identity: { seed } }));
    recordEvaluation(store, evaluationOf(trial, { run: 'run-2' }));
    expect(runSummaries(store)).toEqual([
      { ...second, trials: {}, evaluations: { completed: 1 }, measurements: {} },
      { ...first, trials: { completed: 1, timeout: 2 }, evaluations: {}, measurements: {} },
    ]);
    expect(runSummaries(store, 1).map(({ id }) => id)).toEqual(['run-2']);
  });
});

describe('recordCatalog', () => {
  it('mirrors the registries and keeps removed entries', () => {
    const store = temporaryStore();
    const catalog = catalogOf();
    recordCatalog(store, catalog);
    const registered = (entries: readonly object[]): unknown =>
      entries.map((entry) => ({ ...entry, registered: true }));
    const stored = readCatalog(store);
    expect(stored.models).toEqual(registered(catalog.models));
    expect(stored.datasets).toEqual(registered(catalog.datasets));
    expect(stored.tasks).toEqual(registered(catalog.tasks));
    expect(stored.methods.toReversed()).toEqual(registered(catalog.methods));
    recordCatalog(store, { ...catalog, methods: [methodEntryOf('dense', { description: 'New words.' })] });
    expect(readCatalog(store).methods.map(({ id, registered, description }) => [id, registered, description])).toEqual([
      ['dense', true, 'New words.'],
      ['rounding', false, 'What rounding does.'],
    ]);
    expect(() => recordCatalog(store, { ...catalog, tasks: [{} as never] })).toThrow(
      'catalog null cannot be stored: tasks.0.id',
    );
  });
});
