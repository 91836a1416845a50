/** How a task's metric is called, and which way is better. */
import type { DerivedBoard } from '../../drizzle/queries.ts';

export type MetricId = NonNullable<DerivedBoard['metric']>;

export interface MetricWords {
  readonly title: string;
  readonly direction: string;
  readonly better: string;
  readonly worse: string;
  /** What an outcome is recorded for. */
  readonly decision: string;
  /** What a difference is counted in, after the number. */
  readonly gap: string;
}

const ACCURACY: MetricWords = {
  title: 'accuracy',
  direction: 'higher is better',
  better: 'higher',
  worse: 'lower',
  decision: 'answer',
  gap: 'points of accuracy',
};

const METRICS: Readonly<Record<MetricId, MetricWords>> = {
  perplexity: {
    title: 'perplexity',
    direction: 'lower is better',
    better: 'lower',
    worse: 'higher',
    decision: 'token',
    gap: '% in perplexity',
  },
  'choice-accuracy': ACCURACY,
  'classification-accuracy': ACCURACY,
};

/** A board without a quality yet has no metric; it is spoken of as "quality". */
const UNKNOWN: MetricWords = {
  title: 'quality',
  direction: '',
  better: 'better',
  worse: 'worse',
  decision: 'decision',
  gap: '',
};

export function metricWords(metric: MetricId | null): MetricWords {
  return metric === null ? UNKNOWN : METRICS[metric];
}

/** Differences are "first minus second" in the metric's own direction; a loss is above 0 whichever way is better. */
export function lossOf(gap: number, higherIsBetter: boolean | null): number {
  return higherIsBetter ? -gap : gap;
}
