/** Figures with intervals from stored outcomes per item; equal items give equal figures, so these can be recomputed. */
import { type AgreementMetric, type Metric, isAgreement } from '../../contracts/dataset.ts';
import { InputError, NumericalError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Distance, Estimate, Items, Quality, SliceQuality } from '../../contracts/result.ts';
import { agreementStatistic, type ItemStatistic, pseudoValues, wholeStatistic } from './agreement.ts';
import { bootstrapStatistic, bootstrapSums } from './bootstrap.ts';
import { sum } from './statistics.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;

export interface ItemsSummary {
  readonly metric: Metric;
  /** Order of the slices, where items have slices. */
  readonly slices?: readonly string[];
}

/**
 * A column of outcomes by which entries are compared, per decision. `agreement`: of the metric, computed by
 * outcomeValues().
 */
export type OutcomeColumn = 'negativeLogLikelihood' | 'correct' | 'klDivergence' | 'sameTop' | 'agreement';

/** The column whose mean is the metric, per decision; perplexity is exp of that mean. */
export function qualityColumn(metric: Metric): 'negativeLogLikelihood' | 'correct' | 'agreement' {
  if (isAgreement(metric)) return 'agreement';
  return metric === 'perplexity' ? 'negativeLogLikelihood' : 'correct';
}

/** The dense model's values in the metric's column, [items]. */
export function denseOutcomeValues(items: Items, metric: Metric): ArrayLike<number> {
  if (isAgreement(metric)) return pseudoValues(agreementOf(items, metric, 'densePrediction'));
  return metric === 'perplexity' ? items.denseNegativeLogLikelihood : items.denseCorrect;
}

/**
 * The values of a column, [items]; default the metric's own. Throws InputError for rows without predictions where these
 * are needed.
 */
export function outcomeValues(
  items: Items,
  { metric, column = qualityColumn(metric) }: { readonly metric: Metric; readonly column?: OutcomeColumn },
): ArrayLike<number> {
  if (column !== 'agreement') return items[column];
  if (!isAgreement(metric)) throw new InputError(`${metric} is a mean over items; it has no column of agreement`);
  return pseudoValues(agreementOf(items, metric, 'prediction'));
}

function agreementOf(items: Items, metric: AgreementMetric, side: 'prediction' | 'densePrediction'): ItemStatistic {
  const { target, [side]: prediction } = items;
  if (target && prediction) return agreementStatistic(metric, { prediction, target });
  throw new InputError(`${metric}: the outcomes hold no ${target ? side : 'target'}; score the task again`);
}

/**
 * Quality and difference from dense. Intervals resample items, the tokens of an item together, and all figures share
 * the resamples. Throws InputError below two items, in all or in a slice, NumericalError when perplexity overflows.
 */
export function summarizeItems(
  items: Items,
  { metric, slices }: ItemsSummary,
): { readonly quality: Quality; readonly distance: Distance } {
  const perToken =
    (column: number) =>
    (...sums: readonly number[]) =>
      sums[column]! / sums[0]!;
  const column = qualityColumn(metric);
  const { mean, ...distance } = bootstrapSums({
    columns: [
      items.tokens,
      column === 'agreement' ? items.negativeLogLikelihood : items[column],
      items.negativeLogLikelihood.map((loss, i) => loss - items.denseNegativeLogLikelihood[i]!),
      items.klDivergence,
      items.sameTop,
      items.correctToIncorrect,
      items.incorrectToCorrect,
    ],
    statistics: {
      mean: metric === 'perplexity' ? (...sums) => Math.exp(perToken(1)(...sums)) : perToken(1),
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
  const estimate = isAgreement(metric)
    ? bootstrapStatistic({ statistic: agreementOf(items, metric, 'prediction'), resamples, confidence, seed })
    : mean;
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

/** Quality of each slice; slices without items are omitted. */
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

/** The items whose index `keep` accepts. */
export function itemsWhere(items: Items, keep: (index: number) => boolean): Items {
  const columns = Object.entries(items) as [keyof Items, readonly (string | number)[]][];
  return Object.fromEntries(
    columns.map(([name, values]) => [name, values.filter((_value, index) => keep(index))]),
  ) as unknown as Items;
}

function denseQuality(items: Items, metric: Metric): number {
  if (isAgreement(metric)) return wholeStatistic(agreementOf(items, metric, 'densePrediction'));
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
