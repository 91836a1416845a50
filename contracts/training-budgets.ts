/** The budgets that all trained methods share, in training tokens, so that the methods of a model are compared at the same one. */
export const TRAINING_BUDGETS = { t100k: 100_000, t1m: 1_000_000, t10m: 10_000_000, t30m: 30_000_000 } as const;
