import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { isRunning, parseProcessStat, readProcessStat } from '../../../harness/process/process-stat.ts';

it('reads the documented fields, whatever the name of the command', () => {
  const after = Array.from({ length: 50 }, (_, index) => index + 4).join(' ');
  expect(parseProcessStat(`17 (a) b (c)) R ${after}`)).toEqual({
    state: 'R',
    parent: 4,
    group: 5,
    ticks: 14 + 15,
    childTicks: 16 + 17,
    start: 22,
    pages: 24,
  });
});

it.runIf(process.platform === 'linux')('reads this process, its parent, and one that has ended', async () => {
  expect(readProcessStat('self')).toMatchObject({ parent: process.ppid });
  expect(isRunning(process.pid)).toBe(true);
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  expect(isRunning(child.pid ?? 0)).toBe(false);
  expect(readProcessStat(2 ** 22 + 1)).toBeUndefined();
});
