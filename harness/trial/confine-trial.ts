/** One attempt at compressing: how its process is sandboxed, and which of its results are trusted. */
import { LARGEST_FILE_RATIO } from '../judge/contract-check.ts';
import type { ChildOutcome, ChildUsage, Confinement } from '../process/child-process.ts';
import type { Failure, Outcome } from '../process/outcome.ts';
import { readPlainFile } from '../process/plain-file.ts';
import type { PlannedTrial } from '../plan/plan.ts';
import type { SandboxSupport } from '../sandbox/sandbox.ts';
import { sandboxRemarks } from '../sandbox/sandbox-support.ts';
import type { TrialSpecification } from './trial-child.ts';
import { trialReadable } from './trial-readable.ts';
import { type TrialAccount, type TrialReport, falseCost, readReport } from './trial-report.ts';

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
  const { method } = trial.unit;
  const denseBytes = specification.model.size.fileBytes;
  const remarks = sandboxRemarks(sandbox);
  let begun: { readonly atMs: number; readonly cpuSeconds: number } | undefined;
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
      begun ??= { atMs: Date.now(), cpuSeconds: spent.cpuSeconds ?? 0 };
    },
    settle(ending, failure) {
      const found = readReport(specification.reportPath);
      const seen = found &&
        begun && {
          wallSeconds: (found.writtenAtMs - begun.atMs) / 1000,
          cpuSeconds: (ending.cpuSeconds ?? 0) - begun.cpuSeconds,
        };
      const untrue = found && seen ? falseCost(found.report.cost, seen) : undefined;
      const report = untrue === undefined ? withPeak(found?.report, ending) : undefined;
      const account: TrialAccount = {
        notes: [...(report?.notes ?? []), ...remarks],
        simulated: report?.simulated ?? null,
        cost: report?.cost ?? null,
      };
      const outcome: Outcome<Uint8Array> =
        untrue !== undefined
          ? { status: 'failed', reason: untrue }
          : report && !overrules(ending, report)
            ? artifactOf(report, specification)
            : failure;
      return { reported: found !== undefined, account, outcome };
    },
  };
}

/** When the harness stopped the process, its own failure report only echoes that. An artifact finished before still counts. */
function overrules({ ending }: ChildOutcome, { outcome }: TrialReport): boolean {
  return (
    ending === 'over-limit' || ((ending === 'out-of-memory' || ending === 'timeout') && outcome.status !== 'completed')
  );
}

/** Peak memory of a method that starts processes includes them, as sampled from outside. */
function withPeak(report: TrialReport | undefined, { peakMemoryBytes }: ChildOutcome): TrialReport | undefined {
  if (!report || report.cost.peakMemoryBytes >= peakMemoryBytes) return report;
  return { ...report, cost: { ...report.cost, peakMemoryBytes } };
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
