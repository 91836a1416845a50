/** Times an artifact beside dense in several fresh processes, one after another, and again while the timing is noisy. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { present } from '../../contracts/present.ts';
import { type TimedLatency, steadier, summarizeLatency } from './summarize-latency.ts';
import type { TimingReport, TimingTask } from './timing-child.ts';
import { TIMING_PASS } from './timing-pass.ts';

export interface Timing {
  readonly latency: TimedLatency[];
  /** Whether threads were bound to cores. */
  readonly pinned: boolean;
  readonly attempts: number;
}

export interface TimingRequest {
  /** Runs one process; replaced in tests. */
  readonly runProcess?: (task: TimingTask) => Promise<TimingReport>;
  readonly onProgress?: (share: number) => void;
  /** Called before a noisy timing is repeated. */
  readonly beforeRepeat?: () => Promise<void>;
}

/** Throws what a process printed on standard error when it died. */
export async function timeInProcesses(
  task: Omit<TimingTask, 'process'>,
  { runProcess = runTimingChild, onProgress, beforeRepeat }: TimingRequest = {},
): Promise<Timing> {
  const { processes, attempts: most } = TIMING_PASS;
  let latency: TimedLatency[] | undefined;
  let pinned = true;
  let attempts = 0;
  do {
    if (attempts > 0) await beforeRepeat?.();
    const reports: TimingReport[] = [];
    for (let process = 0; process < processes; process++) {
      reports.push(await runProcess({ ...task, process }));
      if (attempts === 0) onProgress?.((process + 1) / processes);
    }
    pinned &&= reports.every((report) => report.pinned);
    const timed = summarize(reports);
    latency = latency ? steadier(latency, timed) : timed;
    attempts++;
  } while (attempts < most && latency.some(({ noisy }) => noisy));
  return { latency, pinned, attempts };
}

function summarize(reports: readonly TimingReport[]): TimedLatency[] {
  const [first] = reports;
  return present(first, 'a timing process').timings.map(({ shape }, index) =>
    summarizeLatency(
      shape,
      reports.map(({ timings }) => present(timings[index], `the timing of shape ${index}`).samples),
    ),
  );
}

const TIMING_CHILD = join(import.meta.dirname, 'timing-child.ts');
const run = promisify(execFile);
const LARGEST_REPORT_BYTES = 2 ** 24;

async function runTimingChild(task: TimingTask): Promise<TimingReport> {
  const { stdout } = await run(process.execPath, [TIMING_CHILD, JSON.stringify(task)], {
    maxBuffer: LARGEST_REPORT_BYTES,
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as TimingReport;
}
