/** Display texts of a board: weight classes, cost classes, runners, statuses. */
import { PROTOCOL } from '../protocol.ts';
import type { Status } from '../result.ts';
import type { Device, Machine, Provider } from '../runner.ts';

/** "4× to 8× smaller"; null below the first class. */
export function weightClassTitle(
  weightClass: number | null,
  weightClasses: readonly number[] = PROTOCOL.weightClasses,
): string {
  if (weightClass === null) return `less than ${weightClasses[0]}× smaller`;
  const next = weightClasses.find((each) => each > weightClass);
  return next === undefined ? `${weightClass}× smaller and more` : `${weightClass}× to ${next}× smaller`;
}

/** For an entry with a single seed of a method that draws. */
export const ONE_SEED = 'Run with 1 seed: its figures speak of this artifact, not of the method under other seeds.';

export const NARROW_INTERVAL =
  'A few items weigh so much that the interval of its quality probably covers the truth less often than it says.';

/** A rank interval: "3", "1–4". */
export function formatRank({ best, worst }: { readonly best: number; readonly worst: number }): string {
  return best === worst ? String(best) : `${best}–${worst}`;
}

/** "cpu · AMD EPYC, 2 cores"; "no speed measured" without a runner. */
export function runnerName(
  runner: {
    readonly provider: Provider;
    readonly machine: Machine;
    readonly device?: Device | null | undefined;
  } | null,
): string {
  if (!runner) return 'no speed measured';
  const { provider, device, machine } = runner;
  if (!device) return `${provider} · ${machine.cpuModel}, ${machine.cores} cores`;
  const software = device.kind === 'software' ? ' (software: function only, speeds not ranked)' : '';
  return `${provider} · ${device.name ?? device.driver ?? 'device without a name'}${software}`;
}

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  completed: 'completed',
  unsupported: 'unsupported',
  failed: 'failed',
  timeout: 'timeout',
  'out-of-memory': 'out of memory',
  invalid: 'invalid',
};
