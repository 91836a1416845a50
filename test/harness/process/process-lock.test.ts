import { spawn } from 'node:child_process';
import { readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { STALE_MS, processHolding, releaseProcessLock, tryProcessLock } from '../../../harness/process/process-lock.ts';
import { temporaryFolder } from '../../support/store.ts';

describe('tryProcessLock', () => {
  it('is held by one process until it is released', () => {
    const folder = temporaryFolder();
    const lock = join(folder, 'lock');
    expect(processHolding(lock)).toBe(null);
    expect(tryProcessLock(lock)).toBe(null);
    const me = { processId: process.pid, elsewhere: null };
    expect(tryProcessLock(lock)).toEqual(me);
    expect(processHolding(lock)).toEqual(me);
    releaseProcessLock(lock);
    expect(readdirSync(folder)).toEqual([]);
    expect(tryProcessLock(lock)).toBe(null);
  });

  it('takes over the lock of a dead process, and of another process with the same id', async () => {
    const lock = join(temporaryFolder(), 'lock');
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => child.once('exit', resolve));
    for (const left of [`${child.pid} 1`, `${process.pid} 1`, 'nonsense']) {
      writeFileSync(lock, left);
      expect(processHolding(lock)).toBe(null);
      expect(tryProcessLock(lock)).toBe(null);
      releaseProcessLock(lock);
    }
  });

  it('leaves a lock of another container or machine alone while it is renewed', () => {
    const lock = join(temporaryFolder(), 'lock');
    const elsewhere = { processId: 1, elsewhere: 'node-7' };
    // Process 1 lives here too, and is not the one meant.
    writeFileSync(lock, '1 - another-boot/pid:[4026531836] node-7');
    expect(tryProcessLock(lock)).toEqual(elsewhere);
    const long = new Date(Date.now() - STALE_MS - 1000);
    utimesSync(lock, long, long);
    expect(tryProcessLock(lock)).toBe(null);
    expect(processHolding(lock)).toEqual({ processId: process.pid, elsewhere: null });
    releaseProcessLock(lock);
  });

  it('renews its lock', () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const lock = join(temporaryFolder(), 'lock');
    tryProcessLock(lock);
    const long = new Date(Date.now() - STALE_MS);
    utimesSync(lock, long, long);
    vi.advanceTimersByTime(60_000);
    expect(Date.now() - statSync(lock).mtimeMs).toBeLessThan(STALE_MS / 2);
    releaseProcessLock(lock);
    vi.useRealTimers();
  });
});
