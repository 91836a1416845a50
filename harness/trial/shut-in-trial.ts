/** One attempt at a trial: how its process is shut in, and what is believed of what it left behind. */
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
  /** To be told of every message of the process. */
  hear(message: unknown, spent: ChildUsage): void;
  /** @param failure what the ending stands for where the process left no word of its own. */
  settle(ending: ChildOutcome, failure: Failure): TrialEnding;
}

export interface TrialEnding {
  /** The process came to its end by itself and said how. */
  readonly reported: boolean;
  readonly account: TrialAccount;
  /** Completed: the artifact's bytes, of which nothing is known but that they are not too many. */
  readonly outcome: Outcome<Uint8Array>;
}

/** Room for files a method writes on its way: copies of the model in other forms, checkpoints. */
const SCRATCH_FILE_RATIO = 16;
const SCRATCH_BYTES = 2 ** 30;
const MOST_SCRATCH_FILES = 10_000;
/** Pools of Python start one per core. */
const MOST_PROCESSES = 128;
const MOST_OUTPUT_BYTES = 16 * 2 ** 20;

export function shutInTrial(parts: {
  readonly sandbox: SandboxSupport;
  readonly trial: PlannedTrial;
  readonly specification: TrialSpecification;
  /** What the method may write; by default enough for several models of dense's size. */
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

/** Where it was stopped, what it says of its failure is an echo of that; what it had finished before still counts. */
function overrules({ ending }: ChildOutcome, { outcome }: TrialReport): boolean {
  return (
    ending === 'over-limit' || ((ending === 'out-of-memory' || ending === 'timeout') && outcome.status !== 'completed')
  );
}

/** The peak of a method that starts processes is theirs and its own together, as far as it was sampled. */
function withPeak(report: TrialReport | undefined, { peakMemoryBytes }: ChildOutcome): TrialReport | undefined {
  if (!report || report.cost.peakMemoryBytes >= peakMemoryBytes) return report;
  return { ...report, cost: { ...report.cost, peakMemoryBytes } };
}

/** The bytes a method left as its artifact, or what is wrong with them before anybody looks inside. */
function artifactOf({ outcome }: TrialReport, { artifactPath, model }: TrialSpecification): Outcome<Uint8Array> {
  if (outcome.status !== 'completed') return outcome;
  const { fileBytes } = model.size;
  const file = readPlainFile(artifactPath, LARGEST_FILE_RATIO * fileBytes);
  switch (file.kind) {
    case 'read':
      return { status: 'completed', value: file.bytes };
    case 'missing':
      return { status: 'invalid', reason: 'its process reported an artifact and left none' };
    case 'not-plain':
      return { status: 'invalid', reason: 'what it left as its artifact is no plain file of its own folder' };
    case 'too-large':
      return {
        status: 'invalid',
        reason: `the artifact has ${file.sizeBytes} bytes, more than ${LARGEST_FILE_RATIO} times dense (${fileBytes})`,
      };
  }
}
