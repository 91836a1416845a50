/** What trials run with: a workspace, prepared inputs and the limits of child processes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Status } from '../../contracts/result.ts';
import { type ChildOutcome, type ChildUsage, type Confinement, runChild } from '../process/child-process.ts';

import type { Failure } from '../process/outcome.ts';
import type { PlannedTrial } from './plan.ts';
import { removeFolder } from '../process/plain-file.ts';
import type { Preparer } from './prepare.ts';
import type { SandboxPolicy } from '../sandbox/sandbox-support.ts';
import type { Workspace } from './workspace.ts';

/** The steps of a trial, in their order. */
export type Step = 'compress' | 'check' | 'evaluate' | 'measure';

export interface Limits {
  readonly trialTimeoutSeconds: number;
  readonly judgeTimeoutSeconds: number;
  readonly memoryBytes: number;
  /** Bytes that a method may write into its folder; by default enough for several models of the size of dense. */
  readonly scratchBytes?: number;
}

export type ProgressEvent =
  | {
      readonly kind: 'trial';
      readonly trial: PlannedTrial;
      /** Jobs of the run that are done, and all that were open at first; see jobsLeft. */
      readonly done: number;
      readonly total: number;
      readonly job: 'compress' | 'judge' | 'measure';
    }
  | { readonly kind: 'share'; readonly step: Step; readonly share: number }
  | { readonly kind: 'finished'; readonly trial: PlannedTrial; readonly status: Status; readonly reason?: string }
  | { readonly kind: 'again'; readonly trial: PlannedTrial; readonly reason: string };

export interface Bench {
  readonly workspace: Workspace;
  readonly preparer: Preparer;
  readonly limits: Limits;
  /** How methods are sandboxed; default `auto`. */
  readonly sandbox?: SandboxPolicy;
  /** Environment variables that make the runner's device available; none on the CPU. */
  readonly deviceEnvironment?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (event: ProgressEvent) => void;
}

/** A process that was killed from outside says nothing about the method, so it is started again up to this often. */
export const MOST_ATTEMPTS = 3;

/** A child process to run in a scratch folder, and a function that reads its result before the folder is removed. */
export interface ScratchWork<T> {
  readonly specification: object;
  /** For a process that runs code of a method. */
  readonly confinement?: Confinement;
  readonly onMessage: (message: unknown, spent: ChildUsage) => void;
  readonly settle: (ending: ChildOutcome) => T;
}

/** Runs a child process in a scratch folder, which is removed before this returns. */
export async function runInScratch<T>(
  { workspace, limits, signal }: Bench,
  child: { readonly label: string; readonly entry: string; readonly timeoutSeconds: number },
  prepare: (scratch: string) => ScratchWork<T>,
): Promise<T> {
  const scratch = workspace.scratch(child.label);
  try {
    const { specification, confinement, onMessage, settle } = prepare(scratch);
    const path = join(scratch, 'specification.json');
    writeFileSync(path, JSON.stringify(specification));
    const ending = await runChild({
      entry: child.entry,
      args: [path],
      cwd: scratch,
      compileCache: confinement ? workspace.trialCache : workspace.compileCache,
      timeoutSeconds: child.timeoutSeconds,
      memoryBytes: limits.memoryBytes,
      onMessage,
      ...(confinement && { confinement }),
      ...(signal && { signal }),
    });
    signal?.throwIfAborted();
    return settle(ending);
  } finally {
    removeFolder(scratch);
  }
}

/** The failure to record for a process that ended without a report. */
export function describeEnding(outcome: ChildOutcome, limits: Limits, timeoutSeconds: number): Failure {
  const megabytes = Math.round(outcome.peakMemoryBytes / 2 ** 20);
  switch (outcome.ending) {
    case 'timeout':
      return { status: 'timeout', reason: `not finished after ${timeoutSeconds} s; stopped` };
    case 'out-of-memory':
      return {
        status: 'out-of-memory',
        reason: `needed more than the limit of ${Math.round(limits.memoryBytes / 2 ** 20)} MiB (${megabytes} MiB seen); stopped`,
      };
    case 'killed':
      return {
        status: 'failed',
        reason: `killed by ${outcome.signalName} ${MOST_ATTEMPTS} times${lastWords(outcome.errorOutput)}`,
      };
    case 'crashed':
      return { status: 'failed', reason: `crashed with ${outcome.signalName}${lastWords(outcome.errorOutput)}` };
    case 'exited':
      return {
        status: 'failed',
        reason: `its process ended with exit code ${outcome.exitCode} and no report that can be read${lastWords(outcome.errorOutput)}`,
      };
    case 'over-limit':
      return { status: 'failed', reason: `${outcome.excess}; stopped` };
    case 'not-started':
      return { status: 'failed', reason: `its sandbox could not be set up${lastWords(outcome.errorOutput)}` };
    case 'aborted':
      return { status: 'failed', reason: 'aborted' };
  }
}

export function lastWords(errorOutput: string): string {
  return errorOutput === ''
    ? '; it printed nothing on standard error'
    : `; last on standard error: ${errorOutput.slice(-2000)}`;
}
