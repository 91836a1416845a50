/** The fixed learning-rate search that every trained method gets, on each model and at each budget. */

/** Peak learning rates of the schedule, tried in this order. */
export const SEARCHED_RATES = [3e-5, 1e-4, 3e-4, 1e-3, 3e-3] as const;

/** Share of the budget used to try each rate. */
const SEARCH_SHARE = 0.1;
/** Minimum; with fewer tokens there are too few steps, and the best rate would not be that of a full training. */
const FEWEST_TOKENS = 50_000;

/** Training tokens used to try each rate at a given budget. */
export function searchTokens(tokens: number): number {
  return Math.min(tokens, Math.max(FEWEST_TOKENS, Math.round(SEARCH_SHARE * tokens)));
}
