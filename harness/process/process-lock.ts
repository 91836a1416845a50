/** A lock that is a file with a process's name in it: one left by a dead process is taken over. */
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { readProcessStat } from './process-stat.ts';

/**
 * Takes the lock and gives null, or gives the living process that holds it. The lock appears whole or not at all, and of
 * several that find a dead one's only one takes it over.
 */
export function tryProcessLock(path: string): number | null {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, `${process.pid} ${startOf(process.pid) ?? ''}`);
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

/** The living process that holds the lock; null when there is none. */
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

/** Moves the lock aside before removing it: what was moved may be that of a run which was quicker, and goes back. */
function removeLock(path: string, content: string): void {
  const aside = `${path}.${process.pid}.left`;
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

/** A process id is used again in time: the same id with another start is another process. */
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
