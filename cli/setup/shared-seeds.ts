/** Pairs of trials that a comparison stands on. */
import type { BoardTrial } from '../../drizzle/queries.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';

/** Was it scored to the end? */
export const isScored = ({ evaluation }: BoardTrial): boolean => evaluation?.status === 'completed';

export function scoredTrials({ trials }: BoardEntry): readonly BoardTrial[] {
  return trials.filter(isScored);
}

/** Trials of the same seed, in the order of the first. */
export function sharedSeeds(
  first: readonly BoardTrial[],
  second: readonly BoardTrial[],
): readonly (readonly [BoardTrial, BoardTrial])[] {
  return first.flatMap((one) => second.filter(({ seed }) => seed === one.seed).map((other) => [one, other] as const));
}
