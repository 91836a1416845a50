/**
 * What a piece of work cost the process it ran in, and processes it started and waited for. To be used inside a process of
 * its own: time and energy count from the start of the meter, but the peak of the resident set is of the whole life of
 * the process, without those it started.
 */
import { readFileSync } from 'node:fs';
import type { Cost } from '../../contracts/result.ts';
import { startEnergyMeter } from './energy.ts';
import { peakResidentBytes } from './process-memory.ts';

export interface CostMeter {
  /** The cost so far; what the process cannot know about its work comes from the caller. */
  read(work: { readonly tokensSeen: number; readonly gradientSteps: number; readonly deviceSeconds?: number }): Cost;
}

export function startCostMeter(options: { readonly powercapRoot?: string } = {}): CostMeter {
  const energy = startEnergyMeter(options.powercapRoot);
  const startCpu = process.cpuUsage();
  const startChildrenSeconds = childrenCpuSeconds();
  const startMs = performance.now();
  return {
    read({ tokensSeen, gradientSteps, deviceSeconds }) {
      const wallSeconds = (performance.now() - startMs) / 1000;
      const { user, system } = process.cpuUsage(startCpu);
      return {
        wallSeconds,
        cpuSeconds: (user + system) / 1e6 + childrenCpuSeconds() - startChildrenSeconds,
        deviceSeconds: deviceSeconds ?? null,
        peakMemoryBytes: peakResidentBytes(),
        tokensSeen,
        gradientSteps,
        energyJoules: energy.joules(),
      };
    },
  };
}

const CLOCK_TICKS_PER_SECOND = 100;

/**
 * Processor time of ended children and what they waited for: fields 16 and 17 of
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html, 10 ms fine. 0 outside Linux.
 */
function childrenCpuSeconds(): number {
  try {
    const text = readFileSync('/proc/self/stat', 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[13]) + Number(fields[14])) / CLOCK_TICKS_PER_SECOND;
  } catch {
    return 0; // no /proc
  }
}
