import { beforeAll, describe, expect, it } from 'vitest';
import type { Status } from '../../../contracts/result.ts';
import type { JudgedStep } from '../../../harness/judge/judge-artifact.ts';
import { MOST_ATTEMPTS } from '../../../harness/plan/bench.ts';
import { type PlannedTrial, planTrials } from '../../../harness/plan/plan.ts';
import type { Compressed } from '../../../harness/trial/compress-trial.ts';
import {
  type Done,
  type Transition,
  type TrialState,
  afterCompress,
  afterJudging,
  afterLostJob,
  afterStep,
  isDone,
  jobsLeft,
  nextJob,
  trialState,
} from '../../../harness/trial/trial-progress.ts';
import { runnerOf, sha256Of } from '../../support/rows.ts';
import { methodRegistration, tinyEntry } from '../../support/tiny-suite.ts';

const SHA256 = sha256Of('artifact');
const OTHER = sha256Of('another artifact');
const NOTHING: Done = { trials: new Map(), evaluations: new Set(), measurements: new Set() };
const ACCOUNT = { notes: [], simulated: null, cost: null };
const anyArtifact = () => true;
const noArtifact = () => false;

let trial: PlannedTrial;
let evaluation = '';
beforeAll(async () => {
  const registration = await methodRegistration('control/dense');
  const [planned] = planTrials([tinyEntry([{ registration, variant: 'fp32' }])], runnerOf());
  if (!planned?.evaluations[0]) throw new Error('a suite of one variant has one trial with one evaluation');
  trial = planned;
  evaluation = planned.evaluations[0].key;
});

function doneOf(status: Status | null, parts: { evaluations?: boolean; measurements?: boolean } = {}): Done {
  const artifact = status === 'completed' ? SHA256 : null;
  return {
    trials: new Map(status === null ? [] : [[trial.key, { status, artifact }]]),
    evaluations: new Set(parts.evaluations ? trial.evaluations.map(({ key }) => key) : []),
    measurements: new Set(parts.measurements ? [trial.measurement.key] : []),
  };
}

function compressed(outcome: Compressed['outcome']): Compressed {
  return { startedAt: '2026-01-01T00:00:00.000Z', account: ACCOUNT, wallSeconds: 1, outcome };
}
const made = (sha256 = SHA256) => compressed({ status: 'completed', value: sha256 });
const failed = compressed({ status: 'failed', reason: 'threw' });

function stepOf(step: 'check' | 'evaluate' | 'measure', status: 'completed' | 'failed' = 'completed'): JudgedStep {
  const key = { check: trial.key, evaluate: evaluation, measure: trial.measurement.key }[step];
  const outcome = status === 'completed' ? { status, value: {} } : { status, reason: 'so' };
  return { kind: 'done', step, key, wallSeconds: 1, outcome } as unknown as JudgedStep;
}
const after = (state: TrialState, step: JudgedStep) => afterStep(state, { sha256: SHA256, made: null, step });
const kinds = ({ effects }: Transition) => effects.map(({ kind }) => kind);

describe('isDone', () => {
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

describe('a new trial', () => {
  it('is compressed, checked and evaluated in one job, then measured in another', () => {
    let state = trialState(trial, NOTHING);
    expect(nextJob(trial, state, anyArtifact)).toEqual({ kind: 'compress', artifact: null });
    expect(jobsLeft(state)).toBe(2);

    const first = afterCompress(trial, state, made());
    expect(first.effects).toEqual([]);
    state = first.state;
    const judge = nextJob(trial, state, anyArtifact);
    expect(judge).toEqual({
      kind: 'judge',
      artifact: {
        sha256: SHA256,
        keys: [trial.key, evaluation],
        made: { startedAt: '2026-01-01T00:00:00.000Z', account: ACCOUNT },
      },
    });

    const checked = after(state, stepOf('check'));
    expect(kinds(checked)).toEqual(['record-step']);
    expect(jobsLeft(checked.state)).toBe(2);
    expect(nextJob(trial, checked.state, anyArtifact)).toMatchObject({
      kind: 'judge',
      artifact: { keys: [evaluation], made: null },
    });

    const evaluated = after(checked.state, stepOf('evaluate'));
    expect(kinds(evaluated)).toEqual(['record-step']);
    expect(jobsLeft(evaluated.state)).toBe(1);
    expect(nextJob(trial, evaluated.state, anyArtifact)).toMatchObject({
      kind: 'measure',
      artifact: { keys: [trial.measurement.key] },
    });

    const measured = after(evaluated.state, stepOf('measure'));
    expect(measured.effects).toMatchObject([{ kind: 'record-step' }, { kind: 'finished', status: 'completed' }]);
    expect(measured.state.ended).toBe(true);
    expect(jobsLeft(measured.state)).toBe(0);
    expect(nextJob(trial, measured.state, anyArtifact)).toBeNull();
  });

  it('records nothing of a process that ended before the method was loaded', () => {
    const { state, effects } = afterCompress(trial, trialState(trial, NOTHING), { ...failed, beforeMethod: true });
    expect(state).toMatchObject({ stored: null, ended: true });
    expect(effects).toEqual([
      {
        kind: 'undone',
        keys: [trial.key, evaluation, trial.measurement.key],
        reason: 'before the method was loaded: failed: threw',
      },
    ]);
  });

  it('ends with a row when the method failed', () => {
    const { state, effects } = afterCompress(trial, trialState(trial, NOTHING), failed);
    expect(effects).toMatchObject([
      { kind: 'record-failure', compressed: { outcome: { status: 'failed', reason: 'threw' } } },
      { kind: 'finished', status: 'failed', reason: 'threw' },
    ]);
    expect(state.ended).toBe(true);
  });

  it('ends when the artifact breaks the contract', () => {
    const { state } = afterCompress(trial, trialState(trial, NOTHING), made());
    const checked = after(state, stepOf('check', 'failed'));
    expect(kinds(checked)).toEqual(['record-step', 'finished']);
    expect(nextJob(trial, checked.state, anyArtifact)).toBeNull();
  });

  it('continues after a failed evaluation: a failure is a row', () => {
    const state = trialState(trial, doneOf('completed'));
    const evaluated = after(state, stepOf('evaluate', 'failed'));
    expect(kinds(evaluated)).toEqual(['record-step']);
    expect(nextJob(trial, evaluated.state, anyArtifact)?.kind).toBe('measure');
  });
});

describe('a trial in the store', () => {
  it('continues where it stopped', () => {
    const jobOf = (done: Done) => nextJob(trial, trialState(trial, done), anyArtifact);
    expect(jobOf(doneOf('completed'))).toMatchObject({ kind: 'judge', artifact: { keys: [evaluation], made: null } });
    expect(jobOf(doneOf('completed', { evaluations: true }))?.kind).toBe('measure');
    expect(jobOf(doneOf('completed', { measurements: true }))?.kind).toBe('judge');
  });

  it('is compressed again when its artifact is missing, and its row is not written twice', () => {
    const state = trialState(trial, doneOf('completed'));
    expect(nextJob(trial, state, noArtifact)?.kind).toBe('compress');
    const again = afterCompress(trial, state, made());
    expect(again.effects).toEqual([]);
    expect(nextJob(trial, again.state, anyArtifact)).toMatchObject({ kind: 'judge', artifact: { made: null } });
  });

  it('is not continued, with the reason, when the new artifact differs or the method fails now', () => {
    const state = trialState(trial, doneOf('completed'));
    const keys = [evaluation, trial.measurement.key];
    const other = afterCompress(trial, state, made(OTHER));
    expect(other.effects).toMatchObject([{ kind: 'undone', keys, reason: expect.stringContaining(OTHER) }]);
    const failing = afterCompress(trial, state, failed);
    expect(failing.effects).toMatchObject([
      { kind: 'undone', keys, reason: expect.stringContaining('making it again failed: failed: threw') },
      { kind: 'finished', status: 'failed' },
    ]);
  });
});

describe('results that arrive twice or not at all', () => {
  it('records a step once: the first result counts', () => {
    const state = trialState(trial, doneOf('completed'));
    const once = after(state, stepOf('evaluate'));
    expect(after(once.state, stepOf('evaluate')).effects).toEqual([]);
    expect(after(once.state, stepOf('check')).effects).toEqual([]);
  });

  it('repeats a lost job, and leaves its keys undone after the last attempt', () => {
    let state = trialState(trial, NOTHING);
    const reasons: string[][] = [];
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const lost = afterLostJob(trial, state, { kind: 'compress', reason: 'worker died' });
      reasons.push(kinds(lost));
      state = lost.state;
    }
    expect(reasons).toEqual([...Array.from({ length: MOST_ATTEMPTS - 1 }, () => ['again']), ['undone']]);
    expect(state.ended).toBe(true);
  });

  it('counts lost jobs of each kind separately', () => {
    let state = trialState(trial, NOTHING);
    for (const kind of ['compress', 'judge', 'compress', 'judge'] as const) {
      ({ state } = afterLostJob(trial, state, { kind, reason: 'worker died' }));
    }
    expect(state.ended).toBe(false);
  });

  it('leaves the remaining keys undone when the judge died between steps', () => {
    const state = trialState(trial, doneOf('completed'));
    const { effects } = afterJudging(trial, state, { status: 'undone', keys: [evaluation], reason: 'died' });
    expect(effects).toEqual([{ kind: 'undone', keys: [evaluation, trial.measurement.key], reason: 'died' }]);
    expect(afterJudging(trial, state, { status: 'judged' }).effects).toEqual([]);
  });
});
