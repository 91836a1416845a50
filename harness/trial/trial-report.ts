/**
 * The report of a trial's process. The process runs untrusted code that may have written anything, so the file is validated.
 */
import * as v from 'valibot';
import { costSchema, type Cost } from '../../contracts/result.ts';
import type { Outcome } from '../process/outcome.ts';
import { readPlainFile } from '../process/plain-file.ts';

/** Notes are published, so their number is limited. */
export const MOST_NOTES = 32;
export const LONGEST_NOTE = 1000;
/** Of a longer reason, the beginning and the end are kept. */
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

/** What a trial's row says besides its outcome. */
export interface TrialAccount {
  /** Notes of the method, and what the sandbox did not isolate. */
  readonly notes: readonly string[];
  readonly simulated: string | null;
  /** Null when the process left no report. */
  readonly cost: Cost | null;
}

/** Undefined when the report is missing or malformed, for instance because the process died while writing it. */
export function readReport(path: string): TrialReport | undefined {
  const file = readPlainFile(path, LARGEST_REPORT_BYTES);
  if (file.kind !== 'read') return undefined;
  const parsed = v.safeParse(v.pipe(v.string(), v.parseJson(), reportSchema), file.bytes.toString('utf8'));
  return parsed.success ? parsed.output : undefined;
}
