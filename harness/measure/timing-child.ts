/**
 * One process of a timing. It says when it is ready, waits for its task, loads artifact and dense, times every shape with one
 * thread on one core and, where there are more, with all cores, and sends the samples back.
 */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Provider } from '../../contracts/runner.ts';
import { keepsOutputs } from '../../engine/runtime/device-tensor.ts';
import { type Feeds, type Session, createSession } from '../../engine/runtime/session.ts';
import { probeTokens, tokenFeeds } from '../../engine/runtime/token-feeds.ts';
import { type Failure, failureOf } from '../process/outcome.ts';
import { fencedCall } from './fenced-call.ts';
import { allowedCores, pinProcess } from './pin-process.ts';
import type { TimedShape } from './summarize-latency.ts';
import { type PairedSamples, timeBothOrders } from './time-both-orders.ts';
import { copyingCall } from './timed-call.ts';

export interface TimingTask {
  /** Paths of ONNX files. */
  readonly dense: string;
  readonly candidate: string;
  readonly provider: Provider;
  readonly contextLength: number;
  readonly vocabularySize: number;
  /**
   * Counts up from 0; decides the core of the one-thread timings, so that processes do not all meet the same neighbour, and
   * who goes first.
   */
  readonly process: number;
}

export interface TimingReport {
  readonly timings: readonly { readonly shape: TimedShape; readonly samples: PairedSamples }[];
  /** Whether threads were bound to cores. */
  readonly pinned: boolean;
}

export type TimingMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'timed'; readonly report: TimingReport }
  | { readonly kind: 'failed'; readonly outcome: Failure };

if (import.meta.main) {
  process.once('disconnect', () => process.exit(1));
  process.once('message', (task: TimingTask) => {
    timeInThisProcess(task).then(
      (report) => tellAndExit({ kind: 'timed', report }),
      (error: unknown) => tellAndExit({ kind: 'failed', outcome: failureOf(error) }),
    );
  });
  process.send?.({ kind: 'ready' } satisfies TimingMessage);
}

function tellAndExit(message: TimingMessage): void {
  process.send?.(message, () => process.exit(0));
}

interface Setting {
  readonly threads: number;
  /** Empty where threads are not bound. */
  readonly cores: readonly number[];
}

/** Throws what loading or running throws. */
export async function timeInThisProcess(task: TimingTask): Promise<TimingReport> {
  const timings: TimingReport['timings'][number][] = [];
  let pinned = true;
  for (const { threads, cores } of settingsOf(task)) {
    // Before the sessions are made: their threads run where this process does.
    pinned = pinProcess(cores) && pinned;
    const candidate = await openSession(task.candidate, { task, threads });
    const dense = await openSession(task.dense, { task, threads });
    for (const { batch, sequence: longest } of PROTOCOL.latency.shapes) {
      const sequence = Math.min(longest, task.contextLength);
      const ids = probeTokens({ batch, sequence, vocabularySize: task.vocabularySize });
      const callOf = (session: Session) => timedCall(session, tokenFeeds(session.inputs, ids));
      const warmUpStartMs = performance.now();
      const pair = { candidate: await callOf(candidate), dense: await callOf(dense) };
      const samples = await timeBothOrders(pair, { warmUpStartMs, denseFirst: task.process % 2 === 1 });
      timings.push({ shape: { batch, sequence, threads }, samples });
    }
    await candidate.release();
    await dense.release();
  }
  return { timings, pinned };
}

function settingsOf({ provider, process }: TimingTask): Setting[] {
  const { threads } = PROTOCOL.latency;
  if (provider !== 'cpu') return [{ threads, cores: [] }];
  const cores = allowedCores();
  const core = cores[process % Math.max(1, cores.length)];
  return [
    { threads, cores: core === undefined ? [] : [core] },
    ...(cores.length > 1 ? [{ threads: cores.length, cores }] : []),
  ];
}

function openSession(
  path: string,
  { task: { provider }, threads }: { readonly task: TimingTask; readonly threads: number },
): Promise<Session> {
  const onDevice = provider !== 'cpu' && keepsOutputs(provider);
  return createSession(path, { provider, threads, ...(onDevice && { outputLocation: 'device' }) });
}

/** A call is done when the device is. */
async function timedCall(session: Session, feeds: Feeds): Promise<() => Promise<unknown>> {
  const { provider } = session;
  if (provider === 'cpu' || !keepsOutputs(provider)) return copyingCall(session, feeds);
  return (await fencedCall(session, feeds)).call;
}
