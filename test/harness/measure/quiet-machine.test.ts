import { expect, it } from 'vitest';
import { awaitQuietMachine } from '../../../harness/measure/quiet-machine.ts';
import { TIMING_PASS } from '../../../harness/measure/timing-pass.ts';

/** A clock moved by calls and by sleeping. */
function machine(callMs: (nowMs: number) => number) {
  let now = 0;
  return {
    call: async () => void (now += callMs(now)),
    now: () => now,
    sleep: async (ms: number) => void (now += ms),
  };
}

it('goes on at once where dense takes the same time throughout', async () => {
  const found = await awaitQuietMachine(machine(() => 3));
  expect(found).toMatchObject({ quiet: true, spread: 0 });
});

it('waits while windows differ by more than the protocol allows, and says so', async () => {
  const spreads: number[] = [];
  const busyUntilMs = 10_000;
  const options = machine((nowMs) => (nowMs < busyUntilMs && Math.floor(nowMs / 700) % 2 === 0 ? 4 : 3));
  const found = await awaitQuietMachine({ ...options, onWait: (spread) => spreads.push(spread) });
  expect(found.quiet).toBe(true);
  expect(found.waitedSeconds).toBeGreaterThan(busyUntilMs / 1000);
  expect(spreads.length).toBeGreaterThan(0);
  expect(Math.min(...spreads)).toBeGreaterThan(TIMING_PASS.quietWithin);
});

it('gives up after a while and says that the machine is not quiet', async () => {
  const found = await awaitQuietMachine(machine((nowMs) => 3 + (Math.floor(nowMs / 500) % 2)));
  expect(found.quiet).toBe(false);
  expect(found.waitedSeconds).toBeGreaterThanOrEqual(TIMING_PASS.quietWaitSeconds);
});
