/**
 * What a trial's process says of itself. It runs a stranger's code, which may have written anything: the file is read as
 * such, and what the report says it cost is held against what was seen from outside.
 */
import * as v from 'valibot';
import { costSchema, type Cost } from '../../contracts/result.ts';
import type { Outcome } from '../process/outcome.ts';
import { readPlainFile } from '../process/plain-file.ts';

/** Remarks are published: a method that notes every step of a loop has misunderstood them. */
export const MOST_NOTES = 32;
export const LONGEST_NOTE = 1000;
/** A message with its stack; of longer ones the beginning and the end are kept. */
const LONGEST_REASON = 3500;
const LARGEST_REPORT_BYTES = 2 ** 20;

const reason = v.pipe(
  v.string(),
  v.transform((text) =>
    text.length <= LONGEST_REASON
      ? text
      : `${text.slice(0, LONGEST_REASON / 2)} […] ${text.slice(-LONGEST_REASON / 2)}`,
  ),
);
const amount = v.pipe(v.number(), v.finite(), v.minValue(0));

const reportSchema = v.strictObject({
  notes: v.pipe(v.array(v.pipe(v.string(), v.maxLength(LONGEST_NOTE))), v.maxLength(MOST_NOTES)),
  simulated: v.nullable(v.pipe(v.string(), v.maxLength(LONGEST_NOTE))),
  cost: v.strictObject({
    ...costSchema.entries,
    wallSeconds: amount,
    cpuSeconds: amount,
    deviceSeconds: v.nullable(amount),
    energyJoules: v.nullable(amount),
  }),
  /** Completed: the artifact lies at artifactPath. */
  outcome: v.variant('status', [
    v.strictObject({ status: v.literal('completed'), value: v.null() }),
    v.strictObject({ status: v.picklist(['unsupported', 'failed', 'invalid']), reason }),
  ]),
});

export interface TrialReport {
  readonly notes: readonly string[];
  readonly simulated: string | null;
  readonly cost: Cost;
  readonly outcome: Outcome<null>;
}

/** What a row tells of a trial beside its outcome. */
export interface TrialAccount {
  /** The method's, and what it was not cut off from. */
  readonly notes: readonly string[];
  readonly simulated: string | null;
  /** Null where the process ended without a report, or with a false one. */
  readonly cost: Cost | null;
}

export interface ReadReport {
  readonly report: TrialReport;
  /** When it was last written, Unix milliseconds by the kernel's clock, which nobody but the kernel can set. */
  readonly writtenAtMs: number;
}

/** Undefined where there is none, or none of this shape, as when the process died in the middle of it. */
export function readReport(path: string): ReadReport | undefined {
  const file = readPlainFile(path, LARGEST_REPORT_BYTES);
  if (file.kind !== 'read') return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), file.bytes.toString('utf8'));
  return parsed.success ? { report: parsed.output, writtenAtMs: file.stat.ctimeMs } : undefined;
}

/** Between the word that work begins and the meter's start lies the loading of the method's modules. */
const WALL_SLACK_SECONDS = 5;
const CPU_SLACK_SECONDS = 2;
const LEAST_SHARE = 0.8;

/**
 * Why the cost cannot be true; undefined where it can. `seen` is what passed, from outside, between the word that work
 * begins and the report: a method shares its process with the meter and can change the clocks there, not these.
 */
export function falseCost(
  cost: Cost,
  seen: { readonly wallSeconds: number; readonly cpuSeconds: number },
): string | undefined {
  const few = (reported: number, found: number, slack: number) => reported < LEAST_SHARE * found - slack;
  const text = (reported: number, found: number, what: string) =>
    `its report says ${reported.toFixed(1)} s of ${what} for compressing, and at least ${found.toFixed(1)} s were seen from ` +
    'outside; leave the clocks of the process alone';
  if (few(cost.cpuSeconds, seen.cpuSeconds, CPU_SLACK_SECONDS))
    return text(cost.cpuSeconds, seen.cpuSeconds, 'processor time');
  if (few(cost.wallSeconds, seen.wallSeconds, WALL_SLACK_SECONDS))
    return text(cost.wallSeconds, seen.wallSeconds, 'wall time');
  return undefined;
}
