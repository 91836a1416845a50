/** The words of a board's metric. A board without a quality yet has no metric; its words say "quality". */
import type { Metric } from '../../contracts/dataset.ts';
import type { Estimate } from '../../contracts/result.ts';
import { METRIC_WORDS, besideDense, type MetricWords } from '../../contracts/words/metric.ts';
import type { BoardRow, BoardView } from './board-view.ts';

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

/** The quality with the interval of its difference from dense; null without dense. */
export function pairedInterval(
  { gap }: Pick<BoardRow, 'gap'>,
  { metric, denseQuality }: Pick<BoardView, 'metric' | 'denseQuality'>,
): Estimate | null {
  return gap === null || metric === null || denseQuality === null ? null : besideDense(metric, denseQuality, gap);
}

/** A difference is first minus second in the metric's own direction; a loss is positive for every metric. */
export function lossOf(gap: number, higherIsBetter: boolean | null): number {
  return higherIsBetter ? -gap : gap;
}
