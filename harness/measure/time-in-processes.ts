/** Times an artifact beside dense in several fresh processes, one after another, and again while the timing is noisy. */
import { fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { UnsupportedError } from '../../contracts/errors.ts';
import { present } from '../../contracts/present.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { ShapeLatency, Timing } from '../../contracts/result.ts';
import type { Failure } from '../process/outcome.ts';
import { steadier, summarizeLatency } from './summarize-latency.ts';
import type { TimingMessage, TimingReport, TimingTask } from './timing-child.ts';

/** A process that has started and waits for its task. */
export type TimingProcess = (task: TimingTask) => Promise<TimingReport>;

export interface TimingRequest {
  /** Processes that are starting already, for the first timing. */
  readonly started?: readonly TimingProcess[];
  /** Starts one process; replaced in tests. */
  readonly start?: () => TimingProcess;
  readonly onProgress?: (share: number) => void;
  /** How long waiting and repeating may take altogether. */
  readonly patienceSeconds: number;
  /** Waits until the machine is quiet, so many seconds at most; whether it is. */
  readonly awaitQuiet: (waitSeconds: number) => Promise<boolean>;
  /** Look at the machine before the first timing too, and not only before a noisy one is repeated. */
  readonly lookFirst: boolean;
  /** The clock in milliseconds; performance.now unless given. */
  readonly now?: () => number;
}

/** Throws with what a process says or prints when it ends without a report. */
export async function timeInProcesses(
  task: Omit<TimingTask, 'process'>,
  { started, start = startTimingProcess, onProgress, patienceSeconds, ...request }: TimingRequest,
): Promise<{ readonly latency: ShapeLatency[]; readonly timing: Timing }> {
  const { awaitQuiet, lookFirst, now = () => performance.now() } = request;
  const { processes: count, attempts: most } = PROTOCOL.latency;
  const startMs = now();
  let firstMs = 0;
  const waitedSeconds = () => (now() - startMs - firstMs) / 1000;
  const patienceLeft = () => Math.min(PROTOCOL.quietMachine.waitSeconds, patienceSeconds - waitedSeconds());
  let latency: ShapeLatency[] | undefined;
  let pinned = true;
  let quiet: boolean | null = null;
  let attempts = 0;
  let processes = started ?? startAll(start);
  do {
    if (lookFirst || attempts > 0) quiet = await awaitQuiet(patienceLeft());
    if (attempts > 0) processes = startAll(start);
    const beganMs = now();
    const reports: TimingReport[] = [];
    for (const [process, run] of processes.entries()) {
      reports.push(await run({ ...task, process }));
      if (attempts === 0) onProgress?.((process + 1) / count);
    }
    if (attempts === 0) firstMs = now() - beganMs;
    pinned &&= reports.every((report) => report.pinned);
    const timed = summarize(reports);
    latency = latency ? steadier(latency, timed) : timed;
    attempts++;
  } while (attempts < most && latency.some(({ noisy }) => noisy) && patienceLeft() > 0);
  return { latency, timing: { processes: count, attempts, pinned, quiet, waitedSeconds: waitedSeconds() } };
}

/** Starts the processes of one timing, which load their code side by side. */
export function startAll(start: () => TimingProcess = startTimingProcess): TimingProcess[] {
  return Array.from({ length: PROTOCOL.latency.processes }, start);
}

function summarize(reports: readonly TimingReport[]): ShapeLatency[] {
  const [first] = reports;
  return present(first, 'a timing process').timings.map(({ shape }, index) =>
    summarizeLatency(
      shape,
      reports.map(({ timings }) => present(timings[index], `the timing of shape ${index}`).samples),
    ),
  );
}

const TIMING_CHILD = join(import.meta.dirname, 'timing-child.ts');
const MOST_ERROR_OUTPUT = 4000;

function startTimingProcess(): TimingProcess {
  const child = fork(TIMING_CHILD, {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  let printed = '';
  child.stderr
    ?.setEncoding('utf8')
    .on('data', (text: string) => (printed = (printed + text).slice(-MOST_ERROR_OUTPUT)));
  // A process that waits for its turn keeps nobody alive, and ends when this process does.
  const references = [child, child.channel, child.stderr as Socket | null];
  for (const reference of references) reference?.unref();
  const ready = Promise.withResolvers<void>();
  const timed = Promise.withResolvers<TimingReport>();
  const fail = (error: Error) => {
    ready.reject(error);
    timed.reject(error);
  };
  // A process that dies before its turn is reported at its turn.
  ready.promise.catch(() => {});
  timed.promise.catch(() => {});
  child.on('message', (message: TimingMessage) => {
    if (message.kind === 'ready') ready.resolve();
    if (message.kind === 'timed') timed.resolve(message.report);
    if (message.kind === 'failed') fail(errorOf(message.outcome));
  });
  child.on('error', fail);
  child.on('close', (code, signal) => {
    if (signal !== null) fail(new TimingProcessKilled(signal));
    else fail(new Error(`a timing process ended with exit code ${code} and no report: ${printed}`));
  });
  return async (task) => {
    for (const reference of references) reference?.ref();
    await ready.promise;
    child.send(task);
    return timed.promise;
  };
}

/** A signal ended the process: from outside, or by a crash in native code. */
export class TimingProcessKilled extends Error {
  readonly signal: NodeJS.Signals;

  constructor(signal: NodeJS.Signals) {
    super(`a timing process was ended by ${signal}`);
    this.signal = signal;
  }
}

function errorOf({ status, reason }: Failure): Error {
  return status === 'unsupported' ? new UnsupportedError(reason) : new Error(reason);
}
