/** A paired difference in the words people use for the metric. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Paired } from '../../contracts/derived.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import { shownDifference } from '../../contracts/words/metric.ts';
import type { EntryDifference } from '../../numerics/statistics/compare-entries.ts';

export function pairedOf({ difference, pValue, about }: EntryDifference, metric: Metric): Paired {
  const firstIsBetter = metric === 'perplexity' ? difference.value < 0 : difference.value > 0;
  const significant = pValue <= 1 - PROTOCOL.quality.confidence;
  return {
    difference,
    shown: shownDifference(metric, difference),
    pValue,
    significant,
    better: significant && difference.value !== 0 ? (firstIsBetter ? 'first' : 'second') : null,
    about,
  };
}
