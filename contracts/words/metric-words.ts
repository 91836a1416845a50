/** How a task's metric is called and written in the terminal. */
import type { Metric } from '../dataset.ts';
import type { Estimate } from '../result.ts';
import { formatEstimate, formatFigureEstimate } from './format.ts';

export interface MetricWords {
  readonly title: string;
  /** The mean negative log-likelihood. */
  readonly loss: string;
  /** What is decided, one by one. */
  readonly decision: string;
  /** Artifact and dense find the same most probable. */
  readonly sameTop: string;
}

const ACCURACY: MetricWords = {
  title: 'accuracy',
  loss: '−ln p(right answer)',
  decision: 'item',
  sameTop: 'same answer',
};

export const METRIC_WORDS: Readonly<Record<Metric, MetricWords>> = {
  perplexity: { title: 'perplexity', loss: 'ln perplexity', decision: 'token', sameTop: 'same top token' },
  'choice-accuracy': ACCURACY,
  'classification-accuracy': ACCURACY,
};

/** 3.712 [3.690, 3.735], or 71.3 [68.0, 74.4] % where the metric is a share; `digits` where the column does not choose. */
export function formatQuality(
  { metric, estimate }: { readonly metric: Metric; readonly estimate: Estimate },
  digits?: number,
): string {
  if (metric !== 'perplexity') return formatPercent(estimate, digits === undefined ? 1 : 2);
  return digits === undefined ? formatFigureEstimate(estimate) : formatEstimate(estimate, digits);
}

export function formatPercent({ value, low, high }: Estimate, digits = 2): string {
  return `${formatEstimate({ value: value * 100, low: low * 100, high: high * 100 }, digits)} %`;
}

/** The metric's value by itself. */
export function formatPlainQuality(metric: Metric, value: number): string {
  return metric === 'perplexity' ? value.toFixed(4) : `${(value * 100).toFixed(2)} %`;
}
