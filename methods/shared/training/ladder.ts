/** Variants of a trained method: its operating points at the budgets common to all trained methods. */
import { TRAINING_BUDGETS } from '../../../contracts/training-budgets.ts';

type Rung = keyof typeof TRAINING_BUDGETS;
export type Ladder<P> = Readonly<Record<string, P & { readonly tokens: number }>>;

const EVERY_METHOD: readonly Rung[] = ['t100k', 't1m', 't10m'];

/** Each operating point at each budget, `w4g32-t1m`; ordered by budget, so that the first variants are the cheapest. */
export function ladder<const P extends object>(
  points: Readonly<Record<string, P>>,
  rungs: readonly Rung[] = EVERY_METHOD,
): Ladder<P> {
  return Object.fromEntries(
    rungs.flatMap((rung) =>
      Object.entries(points).map(
        ([name, point]) => [`${name}-${rung}`, { ...point, tokens: TRAINING_BUDGETS[rung] }] as const,
      ),
    ),
  );
}
