/** The parameters that methods with trained low-rank adapters share. */
import * as v from 'valibot';

export const adapterParameters = {
  rank: v.pipe(v.number(), v.integer(), v.minValue(1), v.description('Rank of the adapter of each linear layer.')),
  alpha: v.optional(
    v.pipe(v.number(), v.gtValue(0), v.description('The adapters’ product is scaled by alpha / rank.')),
    16,
  ),
} as const;
