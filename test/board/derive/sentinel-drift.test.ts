import { describe, expect, it } from 'vitest';
import { insertResult, insertRun } from '../../../drizzle/insert.ts';
import { type Store, trialDetail } from '../../../drizzle/queries.ts';
import { sentinelFindings } from '../../../board/derive/sentinel-drift.ts';
import { artifactOf, evaluationOf, measurementOf, runOf, timeAt, trialOf } from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';

const key = trialOf().key;

/** The same trial in several runs, one after the other, with these speed-ups. */
function filled(speedUps: readonly number[], last: { artifact?: string; loss?: number } = {}): Store {
  const store = temporaryStore();
  store.database.transaction((transaction) => {
    speedUps.forEach((value, i) => {
      const newest = i === speedUps.length - 1;
      const run = `run-${i}`;
      insertRun(transaction, runOf({ id: run, startedAt: timeAt(i * 100) }));
      const artifact = artifactOf(newest && last.artifact ? last.artifact : 'same');
      const trial = trialOf({ run, startedAt: timeAt(i * 100 + 1), artifact });
      insertResult(transaction, trial);
      const evaluation = evaluationOf(trial, { startedAt: timeAt(i * 100 + 2) });
      const { outcomes } = evaluation;
      const negativeLogLikelihood = outcomes.negativeLogLikelihood.map(
        (loss) => loss + (newest ? (last.loss ?? 0) : 0),
      );
      insertResult(transaction, { ...evaluation, outcomes: { ...outcomes, negativeLogLikelihood } });
      const measurement = measurementOf(trial, { startedAt: timeAt(i * 100 + 3) });
      const latency = measurement.latency.map((shape) => ({
        ...shape,
        noisy: false,
        speedUp: { value, low: value, high: value },
      }));
      insertResult(transaction, { ...measurement, latency });
    });
  });
  return store;
}

function differencesOf(store: Store, run: string): readonly string[] {
  const [finding] = sentinelFindings(run, [trialDetail(store, key)]);
  expect(finding?.name).toBe('rounding/w4 on tiny');
  return finding?.differences ?? [];
}

describe('sentinelFindings', () => {
  it('finds nothing where nothing changed, despite noise in the speed', () => {
    expect(differencesOf(filled([1.1, 1.12, 1.09, 1.1, 1.11]), 'run-4')).toEqual([]);
  });

  it('finds another artifact, and another score of the same one', () => {
    expect(differencesOf(filled([1, 1.01], { artifact: 'other' }), 'run-1')).toEqual([
      expect.stringMatching(/^made [0-9a-f]{12}, before [0-9a-f]{12}$/),
    ]);
    expect(differencesOf(filled([1, 1.01], { loss: 1e-12 }), 'run-1')).toEqual([
      expect.stringContaining('with the same artifact'),
    ]);
  });

  it('finds a speed-up that has drifted', () => {
    const speedUps = [1.5, 1.51, 1.49, 1.5, 1.52, 1.48, 1.1, 1.11, 1.09, 1.1, 1.12, 1.08];
    expect(differencesOf(filled(speedUps), 'run-11')[0]).toMatch(
      /^speed-up 1x1 drifted from 1\.50× to 1\.10× \(q = 0\.0/,
    );
  });
});
