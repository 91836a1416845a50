/** Quality kept, compute spent, and their relation: defined in PROTOCOL.md, "Derived figures". */
import type { Compute } from '../../contracts/derived.ts';
import type { Cost, Quality } from '../../contracts/result.ts';

/** Seconds of the accelerator where one was used, else of the processor. */
export function computeOf(cost: Cost): Compute {
  return cost.deviceSeconds === null
    ? { seconds: cost.cpuSeconds, unit: 'processor' }
    : { seconds: cost.deviceSeconds, unit: 'accelerator' };
}

/**
 * Dense perplexity over perplexity; for accuracies what lies above chance over what of dense's does, at least 0. Null
 * where dense does no better than chance.
 */
export function qualityKept(
  { metric, estimate, dense }: Pick<Quality, 'metric' | 'estimate' | 'dense'>,
  chance = 0,
): number | null {
  if (metric === 'perplexity') return dense / estimate.value;
  return dense > chance ? Math.max(0, (estimate.value - chance) / (dense - chance)) : null;
}

/** Null where a part is missing, or compressing took less than the clock can tell. */
export function costEfficiency(of: {
  readonly kept: number | null;
  readonly ratio: number | null;
  readonly compute: Compute | null;
}): number | null {
  const { kept, ratio, compute } = of;
  if (kept === null || ratio === null || compute === null || compute.seconds <= 0) return null;
  return (kept * ratio) / compute.seconds;
}
