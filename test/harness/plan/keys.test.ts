import { PROTOCOL } from '../../../contracts/protocol.ts';
import { describe, expect, it } from 'vitest';
import type { TrialIdentity } from '../../../contracts/result.ts';
import { evaluationKey, measurementKey, trialKey } from '../../../harness/plan/keys.ts';
import { identityOf, sha256Of } from '../../support/rows.ts';

/** The same value with the fields of every object the other way round. */
function reversed<T>(value: T): T {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, reversed(field)]),
  ) as T;
}

const other: { readonly [F in keyof TrialIdentity]: TrialIdentity[F] } = {
  method: 'other',
  revision: 3,
  variant: 'other',
  params: { bits: 4, nested: { symmetric: false }, list: [1, 2] },
  model: 'other',
  modelRevision: sha256Of('other'),
  data: { dataset: 'stories', contentHash: sha256Of('other') },
  seed: 1,
  protocol: PROTOCOL.version + 1,
};

describe('trialKey', () => {
  const identity = identityOf();

  it('is the same whatever the order of fields', () => {
    expect(Object.keys(reversed(identity))).not.toEqual(Object.keys(identity));
    expect(trialKey(reversed(identity))).toBe(trialKey(identity));
    expect(trialKey(identity)).toMatch(/^[0-9a-f]{64}$/);
  });

  it('covers every part of the identity', () => {
    expect(Object.keys(other).sort()).toEqual(Object.keys(identity).sort());
    const keys = Object.entries(other).map(([field, value]) => trialKey({ ...identity, [field]: value }));
    expect(new Set([trialKey(identity), ...keys]).size).toBe(1 + keys.length);
  });

  it.each([
    ['no data', { data: null }],
    ['another dataset of the same content', { data: { dataset: 'other', contentHash: sha256Of('stories') } }],
    ['another order of a list', { params: { bits: 4, nested: { symmetric: true }, list: [2, 1] } }],
    ['a number as text', { params: { bits: '4', nested: { symmetric: true }, list: [1, 2] } }],
    ['one parameter more', { params: { bits: 4, nested: { symmetric: true }, list: [1, 2], more: null } }],
  ])('changes with %s', (_, change) => {
    expect(trialKey({ ...identity, ...change })).not.toBe(trialKey(identity));
  });

  it('refuses parameters that JSON cannot represent, and names them', () => {
    expect(() => trialKey(identityOf({ params: { ratio: Number.NaN } }))).toThrow(/params\.ratio.*NaN/);
  });
});

describe('evaluationKey and measurementKey', () => {
  const evaluation = { trial: 'a', task: 'b', datasetContent: 'c', protocol: 1 };
  const measurement = { trial: 'a', runnerFingerprint: 'b', protocol: 1 };

  it('cover every part', () => {
    const keys = [
      evaluationKey(evaluation),
      evaluationKey({ ...evaluation, trial: 'x' }),
      evaluationKey({ ...evaluation, task: 'x' }),
      evaluationKey({ ...evaluation, datasetContent: 'x' }),
      evaluationKey({ ...evaluation, protocol: 2 }),
      measurementKey(measurement),
      measurementKey({ ...measurement, trial: 'x' }),
      measurementKey({ ...measurement, runnerFingerprint: 'x' }),
      measurementKey({ ...measurement, protocol: 2 }),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });
});
