/** The words of a board's metric; a board without a quality yet has none, and is spoken of as "quality". */
import type { Metric } from '../../contracts/dataset.ts';
import { METRIC_WORDS } from '../../contracts/words/metric.ts';

export type MetricId = Metric;

export interface BoardMetricWords {
  readonly title: string;
  readonly direction: string;
  readonly better: string;
  readonly worse: string;
  readonly decision: string;
  readonly gap: string;
}

const UNKNOWN: BoardMetricWords = {
  title: 'quality',
  direction: '',
  better: 'better',
  worse: 'worse',
  decision: 'decision',
  gap: '',
};

export function metricWords(metric: Metric | null): BoardMetricWords {
  return metric === null ? UNKNOWN : METRIC_WORDS[metric];
}

/** Differences are "first minus second" in the metric's own direction; a loss is above 0 whichever way is better. */
export function lossOf(gap: number, higherIsBetter: boolean | null): number {
  return higherIsBetter ? -gap : gap;
}
