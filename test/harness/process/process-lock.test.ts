import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { processHolding, releaseProcessLock, tryProcessLock } from '../../../harness/process/process-lock.ts';
import { temporaryFolder } from '../../support/store.ts';

describe('tryProcessLock', () => {
  it('is held by one process until it is released', () => {
    const folder = temporaryFolder();
    const lock = join(folder, 'lock');
    expect(processHolding(lock)).toBe(null);
    expect(tryProcessLock(lock)).toBe(null);
    expect(tryProcessLock(lock)).toBe(process.pid);
    expect(processHolding(lock)).toBe(process.pid);
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
});
