/** Comparing what a row says with what it leads to. */
import type { Estimate } from '../../contracts/result.ts';

/** Reports a field that is not as expected; does not return. */
export type CheckField = (field: string, expected: string, got: string | number) => never;

/** Relative difference that the order of a sum may make. */
const TOLERANCE = 1e-9;

export function requireEqual(refuse: CheckField, field: string, expected: string | number, got: string | number): void {
  if (expected !== got) refuse(field, String(expected), got);
}

export function requireNear(refuse: CheckField, field: string, expected: number, got: number): void {
  const scale = Math.max(Math.abs(expected), Math.abs(got));
  if (!(Math.abs(expected - got) <= TOLERANCE * scale + Number.MIN_VALUE)) refuse(field, String(expected), got);
}

/** The value as computed, and an interval that contains it. */
export function requireEstimate(refuse: CheckField, field: string, expected: number, got: Estimate): void {
  requireNear(refuse, `${field}.value`, expected, got.value);
  const slack = TOLERANCE * Math.abs(got.value);
  if (!(got.low <= got.value + slack && got.value <= got.high + slack)) {
    refuse(field, `an interval that contains ${got.value}`, `${got.low} to ${got.high}`);
  }
}
