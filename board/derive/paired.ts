/** A paired difference in the words people use for the metric. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Paired } from '../../contracts/derived.ts';
import type { Estimate } from '../../contracts/result.ts';
import type { PairedDifference } from '../../numerics/statistics/compare-items.ts';

export function pairedOf({ difference, pValue, significant }: PairedDifference, metric: Metric): Paired {
  const firstIsBetter = metric === 'perplexity' ? difference.value < 0 : difference.value > 0;
  return {
    difference,
    shown: shownDifference(difference, metric),
    pValue,
    significant,
    better: significant && difference.value !== 0 ? (firstIsBetter ? 'first' : 'second') : null,
  };
}

/** Percent of perplexity, or percentage points of accuracy. */
function shownDifference({ value, low, high }: Estimate, metric: Metric): Estimate {
  const shown =
    metric === 'perplexity'
      ? (nats: number) => Math.min(Math.expm1(nats) * 100, Number.MAX_VALUE) // JSON knows no infinity
      : (share: number) => share * 100;
  return { value: shown(value), low: shown(low), high: shown(high) };
}
