/** Figures with intervals from stored per-item outcomes; the same items give the same figures, so they can be derived anew. */
import { InputError, NumericalError } from '../contracts/errors.ts';
import { PROTOCOL } from '../contracts/protocol.ts';
import type { Distance, Estimate, Items, Quality } from '../contracts/result.ts';
import { bootstrapSums } from '../tensor/bootstrap.ts';
import { sum } from '../tensor/statistics.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;

/**
 * Quality and distance to dense. Items are drawn anew for the intervals, tokens of an item stay together, and all
 * figures share the draws. Throws InputError below two items, NumericalError when perplexity overflows.
 */
export function summarizeItems(items: Items): { readonly quality: Quality; readonly distance: Distance } {
  const perToken =
    (column: number) =>
    (...sums: readonly number[]) =>
      (sums[column] as number) / (sums[0] as number);
  const { perplexity, ...distance } = bootstrapSums({
    columns: [
      items.tokens,
      items.negativeLogLikelihood,
      items.negativeLogLikelihood.map((loss, i) => loss - (items.denseNegativeLogLikelihood[i] as number)),
      items.klDivergence,
      items.sameTop,
      items.correctToIncorrect,
      items.incorrectToCorrect,
    ],
    statistics: {
      perplexity: (...sums) => Math.exp(perToken(1)(...sums)),
      deltaLogPerplexity: perToken(2),
      klDivergence: perToken(3),
      sameTop: perToken(4),
      correctToIncorrect: perToken(5),
      incorrectToCorrect: perToken(6),
    },
    resamples,
    confidence,
    seed,
  });
  const tokens = sum(items.tokens);
  const dense = Math.exp(sum(items.denseNegativeLogLikelihood) / tokens);
  requireFinite(perplexity, dense);
  return {
    quality: {
      metric: 'perplexity',
      higherIsBetter: false,
      estimate: perplexity,
      dense,
      items: items.ids.length,
      tokens,
    },
    distance,
  };
}

/** Share of the predicted tokens whose most probable next token is the true one, of the artifact and of dense. */
export function tokenAccuracy(items: Items): { readonly artifact: number; readonly dense: number } {
  const tokens = sum(items.tokens);
  return { artifact: sum(items.correct) / tokens, dense: sum(items.denseCorrect) / tokens };
}

function requireFinite(estimate: Estimate, dense: number): void {
  if ([estimate.value, estimate.low, estimate.high, dense].every(Number.isFinite)) return;
  throw new NumericalError(
    `perplexity is ${estimate.value} (dense ${dense}), interval ${estimate.low} to ${estimate.high}: ` +
      'the mean loss is too large for exp; the artifact puts no probability on the true tokens',
  );
}

/** Throws InputError unless both list the same items with the same token counts. */
export function requireSameItems(a: Items, b: Items): void {
  const differs = a.ids.findIndex((id, i) => id !== b.ids[i] || a.tokens[i] !== b.tokens[i]);
  if (differs < 0 && a.ids.length === b.ids.length) return;
  throw new InputError(
    `paired comparison: the two rows hold different items (${a.ids.length} and ${b.ids.length}; first difference at ` +
      `${differs < 0 ? Math.min(a.ids.length, b.ids.length) : differs}); compare rows of the same task and dataset`,
  );
}
