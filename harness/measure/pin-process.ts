/** Which cores a process runs on. Linux only, by util-linux's taskset; elsewhere the scheduler decides, and the row says so. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Numbers of the cores this process may run on, ascending; empty where the system does not tell. */
export function allowedCores(status = readStatus()): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (list === undefined) return [];
  return list.split(',').flatMap((part) => {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, index) => from + index);
  });
}

/** Binds all threads of this process to these cores; false where that cannot be done. */
export function pinProcess(cores: readonly number[]): boolean {
  if (cores.length === 0) return false;
  try {
    execFileSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores.join(','), String(process.pid)], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

function readStatus(): string {
  try {
    return readFileSync('/proc/self/status', 'utf8');
  } catch {
    return '';
  }
}
