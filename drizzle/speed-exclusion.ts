import { PROTOCOL } from '../contracts/protocol.ts';
import type { Placement } from '../contracts/result.ts';
import type { Device, Provider } from '../contracts/runner.ts';

export interface MeasuredOn {
  readonly provider: Provider;
  readonly device: Device | null;
  readonly placement: Placement | null;
}

/** Why a measurement's timings are excluded from everything ordered by speed; null where they are not. */
export function speedExclusion({ provider, device, placement }: MeasuredOn): string | null {
  if (provider === 'cpu') return null;
  if (device?.kind !== 'hardware') {
    return `timed on ${device?.name ?? 'a device that was not recorded'}, which is software or could not be shown to be hardware`;
  }
  const cpuShare = placement?.timeShare['CPUExecutionProvider'] ?? 0;
  if (cpuShare > PROTOCOL.device.mostCpuShare) {
    return `${Math.round(100 * cpuShare)} % of the time was in kernels of the CPU, not of ${provider}`;
  }
  return null;
}
