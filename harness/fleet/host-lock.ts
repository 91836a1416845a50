/**
 * A read-write lock among the workers of one machine: any number work side by side, or one works alone. While a worker is
 * alone or waits to be, no other starts, so latency is never measured beside other work. The lock is a folder of files
 * with process ids; files of dead processes are ignored.
 */
import { closeSync, constants, fchmodSync, fstatSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { InputError } from '../../contracts/errors.ts';
import { processHolding, releaseProcessLock, tryProcessLock } from '../process/process-lock.ts';

export type Company = 'alone' | 'side by side';

export interface HostLock {
  /** Runs the function once the lock is held this way; one at a time per process. */
  hold<T>(company: Company, work: () => Promise<T>, signal?: AbortSignal): Promise<T>;
}

const LOOK_INTERVAL_MS = 50;
const BESIDE = 'beside-';

/** @param folder the same for all workers of the machine; mount it into containers that should share it. */
export function openHostLock(folder = join(tmpdir(), 'shrinkrank-host')): HostLock {
  mkdirSync(folder, { recursive: true });
  // Writable by workers of other users, with the sticky bit as in /tmp: nobody removes another user's files.
  shareFolder(folder);
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
        // Checked again: a worker may have taken the lock before our file existed.
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

/** Makes it writable by workers of other users, with the sticky bit as in /tmp: nobody removes another user's files. */
function shareFolder(folder: string): void {
  let opened: number;
  try {
    // Changed by what was opened: in /tmp another user may put a link in its place at any moment.
    opened = openSync(folder, constants.O_RDONLY | (constants.O_DIRECTORY ?? 0) | (constants.O_NOFOLLOW ?? 0));
  } catch (cause) {
    throw new InputError(`the lock of this machine: ${folder} is a link or cannot be read; remove it, or set TMPDIR`, {
      cause,
    });
  }
  try {
    if (fstatSync(opened).uid === process.getuid?.()) fchmodSync(opened, 0o1777);
  } finally {
    closeSync(opened);
  }
}
