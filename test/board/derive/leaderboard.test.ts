import { describe, expect, it } from 'vitest';
import { recordCatalog } from '../../../drizzle/catalog.ts';
import type { Store } from '../../../drizzle/client.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../../drizzle/record.ts';
import { catalogOf, methodEntryOf } from '../../support/catalog.ts';
import {
  artifactOf,
  evaluationOf,
  failedEvaluationOf,
  failedTrialOf,
  identityOf,
  keyOf,
  machineOf,
  measurementOf,
  runOf,
  runnerOf,
  sha256Of,
  timeAt,
  trialOf,
  type CompletedTrial,
} from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const REQUEST = { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version };

function sized(method: string, zstdBytes: number, seed = 0): CompletedTrial {
  const identity = { method, seed };
  const size = { zstdBytes, fileBytes: zstdBytes * 2 };
  return trialOf({ identity, artifact: artifactOf(keyOf(identityOf(identity)), size) });
}

function recordWhole(store: Store, trial: CompletedTrial): void {
  recordTrial(store, trial);
  recordEvaluation(store, evaluationOf(trial));
  recordMeasurement(store, measurementOf(trial));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

describe('leaderboard', () => {
  it('shows one seed exactly as it was recorded', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const [dense, trial] = [sized('dense', 800_000), sized('rounding', 199_999)];
    for (const each of [trial, dense]) recordWhole(store, each);
    const [evaluation, measurement] = [evaluationOf(trial), measurementOf(trial)];
    const board = leaderboard(store, REQUEST);
    expect(board.entries.map(({ method }) => method)).toEqual(['dense', 'rounding']);
    expect(board.dense).toEqual(dense.artifact.size);
    expect(board.runner).toEqual({
      fingerprint: runnerOf().fingerprint,
      provider: 'cpu',
      device: null,
      machine: machineOf(),
      measurements: 2,
    });
    const entry = board.entries[1]!;
    expect(entry).toMatchObject({
      variant: 'w4',
      family: 'quantization',
      costClass: 'low-cost',
      params: trial.identity.params,
      statuses: { completed: 1 },
      stale: false,
      notes: trial.notes,
      size: trial.artifact.size,
      ratio: 800_000 / 199_999,
      fileRatio: 800_000 / 199_999,
      weightClass: 4,
      inSample: true,
      distance: evaluation.distance,
      residentMemoryBytes: measurement.residentMemoryBytes,
      cost: trial.cost,
    });
    expect(entry.quality).toEqual({
      metric: 'perplexity',
      higherIsBetter: false,
      estimate: evaluation.quality.estimate,
      dense: evaluation.quality.dense,
      bySeed: [{ seed: 0, estimate: evaluation.quality.estimate }],
      seedDeviation: null,
    });
    expect(entry.latency).toHaveLength(2);
    for (const [i, { samplesMs: _, denseSamplesMs: __, processes: ___, ...summary }] of measurement.latency.entries()) {
      expect(entry.latency[i]).toEqual(summary);
    }
    expect(entry.trials[0]).toMatchObject({ key: trial.key, artifact: trial.artifact.sha256, cost: trial.cost });
  });

  it.each([
    [1_600_000, null],
    [400_000, 2],
    [400_001, null],
    [100_001, 4],
    [50_000, 16],
    [1000, 16],
  ])('puts %i bytes of 800,000 into weight class %s', (bytes, weightClass) => {
    const store = temporaryStore();
    recordRun(store, runOf());
    for (const trial of [sized('dense', 800_000), sized('rounding', bytes)]) recordTrial(store, trial);
    expect(leaderboard(store, REQUEST).entries[1]!.weightClass).toBe(weightClass);
  });

  it('takes the mean over seeds and keeps each', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trials = [0, 1, 2].map((seed) => sized('rounding', 100_000 + seed * 999, seed));
    for (const trial of trials) recordWhole(store, trial);
    recordTrial(store, failedTrialOf('timeout', { identity: { seed: 3 } }));
    const values = trials.map((trial) => evaluationOf(trial).quality.estimate);
    const entry = leaderboard(store, REQUEST).entries[0]!;
    const centre = mean(values.map(({ value }) => value));
    expect(entry.statuses).toEqual({ completed: 3, timeout: 1 });
    expect(entry.trials.map(({ seed, status }) => [seed, status])).toEqual([
      [0, 'completed'],
      [1, 'completed'],
      [2, 'completed'],
      [3, 'timeout'],
    ]);
    expect(entry.trials[3]!.reason).toBe('the trial ended with timeout');
    expect(entry.size?.zstdBytes).toBeCloseTo(100_999, 8);
    expect(entry.ratio).toBeNull();
    expect(entry.quality?.estimate.value).toBeCloseTo(Math.exp(mean(values.map(({ value }) => Math.log(value)))), 12);
    expect(entry.quality?.estimate.low).toBeCloseTo(Math.exp(mean(values.map(({ low }) => Math.log(low)))), 12);
    expect(entry.quality?.bySeed).toEqual(values.map((estimate, seed) => ({ seed, estimate })));
    expect(entry.quality?.seedDeviation).toBeCloseTo(
      Math.sqrt(values.reduce((sum, { value }) => sum + (value - centre) ** 2, 0) / 2),
      12,
    );
    const klDivergences = trials.map((trial) => evaluationOf(trial).distance.klDivergence.high);
    expect(entry.distance?.klDivergence.high).toBeCloseTo(mean(klDivergences), 12);
    const latencies = trials.map((trial) => measurementOf(trial).latency[1]!);
    expect(entry.latency[1]!.p95Ms).toBeCloseTo(mean(latencies.map(({ p95Ms }) => p95Ms)), 12);
    expect(entry.latency[1]!.speedUp.low).toBeCloseTo(mean(latencies.map(({ speedUp }) => speedUp.low)), 12);
    expect(entry.cost?.wallSeconds).toBeCloseTo(mean(trials.map(({ cost }) => cost.wallSeconds)), 12);
    const energies = trials.map(({ cost }) => cost.energyJoules);
    if (energies.includes(null)) expect(entry.cost?.energyJoules).toBeNull();
    else expect(entry.cost?.energyJoules).toBeCloseTo(mean(energies as number[]), 9);
  });

  it('shows the newest row of a variant and seed, failures included, and no other models or protocols', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const old = trialOf({ identity: { revision: 1 }, startedAt: timeAt(1) });
    recordWhole(store, old);
    recordWhole(store, trialOf({ identity: { model: 'other' }, startedAt: timeAt(4) }));
    recordWhole(store, trialOf({ identity: { protocol: 1 }, startedAt: timeAt(4) }));
    recordTrial(store, failedTrialOf('failed', { startedAt: timeAt(3) }));
    const { entries } = leaderboard(store, REQUEST);
    expect(entries.map(({ trials }) => trials.map(({ status, startedAt }) => [status, startedAt]))).toEqual([
      [['failed', timeAt(3)]],
    ]);
    expect(entries[0]).toMatchObject({
      size: null,
      ratio: null,
      quality: null,
      distance: null,
      latency: [],
      cost: null,
    });
  });

  it('prefers the present code to newer rows of other code, and marks stale rows', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    recordCatalog(store, catalogOf());
    const other = { revision: 3 };
    recordTrial(store, trialOf({ startedAt: timeAt(1) }));
    recordTrial(store, trialOf({ identity: other, startedAt: timeAt(5) }));
    recordTrial(store, trialOf({ identity: { ...other, seed: 1 }, startedAt: timeAt(5) }));
    recordTrial(store, trialOf({ identity: { modelRevision: sha256Of('older'), seed: 2 } }));
    recordTrial(store, trialOf({ identity: { method: 'unheard-of' } }));
    const stale = (): unknown =>
      leaderboard(store, REQUEST).entries.map(({ trials }) => trials.map((trial) => trial.stale));
    expect(stale()).toEqual([[false, true, true], [false]]);
    expect(leaderboard(store, REQUEST).entries[0]!.trials[0]!.startedAt).toBe(timeAt(1));
    recordCatalog(store, catalogOf({ methods: [methodEntryOf('dense')] }));
    expect(stale()).toEqual([[true, true, true], [false]]);
  });

  it('prefers rows trained on the CPU to newer rows of a device, and uses the latter where there are none', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trainedOn = { provider: 'webgpu', device: 'Example GPU', runner: '0123456789abcdef' } as const;
    recordTrial(store, trialOf({ startedAt: timeAt(1) }));
    recordTrial(store, trialOf({ identity: { trainedOn }, startedAt: timeAt(5) }));
    recordTrial(store, trialOf({ identity: { trainedOn, seed: 1 }, startedAt: timeAt(4) }));
    const entry = leaderboard(store, REQUEST).entries[0]!;
    expect(entry.trials.map(({ seed, startedAt }) => [seed, startedAt])).toEqual([
      [0, timeAt(1)],
      [1, timeAt(4)],
    ]);
  });

  it('never shows figures of another artifact of the same trial', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    recordRun(store, runOf({ id: 'run-2' }));
    const first = trialOf();
    recordWhole(store, first);
    // The same key again, withdrawn before: its evaluation has the same key and another artifact.
    const again = trialOf({ run: 'run-2', artifact: artifactOf('again'), startedAt: timeAt(9) });
    store.database.$client
      .prepare(`insert into corrections values (?, 'run-1', 'withdraw', 'wrong', '2026-02-01')`)
      .run(Buffer.from(first.key, 'hex'));
    store.database.$client.exec('update trials set effective = 0');
    recordTrial(store, again);
    const shown = (): unknown => leaderboard(store, REQUEST).entries[0]!.trials[0];
    expect(shown()).toMatchObject({ artifact: again.artifact.sha256, evaluation: null, measurement: null });
    const { key } = evaluationOf(first);
    expect(recordEvaluation(store, evaluationOf(again, { key }))).toBe('recorded');
    expect(shown()).toMatchObject({ evaluation: { key, quality: evaluationOf(again).quality } });
  });

  it('shows a failed evaluation with its reason', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const trial = trialOf();
    recordTrial(store, trial);
    recordEvaluation(store, failedEvaluationOf(trial, 'out-of-memory'));
    const entry = leaderboard(store, REQUEST).entries[0]!;
    expect(entry.quality).toBeNull();
    expect(entry.size).toEqual(trial.artifact.size);
    expect(entry.trials[0]!.evaluation).toMatchObject({
      status: 'out-of-memory',
      reason: 'the evaluation ended with out-of-memory',
      quality: null,
    });
  });

  it('shows one runner at a time: the requested one, otherwise the one with most measurements', () => {
    const store = temporaryStore();
    recordRun(store, runOf());
    const busy = runnerOf({ machine: machineOf({ cores: 8 }) });
    const trials = [0, 1].map((seed) => sized('rounding', 100_000, seed));
    for (const trial of trials) {
      recordTrial(store, trial);
      recordMeasurement(store, measurementOf(trial, { runner: busy }));
    }
    recordMeasurement(store, measurementOf(trials[0]!, { startedAt: timeAt(50) }));
    const board = leaderboard(store, REQUEST);
    expect(board.runners.map(({ fingerprint, measurements }) => [fingerprint, measurements])).toEqual([
      [busy.fingerprint, 2],
      [runnerOf().fingerprint, 1],
    ]);
    expect(board.runner?.fingerprint).toBe(busy.fingerprint);
    expect(board.entries[0]!.trials.map(({ measurement }) => measurement?.key)).toEqual(
      trials.map((trial) => measurementOf(trial, { runner: busy }).key),
    );
    const asked = leaderboard(store, { ...REQUEST, runner: runnerOf().fingerprint });
    expect(asked.entries[0]!.trials.map(({ measurement }) => measurement?.key)).toEqual([
      measurementOf(trials[0]!).key,
      undefined,
    ]);
    expect(leaderboard(store, { ...REQUEST, runner: 'unknown' }).runner).toBeNull();
  });
});
