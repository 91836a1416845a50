/**
 * Energy of the processor packages from the kernel's RAPL counters (/sys/class/powercap/intel-rapl:N/energy_uj), which
 * Intel and AMD processors expose on bare metal and usually to root alone. The counter is of the whole package: it
 * includes all other work on it.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface EnergyMeter {
  /** Joules since the meter was made; null where no counter can be read. */
  joules(): number | null;
}

interface Zone {
  readonly path: string;
  /** The counter wraps to zero past this. */
  readonly rangeMicrojoules: number;
}

/** Call joules() at least once per wrap of the counter (minutes at full load), or wraps are missed. */
export function startEnergyMeter(root = '/sys/class/powercap'): EnergyMeter {
  const zones = packageZones(root);
  let last = zones.map(readCounter);
  let total = 0;
  return {
    joules() {
      const now = zones.map(readCounter);
      const steps = zones.map(({ rangeMicrojoules }, i) => stepOf(last[i], now[i], rangeMicrojoules));
      if (steps.length === 0 || steps.includes(null)) return null;
      total += steps.reduce<number>((sum, step) => sum + (step ?? 0), 0);
      last = now;
      return total / 1e6;
    },
  };
}

/** Microjoules between two readings; null where either is missing. */
function stepOf(last: number | undefined, now: number | undefined, rangeMicrojoules: number): number | null {
  if (last === undefined || now === undefined) return null;
  return now >= last ? now - last : now - last + rangeMicrojoules;
}

/** Top-level zones named `package-…`: their sub-zones (core, dram) are parts of them or of the memory. */
function packageZones(root: string): Zone[] {
  try {
    return readdirSync(root)
      .filter((entry) => /^intel-rapl:\d+$/.test(entry))
      .map((entry) => join(root, entry))
      .filter((path) => readFileSync(join(path, 'name'), 'utf8').startsWith('package-'))
      .map((path) => ({ path, rangeMicrojoules: Number(readFileSync(join(path, 'max_energy_range_uj'), 'utf8')) }));
  } catch {
    return [];
  }
}

function readCounter({ path }: Zone): number | undefined {
  try {
    const value = Number(readFileSync(join(path, 'energy_uj'), 'utf8'));
    return Number.isFinite(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
