/** Quality kept, compute spent, and their relation: defined in PROTOCOL.md, "Derived figures". */
import type { BoardEntry } from './leaderboard.ts';
import { sampleDeviation } from './seed-means.ts';
import type { Compute } from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Cost, Quality } from '../../contracts/result.ts';

/** The compute of an entry, the mean over its seeds; the cost that every board shows. */
export function entryCompute({ cost, trials }: Pick<BoardEntry, 'cost' | 'trials'>): Compute | null {
  if (!cost) return null;
  const runs = trials.flatMap((trial) => (trial.status === 'completed' && trial.cost ? [computeOf(trial.cost)] : []));
  const mean = computeOf(cost);
  const seconds = runs.filter(({ unit }) => unit === mean.unit).map((run) => run.seconds);
  return { ...mean, runs: seconds.length, deviation: sampleDeviation(seconds) };
}

/** Seconds of the accelerator where one was used, else of the processor. */
export function computeOf(cost: Cost): Pick<Compute, 'seconds' | 'unit'> {
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
  readonly compute: Pick<Compute, 'seconds'> | null;
}): number | null {
  const { kept, ratio, compute } = of;
  if (kept === null || ratio === null || compute === null || compute.seconds < PROTOCOL.cost.leastSeconds) return null;
  return (kept * ratio) / compute.seconds;
}
