/**
 * Keys: SHA-256 over the identity of a row in canonical JSON. A key that the store holds need not be computed again. Whatever
 * can change a result is part of the identity, code by the `revision` of the method.
 */
import { digestOf } from '../../contracts/canonical-json.ts';
import type { TrialIdentity } from '../../contracts/result.ts';

export function trialKey(identity: TrialIdentity): string {
  return digestOf({ kind: 'trial', ...identity });
}

export function evaluationKey(parts: {
  readonly trial: string;
  readonly task: string;
  readonly datasetContent: string;
  readonly protocol: number;
}): string {
  return digestOf({ kind: 'evaluation', ...parts });
}

export function measurementKey(parts: {
  readonly trial: string;
  readonly runnerFingerprint: string;
  readonly protocol: number;
}): string {
  return digestOf({ kind: 'measurement', ...parts });
}
