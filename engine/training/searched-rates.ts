/** The fixed search for a learning rate that every trained method gets, on each model and at each budget. */

/** Highest rates of the schedule, tried from the first to the last. */
export const SEARCHED_RATES = [3e-5, 1e-4, 3e-4, 1e-3, 3e-3] as const;

/** Share of the budget that each rate is tried with. */
const SEARCH_SHARE = 0.1;
/** Fewer tokens would be a handful of steps, whose best rate is not that of a training. */
const FEWEST_TOKENS = 50_000;

/** Training tokens that each rate is tried with, of a budget of so many. */
export function searchTokens(tokens: number): number {
  return Math.min(tokens, Math.max(FEWEST_TOKENS, Math.round(SEARCH_SHARE * tokens)));
}
