/**
 * The cost of compressing, measured from inside its process; processes it started and waited for are included. Time and
 * energy count from the start of the meter. Peak memory is that of the process since it started, without its children, so
 * use one process per cost.
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

/** Processor time of ended children and their ended children; resolution 10 ms. 0 outside Linux. */
function childrenCpuSeconds(): number {
  return (readProcessStat('self')?.childTicks ?? 0) / CLOCK_TICKS_PER_SECOND;
}
