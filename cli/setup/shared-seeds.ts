/** Pairs of trials that a comparison stands on. */
import type { BoardTrial } from '../../drizzle/queries.ts';
import type { BoardEntry } from '../../board/derive/leaderboard.ts';

/** Whether its evaluation was completed. */
export const isScored = ({ evaluation }: BoardTrial): boolean => evaluation?.status === 'completed';

export function scoredTrials({ trials }: BoardEntry): readonly BoardTrial[] {
  return trials.filter(isScored);
}

/** Pairs of trials with equal seeds, in the order of the first list. */
export function sharedSeeds(
  first: readonly BoardTrial[],
  second: readonly BoardTrial[],
): readonly (readonly [BoardTrial, BoardTrial])[] {
  return first.flatMap((one) => second.filter(({ seed }) => seed === one.seed).map((other) => [one, other] as const));
}
