/** A paired difference in the words people use for the metric. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Paired } from '../../contracts/derived.ts';
import { shownDifference } from '../../contracts/words/metric.ts';
import type { PairedDifference } from '../../numerics/statistics/compare-items.ts';

export function pairedOf({ difference, pValue, significant }: PairedDifference, metric: Metric): Paired {
  const firstIsBetter = metric === 'perplexity' ? difference.value < 0 : difference.value > 0;
  return {
    difference,
    shown: shownDifference(metric, difference),
    pValue,
    significant,
    better: significant && difference.value !== 0 ? (firstIsBetter ? 'first' : 'second') : null,
  };
}
