/** What Linux tells of a process in /proc/<pid>/stat: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
import { readFileSync } from 'node:fs';

export interface ProcessStat {
  /** `R` running, `S` sleeping, `Z` ended but not yet waited for … */
  readonly state: string;
  readonly parent: number;
  readonly group: number;
  /** Processor time, user and system, in clock ticks. */
  readonly ticks: number;
  /** The same of ended children that were waited for, and theirs. */
  readonly childTicks: number;
  /** Clock ticks since boot at which it started: with the process id it names a process uniquely until the next boot. */
  readonly start: number;
  /** Resident pages. */
  readonly pages: number;
}

export const CLOCK_TICKS_PER_SECOND = 100;

/** Undefined for a process that does not exist, and outside Linux. */
export function readProcessStat(pid: number | 'self'): ProcessStat | undefined {
  try {
    return parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The command in parentheses may hold blanks and parentheses itself, so the fields are counted from the last `)`. */
export function parseProcessStat(text: string): ProcessStat {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  // Field 3 of the manual is the first here.
  const field = (number: number) => Number(fields[number - 3]);
  return {
    state: fields[0] ?? '',
    parent: field(4),
    group: field(5),
    ticks: field(14) + field(15),
    childTicks: field(16) + field(17),
    start: field(22),
    pages: field(24),
  };
}

/** False for a process that has ended, also while nobody has waited for it. */
export function isRunning(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat !== undefined && stat.state !== 'Z';
}
