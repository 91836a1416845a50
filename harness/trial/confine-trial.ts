/** One attempt at compressing: how its process is sandboxed, and which of its results are trusted. */
import type { Cost } from '../../contracts/result.ts';
import { LARGEST_FILE_RATIO } from '../judge/contract-check.ts';
import type { ChildOutcome, ChildUsage, Confinement } from '../process/child-process.ts';
import type { Failure, Outcome } from '../process/outcome.ts';
import { readPlainFile } from '../process/plain-file.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { SandboxSupport } from '../sandbox/sandbox.ts';
import { sandboxRemarks } from '../sandbox/sandbox-support.ts';
import type { TrialSpecification } from './trial-child.ts';
import { trialReadable } from './trial-readable.ts';
import { type TrialAccount, type TrialReport, readReport } from './trial-report.ts';

export interface TrialAttempt {
  readonly confinement: Confinement;
  /** Call it with every message of the process. */
  hear(message: unknown, spent: ChildUsage): void;
  /** @param failure recorded when the process left no report. */
  settle(ending: ChildOutcome, failure: Failure): TrialEnding;
}

export interface TrialEnding {
  /** The process left a report. */
  readonly reported: boolean;
  /** The process came to load the method. */
  readonly begun: boolean;
  readonly account: TrialAccount;
  /** Completed: the artifact's bytes, checked for their number only. */
  readonly outcome: Outcome<Uint8Array>;
}

/** Disk space for temporary files of a method, as a multiple of the dense file: converted models, checkpoints. */
const SCRATCH_FILE_RATIO = 16;
const SCRATCH_BYTES = 2 ** 30;
const MOST_SCRATCH_FILES = 10_000;
/** Python process pools start one process per core. */
const MOST_PROCESSES = 128;
const MOST_OUTPUT_BYTES = 16 * 2 ** 20;

export function confineTrial(parts: {
  readonly sandbox: SandboxSupport;
  readonly trial: PlannedTrial;
  readonly specification: TrialSpecification;
  /** Bytes the method may write; the default is enough for several models of the dense model's size. */
  readonly scratchBytes?: number | undefined;
}): TrialAttempt {
  const { sandbox, trial, specification } = parts;
  const { method } = trial.registration;
  const denseBytes = specification.model.size.fileBytes;
  const remarks = sandboxRemarks(sandbox);
  let begun: Begun | undefined;
  return {
    confinement: {
      support: sandbox,
      readable: trialReadable(specification, method),
      startsProcesses: method.command !== undefined,
      most: {
        scratchBytes: parts.scratchBytes ?? SCRATCH_BYTES + SCRATCH_FILE_RATIO * denseBytes,
        files: MOST_SCRATCH_FILES,
        processes: MOST_PROCESSES,
        outputBytes: MOST_OUTPUT_BYTES,
      },
    },
    hear(message, spent) {
      if ((message as { readonly kind?: unknown }).kind !== 'begun') return;
      begun ??= { wallSeconds: spent.wallSeconds, cpuSeconds: spent.cpuSeconds ?? 0 };
    },
    settle(ending, failure) {
      const report = readReport(specification.reportPath);
      const cost = report && seenFromOutside(report.cost, { ending, begun, training: specification.training });
      const account: TrialAccount = {
        notes: [...(report?.notes ?? []), ...remarks],
        simulated: report?.simulated ?? null,
        cost: cost ?? null,
      };
      const outcome = report && !overrules(ending, report) ? artifactOf(report, specification) : failure;
      return { reported: report !== undefined, begun: begun !== undefined, account, outcome };
    },
  };
}

/** When the harness stopped the process, its own failure report only echoes that. An artifact finished before still counts. */
function overrules({ ending }: ChildOutcome, { outcome }: TrialReport): boolean {
  return (
    ending === 'over-limit' || ((ending === 'out-of-memory' || ending === 'timeout') && outcome.status !== 'completed')
  );
}

interface Begun {
  /** Wall seconds since the process was started. */
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
}

/**
 * The reported cost with what was measured from outside, from before any code of the method was loaded until its process
 * ended: a method shares its process with the cost meter, could change its clocks, write the report early, or leave the work to
 * processes that nobody waits for. Outside Linux processor time is only known from inside.
 */
function seenFromOutside(
  cost: Cost,
  parts: {
    readonly ending: ChildOutcome;
    readonly begun: Begun | undefined;
    readonly training: TrialSpecification['training'];
  },
): Cost {
  const { ending, begun, training } = parts;
  return {
    ...cost,
    wallSeconds: Math.max(cost.wallSeconds, ending.wallSeconds - (begun?.wallSeconds ?? 0)),
    cpuSeconds: Math.max(cost.cpuSeconds, (ending.cpuSeconds ?? 0) - (begun?.cpuSeconds ?? 0)),
    deviceSeconds: training.provider === 'cpu' ? null : cost.deviceSeconds,
    peakMemoryBytes: Math.max(cost.peakMemoryBytes, ending.peakMemoryBytes),
  };
}

/** The bytes of the artifact, or why the file cannot be one. Does not parse them. */
function artifactOf({ outcome }: TrialReport, { artifactPath, model }: TrialSpecification): Outcome<Uint8Array> {
  if (outcome.status !== 'completed') return outcome;
  const { fileBytes } = model.size;
  const file = readPlainFile(artifactPath, LARGEST_FILE_RATIO * fileBytes);
  switch (file.kind) {
    case 'read':
      return { status: 'completed', value: file.bytes };
    case 'missing':
      return { status: 'invalid', reason: 'its process reported an artifact, but the artifact file is missing' };
    case 'not-plain':
      return { status: 'invalid', reason: 'its artifact is not a regular file in its own folder' };
    case 'too-large':
      return {
        status: 'invalid',
        reason: `the artifact has ${file.sizeBytes} bytes, more than ${LARGEST_FILE_RATIO} times dense (${fileBytes})`,
      };
  }
}
