/** Resident memory of this process, from the kernel. */
import { readFileSync } from 'node:fs';

/** Resident set now. Grain: pages of 4 KiB. */
export function residentBytes(): number {
  return process.memoryUsage.rss();
}

/**
 * Largest resident set in the life of this process: VmHWM of /proc/self/status. getrusage's maxRSS is wrong on
 * Linux: a child process inherits its parent's value (a fresh child reported 1 GiB).
 */
export function peakResidentBytes(): number {
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kibibytes !== undefined) return Number(kibibytes) * 1024;
  } catch {
    // No /proc outside Linux, where maxRSS is the process's own.
  }
  return process.resourceUsage().maxRSS * 1024;
}
