import { expect, it } from 'vitest';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import { type TimingProcess, timeInProcesses } from '../../../harness/measure/time-in-processes.ts';
import type { TimingReport, TimingTask } from '../../../harness/measure/timing-child.ts';

const TASK = {
  dense: 'dense.onnx',
  candidate: 'candidate.onnx',
  provider: 'cpu' as const,
  contextLength: 8,
  vocabularySize: 4,
};
const SHAPE = { batch: 1, sequence: 1, threads: 1 };
const { processes: COUNT, attempts: ATTEMPTS } = PROTOCOL.latency;

function report(samplesMs: number[], denseSamplesMs = samplesMs.map(() => 2)): TimingReport {
  return { timings: [{ shape: SHAPE, samples: { samplesMs, denseSamplesMs } }], pinned: true };
}
const steady = () => report([1, 1.01, 1, 0.99]);
const noisy = () => report([1, 9, 1, 5]);

/** Times with processes that report what they are told and take a second each. @param waitMs of each wait for a quiet machine. */
function timing(reportOf: (process: number) => TimingReport, options: { lookFirst?: boolean; waitMs?: number } = {}) {
  let nowMs = 0;
  let started = 0;
  const tasks: TimingTask[] = [];
  const waits: number[] = [];
  const start = (): TimingProcess => {
    const process = started++;
    return async (task) => {
      tasks.push(task);
      nowMs += 1000;
      return reportOf(process);
    };
  };
  const done = timeInProcesses(TASK, {
    start,
    lookFirst: options.lookFirst ?? false,
    patienceSeconds: 60,
    async awaitQuiet(waitSeconds) {
      waits.push(waitSeconds);
      nowMs += options.waitMs ?? 2000;
      return true;
    },
    now: () => nowMs,
  });
  return done.then((timed) => ({ ...timed, tasks, waits }));
}

it('times in the protocol’s number of processes, and checks that the machine is quiet only on request', async () => {
  const timed = await timing(steady);
  expect(timed.tasks.map(({ process }) => process)).toEqual([0, 1, 2]);
  expect(timed.timing).toEqual({ processes: COUNT, attempts: 1, pinned: true, quiet: null, waitedSeconds: 0 });
  expect(timed.latency[0]?.speedUp.value).toBeCloseTo(2, 1);
  const looked = await timing(steady, { lookFirst: true });
  expect(looked.timing).toEqual({ processes: COUNT, attempts: 1, pinned: true, quiet: true, waitedSeconds: 2 });
});

it('repeats a noisy timing after a wait, and keeps the steady one', async () => {
  const timed = await timing((process) => (process < COUNT ? noisy() : steady()));
  expect(timed.waits).toHaveLength(1);
  expect(timed.timing).toEqual({ processes: COUNT, attempts: 2, pinned: true, quiet: true, waitedSeconds: 2 + COUNT });
  expect(timed.latency.map((latency) => latency.noisy)).toEqual([false]);
});

it('gives up after the protocol’s attempts and leaves the timing marked noisy', async () => {
  const timed = await timing(noisy);
  expect(timed.timing.attempts).toBe(ATTEMPTS);
  expect(timed.latency.map((latency) => latency.noisy)).toEqual([true]);
});

it('gives up when its patience is used up', async () => {
  const timed = await timing(noisy, { waitMs: 40_000 });
  expect(timed.timing.attempts).toBe(3);
  expect(timed.waits).toEqual([60, 60 - 40 - COUNT]);
});

it('throws the error of a failed process', async () => {
  await expect(
    timing(() => {
      throw new Error('out of memory');
    }),
  ).rejects.toThrow('out of memory');
});
