/** The budgets of all trained methods, in training tokens, so that methods are compared at equal budgets. */
export const TRAINING_BUDGETS = { t100k: 100_000, t1m: 1_000_000, t10m: 10_000_000, t30m: 30_000_000 } as const;
