import { describe, expect, it } from 'vitest';
import { renderFleet } from '../../../cli/render/render-fleet.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';

const runner = { ...runnerOf('cpu', readMachine()), fingerprint: 'abc' };
const since = '2026-11-25T12:00:00.000Z';

describe('renderFleet', () => {
  it('lists workers with their work and its duration, and queues with their contents', () => {
    const worker = { id: 'a', host: 'night', processId: 7, runner, since };
    const lines = renderFleet(
      {
        workers: [
          { ...worker, doing: 'time rtn/w8 on tiny' },
          { ...worker, processId: 8, doing: null },
        ],
        queues: [{ name: 'cpu-abc', coordinator: 'night:/home', waiting: 4, active: 1, done: 2, failed: 1 }],
      },
      Date.parse(since) + 30_000,
    );
    expect(lines).toEqual([
      'worker     kind of runner     for  doing',
      'night (7)  cpu abc         30.0 s  time rtn/w8 on tiny',
      'night (8)  cpu abc         30.0 s  waits for work',
      '',
      'queue    waiting  in work  to collect  given out by',
      'cpu abc        4        1           3  night:/home',
    ]);
  });

  it('says what to do where there is no worker', () => {
    expect(renderFleet({ workers: [], queues: [] }, 0)[0]).toContain('start one');
  });
});
