/**
 * What a piece of work cost the process it ran in, and processes it started and waited for. To be used inside a process of
 * its own: time and energy count from the start of the meter, but the peak of the resident set is of the whole life of
 * the process, without those it started.
 */
import type { Cost } from '../../contracts/result.ts';
import { startEnergyMeter } from './energy.ts';
import { CLOCK_TICKS_PER_SECOND, readProcessStat } from '../process/process-stat.ts';
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

/** Processor time of ended children and what they waited for, 10 ms fine. 0 outside Linux. */
function childrenCpuSeconds(): number {
  return (readProcessStat('self')?.childTicks ?? 0) / CLOCK_TICKS_PER_SECOND;
}
