/**
 * Who works on this machine at a moment, of all the workers on it: any number side by side, or one alone. Nobody begins
 * while one is alone or waits to be, so that a latency is never taken beside other work. Files with process ids in a
 * folder all workers of the machine know; what a dead one left counts for nothing.
 */
import { chmodSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { processHolding, releaseProcessLock, tryProcessLock } from '../process/process-lock.ts';

export type Company = 'alone' | 'side by side';

export interface HostLock {
  /** Does the work once this company is to be had; one work of a process at a time. */
  hold<T>(company: Company, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const LOOK_INTERVAL_MS = 50;
const BESIDE = 'beside-';

/** @param folder known to all workers of the machine; containers share it only where it is mounted into them. */
export function openHostLock(folder = join(tmpdir(), 'shrinkrank-host')): HostLock {
  mkdirSync(folder, { recursive: true });
  // Workers of other users take part: as in the folder of temporary files itself, nobody removes another's.
  if (statSync(folder).uid === process.getuid?.()) chmodSync(folder, 0o1777);
  const alone = join(folder, 'alone');
  const beside = join(folder, `${BESIDE}${process.pid}`);

  const look = (signal?: AbortSignal) => after(LOOK_INTERVAL_MS, undefined, signal ? { signal } : {});

  async function holdAlone<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    while (tryProcessLock(alone) !== null) await look(signal);
    try {
      while (readdirSync(folder).some((name) => name.startsWith(BESIDE) && processHolding(join(folder, name)) !== null))
        await look(signal);
      return await work();
    } finally {
      releaseProcessLock(alone);
    }
  }

  async function holdBeside<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      while (processHolding(alone) !== null) await look(signal);
      tryProcessLock(beside);
      try {
        // One that took the lock since has not seen this file, or waits for it to go.
        if (processHolding(alone) === null) return await work();
      } finally {
        rmSync(beside, { force: true });
      }
    }
  }

  return {
    hold: (company, work, signal) => (company === 'alone' ? holdAlone(work, signal) : holdBeside(work, signal)),
  };
}
