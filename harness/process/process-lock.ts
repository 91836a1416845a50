/**
 * A lock file that names its holder: process id, start time, and the boot and process namespace in which the id means anything.
 * The lock of a dead process is taken over. A process of another container or machine cannot be looked up, so a holder renews
 * its lock, and one that was not renewed for STALE_MS is of a dead process.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, readlinkSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { readProcessStat } from './process-stat.ts';

export interface LockHolder {
  readonly processId: number;
  /** The machine or container of a holder that cannot be seen from here; null where it can. */
  readonly elsewhere: string | null;
}

const RENEWAL_MS = 30_000;
/** Longer than a run blocks its own timers: it writes and compresses files of gigabytes. */
export const STALE_MS = 10 * 60_000;
const renewals = new Map<string, NodeJS.Timeout>();

/**
 * Takes the lock and returns null, or returns the living process that holds it. Creating the lock is atomic, and when several
 * processes find the lock of a dead one, exactly one takes it over.
 */
export function tryProcessLock(path: string): LockHolder | null {
  const mine = `${path}.${process.pid}.${randomUUID()}`;
  const content = [process.pid, startOf(process.pid) ?? '-', namespace(), hostname()].join(' ');
  // The folder may be shared with other users: a link that one of them put there is not followed.
  writeFileSync(mine, content, { flag: 'wx' });
  try {
    while (!linked(mine, path)) {
      const found = readLock(path);
      if (found === undefined) continue; // released meanwhile
      const holder = holderOf(found);
      if (holder !== null) return holder;
      removeLock(path, found.content);
    }
    renew(path, content);
    return null;
  } finally {
    rmSync(mine, { force: true });
  }
}

export function releaseProcessLock(path: string): void {
  clearInterval(renewals.get(path));
  renewals.delete(path);
  rmSync(path, { force: true });
}

/** The living process that holds the lock; null when there is none. */
export function processHolding(path: string): LockHolder | null {
  const found = readLock(path);
  return found === undefined ? null : holderOf(found);
}

function renew(path: string, content: string): void {
  const renewal = setInterval(() => {
    if (readLock(path)?.content !== content) return;
    const now = new Date();
    utimesSync(path, now, now);
  }, RENEWAL_MS);
  renewal.unref();
  renewals.set(path, renewal);
}

interface Lock {
  readonly content: string;
  readonly renewedMs: number;
}

function holderOf({ content, renewedMs }: Lock): LockHolder | null {
  const [pid, start, where, host = 'another machine'] = content.split(' ');
  const processId = Number(pid);
  if (!(processId > 0)) return null;
  if (where === undefined || where === namespace())
    return isAlive(processId, start) ? { processId, elsewhere: null } : null;
  return Date.now() - renewedMs < STALE_MS ? { processId, elsewhere: host } : null;
}

/** Of process ids: this boot of this machine, and the container in it; the machine's name where the system does not say. */
function namespace(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${boot}/${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return hostname();
  }
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
  if (readLock(aside)?.content !== content) linked(aside, path);
  rmSync(aside, { force: true });
}

function readLock(path: string): Lock | undefined {
  try {
    return { content: readFileSync(path, 'utf8'), renewedMs: statSync(path).mtimeMs };
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
  return !start || start === '-' || startOf(pid) === start;
}

function startOf(pid: number): string | undefined {
  return readProcessStat(pid)?.start.toString();
}
