/**
 * How long a run waits for a quiet machine and repeats noisy timings, over all of its measurements: on a machine that is never
 * quiet a run still ends, and its timings are recorded as noisy.
 */
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { JudgedStep } from '../judge/judge-artifact.ts';
import type { Patience } from '../measure/measurement-task.ts';

export interface RunPatience {
  left(): Patience;
  /** A step has ended. */
  spend(step: JudgedStep): void;
}

export function createPatience(): RunPatience {
  const { patienceSeconds, patienceShare } = PROTOCOL.quietMachine;
  let seconds: number = patienceSeconds;
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
