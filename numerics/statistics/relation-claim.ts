/**
 * A claim about the difference between two entries, as a range of how much worse the first is:
 *
 * | expected   | how much worse the first is   |
 * | ---------- | ----------------------------- |
 * | better     | below 0                       |
 * | not worse  | below the margin              |
 * | not better | above minus the margin        |
 * | equal      | between minus and plus margin |
 *
 * A claim is shown where the interval lies within the range and refuted where it lies outside; so `equal` is two
 * one-sided tests (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15, 657-680).
 */
import { type UncertainFigure, abovePValue, belowPValue } from './variance-components.ts';

/** Of the first entry, against the second. */
export type Expectation = 'better' | 'not worse' | 'not better' | 'equal';

export interface Claim {
  readonly expected: Expectation;
  /** On the scale of the difference, from 0 up. */
  readonly margin: number;
}

/** One-sided p-values: small where the figure is significantly inside the claim's range, or significantly outside. */
export function claimPValues(
  worse: UncertainFigure,
  claim: Claim,
): { readonly shown: number; readonly refuted: number } {
  const { expected, margin } = claim;
  if (worse.components.every(({ variance }) => variance === 0)) {
    return holdsAt(worse.value, claim) ? { shown: 0, refuted: 1 } : { shown: 1, refuted: 0 };
  }
  const below = (bound: number) => belowPValue(worse, bound);
  const above = (bound: number) => abovePValue(worse, bound);
  switch (expected) {
    case 'better':
      return { shown: below(0), refuted: above(0) };
    case 'not worse':
      return { shown: below(margin), refuted: above(margin) };
    case 'not better':
      return { shown: above(-margin), refuted: below(-margin) };
    case 'equal':
      return {
        shown: Math.max(below(margin), above(-margin)),
        refuted: Math.min(above(margin), below(-margin)),
      };
  }
}

/** Whether an exact difference is within the range, which includes both margins. */
export function holdsAt(worse: number, { expected, margin }: Claim): boolean {
  switch (expected) {
    case 'better':
      return worse < 0;
    case 'not worse':
      return worse <= margin;
    case 'not better':
      return worse >= -margin;
    case 'equal':
      return Math.abs(worse) <= margin;
  }
}
