import { expect, it } from 'vitest';
import { awaitQuietMachine } from '../../../harness/measure/quiet-machine.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const { waitSeconds } = PROTOCOL.quietMachine;

/** A clock moved by calls and by sleeping. */
function machine(callMs: (nowMs: number) => number) {
  let now = 0;
  return {
    call: async () => void (now += callMs(now)),
    now: () => now,
    sleep: async (ms: number) => void (now += ms),
    waitSeconds,
  };
}

it('continues at once where dense takes the same time throughout', async () => {
  const found = await awaitQuietMachine(machine(() => 3));
  expect(found).toMatchObject({ quiet: true, spread: 0 });
});

it('waits while windows differ by more than the protocol allows', async () => {
  const busyUntilMs = 10_000;
  const found = await awaitQuietMachine(
    machine((nowMs) => (nowMs < busyUntilMs && Math.floor(nowMs / 700) % 2 === 0 ? 4 : 3)),
  );
  expect(found.quiet).toBe(true);
  expect(found.waitedSeconds).toBeGreaterThan(busyUntilMs / 1000);
});

it('gives up after a limit and says that the machine is not quiet', async () => {
  const restless = machine((nowMs) => 3 + (Math.floor(nowMs / 500) % 2));
  const found = await awaitQuietMachine(restless);
  expect(found.quiet).toBe(false);
  expect(found.waitedSeconds).toBeGreaterThan(waitSeconds - 5);
  expect(found.waitedSeconds).toBeLessThan(waitSeconds + 3);
  const hasty = await awaitQuietMachine({ ...restless, waitSeconds: 0 });
  expect(hasty.quiet).toBe(false);
  expect(hasty.waitedSeconds).toBeLessThan(3);
});
