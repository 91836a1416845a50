/** Pairs of trials that a comparison stands on. */
import type { BoardEntry, BoardTrial } from '../../drizzle/queries.ts';

/** The trials that were scored to the end. */
export function scoredTrials({ trials }: BoardEntry): readonly BoardTrial[] {
  return trials.filter(({ evaluation }) => evaluation?.status === 'completed');
}

/** Trials of the same seed, in the order of the first. */
export function sharedSeeds(
  first: readonly BoardTrial[],
  second: readonly BoardTrial[],
): readonly (readonly [BoardTrial, BoardTrial])[] {
  return first.flatMap((one) => second.filter(({ seed }) => seed === one.seed).map((other) => [one, other] as const));
}
