import { beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../contracts/result.ts';
import { type Done, isDone } from '../../../harness/trial/execute.ts';
import { type PlannedTrial, planTrials } from '../../../harness/plan/plan.ts';
import { runnerOf, sha256Of } from '../../support/rows.ts';
import { methodUnit, tinyEntry } from '../../support/tiny-suite.ts';

describe('isDone', () => {
  let trial: PlannedTrial;
  beforeAll(async () => {
    const unit = await methodUnit('control/dense');
    const [planned] = planTrials([tinyEntry([{ unit, variant: 'fp32' }])], runnerOf());
    if (!planned) throw new Error('a suite of one variant has one trial');
    trial = planned;
  });

  function doneOf(status: Status | null, parts: { evaluations?: boolean; measurements?: boolean } = {}): Done {
    const artifact = status === 'completed' ? sha256Of('artifact') : null;
    return {
      trials: new Map(status === null ? [] : [[trial.key, { status, artifact }]]),
      evaluations: new Set(parts.evaluations ? trial.evaluations.map(({ key }) => key) : []),
      measurements: new Set(parts.measurements ? [trial.measurement.key] : []),
    };
  }

  it.each([
    ['nothing', null, {}, false],
    ['evaluation and measurement of a trial that is not there', null, { evaluations: true, measurements: true }, false],
    ['the trial alone', 'completed', {}, false],
    ['no evaluation', 'completed', { measurements: true }, false],
    ['no measurement', 'completed', { evaluations: true }, false],
    ['everything', 'completed', { evaluations: true, measurements: true }, true],
    ['a failure', 'failed', {}, true],
    ['a timeout', 'timeout', {}, true],
    ['an artifact that broke the contract', 'invalid', {}, true],
  ] as const)('with %s in the store', (_, status, parts, expected) => {
    expect(isDone(trial, doneOf(status, parts))).toBe(expected);
  });
});
