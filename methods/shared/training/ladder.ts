/** The budgets that all trained methods share, in training tokens, so that methods of a model are compared at the same one. */

export const LADDER = { t100k: 100_000, t1m: 1_000_000, t10m: 10_000_000, t30m: 30_000_000 } as const;

type Rung = keyof typeof LADDER;
export type Ladder<P> = Readonly<Record<string, P & { readonly tokens: number }>>;

const EVERY_METHOD: readonly Rung[] = ['t100k', 't1m', 't10m'];

/** Each operating point at each budget, `w4g32-t1m`; budget by budget, so that the first variants are the cheapest. */
export function ladder<const P extends object>(
  points: Readonly<Record<string, P>>,
  rungs: readonly Rung[] = EVERY_METHOD,
): Ladder<P> {
  return Object.fromEntries(
    rungs.flatMap((rung) =>
      Object.entries(points).map(([name, point]) => [`${name}-${rung}`, { ...point, tokens: LADDER[rung] }] as const),
    ),
  );
}
