/**
 * One process of a timing: loads artifact and dense, times every shape with one thread on one core and, where there are
 * more, with all cores, and prints the samples as one line of JSON.
 */
import { PROTOCOL } from '../../contracts/protocol.ts';
import { createSession } from '../../engine/runtime/session.ts';
import type { PairedSamples } from './latency.ts';
import { allowedCores, pinProcess } from './pin-process.ts';
import type { TimedShape } from './summarize-latency.ts';
import { timeShapeInBothOrders } from './time-both-orders.ts';

export interface TimingTask {
  /** Paths of ONNX files. */
  readonly dense: string;
  readonly candidate: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  /** Counts up from 0; decides the core of the one-thread timings, so that processes do not all meet the same neighbour. */
  readonly process: number;
}

export interface TimingReport {
  readonly timings: readonly { readonly shape: TimedShape; readonly samples: PairedSamples }[];
  /** Whether threads were bound to cores. */
  readonly pinned: boolean;
}

if (import.meta.main) {
  const report = await timeInThisProcess(JSON.parse(process.argv[2] ?? '') as TimingTask);
  console.log(JSON.stringify(report));
  process.exit(0);
}

/** Throws what loading or running throws. */
export async function timeInThisProcess(task: TimingTask): Promise<TimingReport> {
  const cores = allowedCores();
  const core = cores[task.process % Math.max(1, cores.length)];
  const timings: TimingReport['timings'][number][] = [];
  let pinned = true;
  const settings = [
    { threads: 1, allCores: false, cores: core === undefined ? [] : [core] },
    ...(cores.length > 1 ? [{ threads: cores.length, allCores: true, cores }] : []),
  ];
  for (const { threads, allCores, cores: bound } of settings) {
    // Before the sessions are made: their threads run where this process does.
    pinned = pinProcess(bound) && pinned;
    const candidate = await createSession(task.candidate, { provider: 'cpu', threads });
    const dense = await createSession(task.dense, { provider: 'cpu', threads });
    for (const { batch, sequence: longest } of PROTOCOL.latency.shapes) {
      const sequence = Math.min(longest, task.contextLength);
      const { vocabularySize } = task;
      const samples = await timeShapeInBothOrders({ candidate, dense, batch, sequence, vocabularySize });
      timings.push({ shape: { batch, sequence, threads, allCores }, samples });
    }
    await candidate.release();
    await dense.release();
  }
  return { timings, pinned };
}
