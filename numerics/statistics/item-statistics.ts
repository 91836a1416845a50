/** Figures with intervals from stored per-item outcomes; the same items give the same figures, so they can be derived anew. */
import type { Metric } from '../../contracts/dataset.ts';
import { InputError, NumericalError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Distance, Estimate, Items, Quality, SliceQuality } from '../../contracts/result.ts';
import { bootstrapSums } from './bootstrap.ts';
import { sum } from './statistics.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;

export interface ItemsSummary {
  readonly metric: Metric;
  /** Order of the slices, where the items have some. */
  readonly slices?: readonly string[];
}

/** The column a metric is the mean of, per decision; perplexity is exp of it. */
export function qualityColumn(metric: Metric): 'negativeLogLikelihood' | 'correct' {
  return metric === 'perplexity' ? 'negativeLogLikelihood' : 'correct';
}

/**
 * Quality and distance to dense. Items are drawn anew for the intervals, tokens of an item stay together, and all
 * figures share the draws. Throws InputError below two items, in all or in a slice, NumericalError when perplexity overflows.
 */
export function summarizeItems(
  items: Items,
  { metric, slices }: ItemsSummary,
): { readonly quality: Quality; readonly distance: Distance } {
  const perToken =
    (column: number) =>
    (...sums: readonly number[]) =>
      sums[column]! / sums[0]!;
  const { estimate, ...distance } = bootstrapSums({
    columns: [
      items.tokens,
      items[qualityColumn(metric)],
      items.negativeLogLikelihood.map((loss, i) => loss - items.denseNegativeLogLikelihood[i]!),
      items.klDivergence,
      items.sameTop,
      items.correctToIncorrect,
      items.incorrectToCorrect,
    ],
    statistics: {
      estimate: metric === 'perplexity' ? (...sums) => Math.exp(perToken(1)(...sums)) : perToken(1),
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
  const dense = denseQuality(items, metric);
  requireFinite(estimate, dense);
  const quality: Quality = {
    metric,
    higherIsBetter: metric !== 'perplexity',
    estimate,
    dense,
    items: items.ids.length,
    tokens: sum(items.tokens),
  };
  if (items.slices === undefined) return { quality, distance };
  const order = slices ?? [...new Set(items.slices)];
  return { quality: { ...quality, slices: sliceQualities(items, { metric, order }) }, distance };
}

/** Quality of each slice by itself; slices without items are left out. */
function sliceQualities(
  items: Items,
  { metric, order }: { readonly metric: Metric; readonly order: readonly string[] },
): SliceQuality[] {
  return order.flatMap((slice) => {
    const { slices: _, ...part } = itemsWhere(items, (index) => items.slices?.[index] === slice);
    if (part.ids.length === 0) return [];
    if (part.ids.length < 2) {
      throw new InputError(`slice ${slice}: one item has no interval; give it more test rows or another slice`);
    }
    const { quality } = summarizeItems(part, { metric });
    return [{ slice, items: quality.items, estimate: quality.estimate, dense: quality.dense }];
  });
}

/** The items whose index `keep` takes. */
export function itemsWhere(items: Items, keep: (index: number) => boolean): Items {
  const columns = Object.entries(items) as [keyof Items, readonly (string | number)[]][];
  return Object.fromEntries(
    columns.map(([name, values]) => [name, values.filter((_value, index) => keep(index))]),
  ) as unknown as Items;
}

function denseQuality(items: Items, metric: Metric): number {
  const tokens = sum(items.tokens);
  if (metric === 'perplexity') return Math.exp(sum(items.denseNegativeLogLikelihood) / tokens);
  return sum(items.denseCorrect) / tokens;
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
