/** What a reader must know of an entry before believing its figures, each with the reason. */
import type { BoardEntry } from './leaderboard.ts';
import type { Badge, BadgeId } from '../../contracts/derived.ts';
import type { Status } from '../../contracts/result.ts';
import { NARROW_INTERVAL, ONE_SEED } from '../../contracts/words/board.ts';
import type { SeedKind } from '../../numerics/statistics/compare-entries.ts';

/** Reasons are cut here; the whole stands with the seed. */
const REASON_CHARACTERS = 300;

export interface BadgeFacts {
  /** What its seeds say of its method; undefined without a comparable quality. */
  readonly seeds: SeedKind | undefined;
  /** Whether the interval of its quality is probably too narrow, for the skewness of its items. */
  readonly narrow: boolean;
  /** Why it has a quality and no rank. */
  readonly unranked: string | undefined;
  /** Reasons of corrections that withdrew rows of this variant. */
  readonly withdrawn: readonly string[];
}

export function badgesOf(entry: BoardEntry, { seeds, narrow, unranked, withdrawn }: BadgeFacts): Badge[] {
  const badges: Badge[] = [];
  const add = (id: BadgeId, reason: string) => void badges.push({ id, reason: cut(reason) });
  if (entry.control) add('control', 'A baseline that others must beat, not a proposal.');
  if (entry.simulated !== null) add('simulated', entry.simulated);
  const noisy = entry.latency.filter((latency) => latency.noisy).map(({ shape }) => shape);
  if (noisy.length > 0) add('noisy', `Timing too unsteady to be ranked at ${noisy.join(', ')}.`);
  if (entry.stale) add('stale', 'Of older code than the present method or model, or of one no longer registered.');
  if (seeds === 'one seed') add('one-seed', ONE_SEED);
  if (narrow) add('narrow-interval', NARROW_INTERVAL);
  if (entry.inSample) add('in-sample', 'The model was trained on this data.');
  for (const [status, reasons] of failuresOf(entry)) {
    add(status, `${reasons.length} of its pieces: ${[...new Set(reasons)].join('; ')}`);
  }
  const annotations = entry.trials.flatMap((trial) => [
    ...trial.annotations,
    ...(trial.evaluation?.annotations ?? []),
    ...(trial.measurement?.annotations ?? []),
  ]);
  if (annotations.length > 0) add('annotated', [...new Set(annotations)].join('; '));
  if (withdrawn.length > 0) add('withdrawn', `Earlier rows were withdrawn: ${[...new Set(withdrawn)].join('; ')}`);
  if (unranked !== undefined) add('unranked', `Not ranked: ${unranked}.`);
  const completed = entry.trials.filter(({ status }) => status === 'completed');
  const unscored = completed.filter(({ evaluation }) => evaluation === null).length;
  if (unscored > 0) add('unfinished', `${unscored} of ${entry.trials.length} seeds not scored on this task yet.`);
  const untimed = completed.filter(({ measurement }) => measurement === null).length;
  if (untimed > 0) add('untimed', `${untimed} of ${entry.trials.length} seeds not timed on this runner.`);
  const measurements = entry.trials.flatMap(({ measurement }) => (measurement ? [measurement] : []));
  const excluded = measurements.flatMap(({ speedExclusion }) => (speedExclusion === null ? [] : [speedExclusion]));
  if (excluded.length > 0) add('speed-unranked', `Its speed is not ranked: ${[...new Set(excluded)].join('; ')}.`);
  const findings = measurements.flatMap((measurement) => measurement.findings);
  if (findings.length > 0) add('device-finding', [...new Set(findings)].join('; '));
  return badges;
}

type Failure = Exclude<Status, 'completed'>;

/** First lines of the reasons, by status. */
function failuresOf({ trials }: BoardEntry): ReadonlyMap<Failure, readonly string[]> {
  const failures = new Map<Failure, string[]>();
  for (const piece of trials.flatMap((trial) => [trial, trial.evaluation, trial.measurement])) {
    if (!piece || piece.status === 'completed') continue;
    failures.set(piece.status, [...(failures.get(piece.status) ?? []), (piece.reason ?? '').split('\n')[0] ?? '']);
  }
  return failures;
}

function cut(text: string): string {
  return text.length <= REASON_CHARACTERS ? text : `${text.slice(0, REASON_CHARACTERS - 1)}…`;
}
