import { expect, it } from 'vitest';
import { timeInProcesses } from '../../../harness/measure/time-in-processes.ts';
import { TIMING_PASS } from '../../../harness/measure/timing-pass.ts';
import type { TimingReport, TimingTask } from '../../../harness/measure/timing-child.ts';

const TASK = { dense: 'dense.onnx', candidate: 'candidate.onnx', contextLength: 8, vocabularySize: 4 };
const SHAPE = { batch: 1, sequence: 1, threads: 1, allCores: false };

function report(samplesMs: number[], denseSamplesMs = samplesMs.map(() => 2)): TimingReport {
  return { timings: [{ shape: SHAPE, samples: { samplesMs, denseSamplesMs } }], pinned: true };
}
const steady = () => report([1, 1.01, 1, 0.99]);
const noisy = () => report([1, 9, 1, 5]);

it('times in as many processes as the protocol asks for', async () => {
  const tasks: TimingTask[] = [];
  const timing = await timeInProcesses(TASK, {
    runProcess: async (task) => {
      tasks.push(task);
      return steady();
    },
  });
  expect(tasks.map(({ process }) => process)).toEqual([0, 1, 2]);
  expect(timing).toMatchObject({ pinned: true, attempts: 1 });
  expect(timing.latency[0]?.speedUp.value).toBeCloseTo(2, 1);
});

it('repeats a noisy timing, waits before it, and keeps the steady one', async () => {
  let processes = 0;
  let waits = 0;
  const timing = await timeInProcesses(TASK, {
    runProcess: async () => (processes++ < TIMING_PASS.processes ? noisy() : steady()),
    beforeRepeat: async () => void waits++,
  });
  expect(waits).toBe(1);
  expect(timing.attempts).toBe(2);
  expect(timing.latency.map((latency) => latency.noisy)).toEqual([false]);
});

it('gives up after the protocol’s attempts and leaves the timing marked noisy', async () => {
  const timing = await timeInProcesses(TASK, { runProcess: async () => noisy() });
  expect(timing.attempts).toBe(TIMING_PASS.attempts);
  expect(timing.latency.map((latency) => latency.noisy)).toEqual([true]);
});

it('passes on what a process dies of', async () => {
  await expect(timeInProcesses(TASK, { runProcess: () => Promise.reject(new Error('out of memory')) })).rejects.toThrow(
    'out of memory',
  );
});
