import { expect, it } from 'vitest';
import { PROTOCOL } from '../../../contracts/protocol.ts';
import type { JudgedStep } from '../../../harness/judge/judge-artifact.ts';
import { createPatience } from '../../../harness/trial/run-patience.ts';
import { measurementOf, trialOf } from '../../support/rows.ts';

const { patienceSeconds, patienceShare } = PROTOCOL.quietMachine;

function measured(wallSeconds: number, { waitedSeconds, quiet }: { waitedSeconds: number; quiet: boolean | null }) {
  const value = {
    ...measurementOf(trialOf()),
    timing: { processes: 3, attempts: 1, pinned: true, quiet, waitedSeconds },
  };
  return {
    kind: 'done',
    step: 'measure',
    key: 'key',
    wallSeconds,
    outcome: { status: 'completed', value },
  } as JudgedStep;
}

it('grows with the time spent on timings and shrinks by the time waited', () => {
  const patience = createPatience('');
  expect(patience.left()).toEqual({ seconds: patienceSeconds, lookFirst: true });
  patience.spend(measured(30, { waitedSeconds: 10, quiet: false }));
  expect(patience.left()).toEqual({ seconds: patienceSeconds + 20 * patienceShare - 10, lookFirst: true });
});

it('does not check before first timings once the machine was quiet, or when patience is used up', () => {
  const calm = createPatience('');
  calm.spend(measured(10, { waitedSeconds: 2, quiet: true }));
  expect(calm.left().lookFirst).toBe(false);
  const restless = createPatience('');
  restless.spend(measured(1000, { waitedSeconds: 999, quiet: false }));
  expect(restless.left()).toEqual({ seconds: 0, lookFirst: false });
});

it('times at once on request', () => {
  expect(createPatience('0').left()).toEqual({ seconds: 0, lookFirst: false });
  expect(() => createPatience('soon')).toThrow('SHRINKRANK_PATIENCE_SECONDS: expected a number of seconds from 0');
});
