/**
 * How long a run waits for a quiet machine and repeats noisy timings, over all of its measurements: on a machine that is never
 * quiet a run still ends, and its timings are recorded as noisy.
 */
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { JudgedStep } from '../judge/judge-artifact.ts';
import type { Patience } from '../measure/measurement-task.ts';

export interface RunPatience {
  left(): Patience;
  /** A step has ended. */
  spend(step: JudgedStep): void;
}

/** $SHRINKRANK_PATIENCE_SECONDS in place of the protocol's seconds: 0 times at once. Throws InputError for what is no number from 0. */
export function createPatience(asked = process.env['SHRINKRANK_PATIENCE_SECONDS']): RunPatience {
  const { patienceSeconds, patienceShare } = PROTOCOL.quietMachine;
  let seconds = asked === undefined || asked === '' ? patienceSeconds : Number(asked);
  if (!(seconds >= 0)) {
    throw new InputError(
      `SHRINKRANK_PATIENCE_SECONDS: expected a number of seconds from 0, got ${JSON.stringify(asked)}`,
    );
  }
  if (seconds === 0) return { left: () => ({ seconds: 0, lookFirst: false }), spend() {} };
  let lookFirst = true;
  return {
    left: () => ({ seconds: Math.max(0, seconds), lookFirst: lookFirst && seconds > 0 }),
    spend(step) {
      if (step.step !== 'measure' || step.outcome.status !== 'completed') return;
      const { waitedSeconds, quiet } = step.outcome.value.timing;
      seconds += patienceShare * (step.wallSeconds - waitedSeconds) - waitedSeconds;
      // Once it was seen quiet, the timings themselves tell when it no longer is.
      if (quiet === true) lookFirst = false;
    },
  };
}
