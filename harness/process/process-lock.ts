/** A lock file that holds the process id and start time of its holder. The lock of a dead process is taken over. */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readProcessStat } from './process-stat.ts';

/**
 * Takes the lock and returns null, or returns the id of the living process that holds it. Creating the lock is atomic, and
 * when several processes find the lock of a dead one, exactly one takes it over.
 */
export function tryProcessLock(path: string): number | null {
  const mine = `${path}.${process.pid}.${randomUUID()}`;
  // The folder may be shared with other users: a link that one of them put there is not followed.
  writeFileSync(mine, `${process.pid} ${startOf(process.pid) ?? ''}`, { flag: 'wx' });
  try {
    while (!linked(mine, path)) {
      const found = readLock(path);
      if (found === undefined) continue; // released meanwhile
      const holder = holderOf(found);
      if (holder !== null) return holder;
      removeLock(path, found);
    }
    return null;
  } finally {
    rmSync(mine, { force: true });
  }
}

export function releaseProcessLock(path: string): void {
  rmSync(path, { force: true });
}

/** Id of the living process that holds the lock; null when there is none. */
export function processHolding(path: string): number | null {
  const found = readLock(path);
  return found === undefined ? null : holderOf(found);
}

function holderOf(content: string): number | null {
  const [pid, start] = content.split(' ');
  return Number(pid) > 0 && isAlive(Number(pid), start) ? Number(pid) : null;
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return false;
  }
}

/** Moves the lock aside before removing it. If another process has taken it meanwhile, its lock is put back. */
function removeLock(path: string, content: string): void {
  const aside = `${path}.${randomUUID()}.left`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return;
  }
  if (readLock(aside) !== content) linked(aside, path);
  rmSync(aside, { force: true });
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Process ids are reused: the same id with another start time is another process. */
function isAlive(pid: number, start: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return !start || startOf(pid) === start;
}

function startOf(pid: number): string | undefined {
  return readProcessStat(pid)?.start.toString();
}
