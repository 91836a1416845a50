/**
 * Keys say what a row is the result of: SHA-256 over its identity in canonical JSON. A key found in the store is work
 * done; when anything that can move the result changes, the key changes, and the older row is stale.
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
