/** The words of a board's metric. A board without a quality yet has no metric; its words say "quality". */
import type { Metric } from '../../contracts/dataset.ts';
import { METRIC_WORDS, type MetricWords } from '../../contracts/words/metric.ts';

export type BoardMetricWords = Readonly<
  Record<keyof Pick<MetricWords, 'title' | 'direction' | 'better' | 'worse' | 'decision' | 'gap'>, string>
>;

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

/** A difference is first minus second in the metric's own direction; a loss is positive for every metric. */
export function lossOf(gap: number, higherIsBetter: boolean | null): number {
  return higherIsBetter ? -gap : gap;
}
