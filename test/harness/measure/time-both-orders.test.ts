import { describe, expect, it } from 'vitest';
import { timeBothOrders } from '../../../harness/measure/time-both-orders.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const { leastRounds, mostRounds, roundsMs, longestRoundsMs, warmUpMs, minimumSampleMs } = PROTOCOL.latency;

/** A clock that stands still but for the calls, each taking a set time. */
function clockwork(durations: { candidate: () => number; dense: () => number }) {
  let time = 0;
  const calls: string[] = [];
  const side = (name: 'candidate' | 'dense') => async () => {
    calls.push(name);
    time += durations[name]();
  };
  const now = () => time;
  const pair = { candidate: side('candidate'), dense: side('dense') };
  const run = (denseFirst = false) => timeBothOrders(pair, { warmUpStartMs: time, denseFirst, now });
  return { calls, now, run };
}
const constant = (candidate: number, dense: number) => clockwork({ candidate: () => candidate, dense: () => dense });

describe('timeBothOrders', () => {
  it('gives the time per call of each, whatever the number of calls in a round', async () => {
    const { samplesMs, denseSamplesMs } = await constant(0.5, 2).run();
    expect(samplesMs).toEqual(Array.from({ length: mostRounds }, () => 0.5));
    expect(denseSamplesMs).toEqual(samplesMs.map(() => 2));
  });

  it('warms both up, then times both orders in each round', async () => {
    const [c, d] = ['candidate', 'dense'];
    const long = Math.max(warmUpMs, roundsMs, minimumSampleMs);
    const { calls, run } = constant(long, long);
    await run();
    const round = [c, d, d, c];
    expect(calls).toEqual([c, d, ...Array.from({ length: leastRounds }, () => round).flat()]);
    calls.length = 0;
    await run(true);
    expect(calls.slice(2, 6)).toEqual([d, c, c, d]);
  });

  it('cancels the advantage of going first within every round', async () => {
    let last = '';
    // Whoever follows the other pays 8 % more.
    const side = (name: string) => () => {
      const ms = last !== '' && last !== name ? 2.16 : 2;
      last = name;
      return ms;
    };
    const { samplesMs, denseSamplesMs } = await clockwork({ candidate: side('candidate'), dense: side('dense') }).run();
    const ratios = samplesMs.map((ms, round) => (denseSamplesMs[round] ?? 0) / ms);
    // Before the first round went the warm-up.
    for (const ratio of ratios.slice(1)) expect(ratio).toBeCloseTo(1, 12);
  });

  it('cancels a drift that falls on both', async () => {
    let slowness = 1;
    const drift = (ms: number) => () => ms * (slowness *= 1.002);
    const { samplesMs, denseSamplesMs } = await clockwork({ candidate: drift(2), dense: drift(4) }).run();
    expect(samplesMs.at(-1)).toBeGreaterThan(2.05);
    for (const [round, ms] of samplesMs.entries()) expect((denseSamplesMs[round] ?? 0) / ms).toBeCloseTo(2, 2);
  });

  it.each([100, 1000, longestRoundsMs / 5, longestRoundsMs])('takes a bounded time at %d ms a call', async (ms) => {
    const { now, run } = constant(ms, ms);
    const { samplesMs } = await run();
    expect(samplesMs.length).toBeGreaterThanOrEqual(1);
    expect(now()).toBeLessThanOrEqual(Math.max(longestRoundsMs, 2 * ms) + 2 * ms);
  });

  it('throws the errors of a call', async () => {
    const pair = { candidate: () => Promise.reject(new Error('out of device memory')), dense: async () => undefined };
    await expect(timeBothOrders(pair, { warmUpStartMs: performance.now(), denseFirst: false })).rejects.toThrow(
      'out of device memory',
    );
  });
});
