/** How a task's metric is called, which way is better, and how its values and differences are written. */
import type { Metric } from '../dataset.ts';
import type { Estimate } from '../result.ts';
import { formatEstimate, formatFigure, formatFigureEstimate, formatSigned } from './figures.ts';

export interface MetricWords {
  readonly title: string;
  readonly direction: 'lower is better' | 'higher is better';
  readonly better: 'lower' | 'higher';
  readonly worse: 'lower' | 'higher';
  /** The mean negative log-likelihood. */
  readonly loss: string;
  /** What is decided, one by one. */
  readonly decision: string;
  /** Artifact and dense find the same most probable. */
  readonly sameTop: string;
  /** What a difference is counted in, after the number. */
  readonly gap: string;
}

const ACCURACY: MetricWords = {
  title: 'accuracy',
  direction: 'higher is better',
  better: 'higher',
  worse: 'lower',
  loss: '−ln p(right answer)',
  decision: 'item',
  sameTop: 'same answer',
  gap: 'points of accuracy',
};

export const METRIC_WORDS: Readonly<Record<Metric, MetricWords>> = {
  perplexity: {
    title: 'perplexity',
    direction: 'lower is better',
    better: 'lower',
    worse: 'higher',
    loss: 'ln perplexity',
    decision: 'token',
    sameTop: 'same top token',
    gap: '% in perplexity',
  },
  'choice-accuracy': ACCURACY,
  'normalized-choice-accuracy': { ...ACCURACY, title: 'accuracy per character' },
  'greedy-accuracy': { ...ACCURACY, loss: '−ln p(continuation)' },
  'classification-accuracy': ACCURACY,
};

/** 3.712 [3.690, 3.735], or 71.3 [68.0, 74.4] % where the metric is a share; `digits` where the column does not choose. */
export function formatQualityEstimate(
  { metric, estimate }: { readonly metric: Metric; readonly estimate: Estimate },
  digits?: number,
): string {
  if (metric !== 'perplexity') return formatPercent(estimate, digits === undefined ? 1 : 2);
  return digits === undefined ? formatFigureEstimate(estimate) : formatEstimate(estimate, digits);
}

export function formatPercent({ value, low, high }: Estimate, digits = 2): string {
  return `${formatEstimate({ value: value * 100, low: low * 100, high: high * 100 }, digits)} %`;
}

/** The metric's value with all the digits that mean something: 3.7125, 71.25 %. */
export function formatPlainQuality(metric: Metric, value: number): string {
  return metric === 'perplexity' ? value.toFixed(4) : `${(value * 100).toFixed(2)} %`;
}

/** 4.012, or 71.3 % where the metric is a share. */
export function formatQuality(metric: Metric, value: number): string {
  return metric === 'perplexity' ? formatFigure(value) : `${(value * 100).toFixed(1)} %`;
}

/** [3.850, 4.210], [68.0, 74.4] % */
export function formatQualityInterval(metric: Metric, { low, high }: Estimate): string {
  if (metric === 'perplexity') return `[${formatFigure(low)}, ${formatFigure(high)}]`;
  return `[${(low * 100).toFixed(1)}, ${(high * 100).toFixed(1)}] %`;
}

/**
 * A paired difference as people say it: nats per token become percent of perplexity, shares become points of accuracy.
 * A perplexity beyond all bounds stays the largest number, since JSON has no infinity.
 */
export function shownDifference(metric: Metric, { value, low, high }: Estimate): Estimate {
  const shown =
    metric === 'perplexity'
      ? (nats: number) => Math.min(Math.expm1(nats) * 100, Number.MAX_VALUE)
      : (share: number) => share * 100;
  return { value: shown(value), low: shown(low), high: shown(high) };
}

/** The quality that lies a shown difference (with its interval) away from dense's. */
export function besideDense(metric: Metric, dense: number, { value, low, high }: Estimate): Estimate {
  const at = (shown: number) => (metric === 'perplexity' ? dense * (1 + shown / 100) : dense + shown / 100);
  return { value: at(value), low: at(low), high: at(high) };
}

/** What shownDifference is counted in: "%" or "points". */
export function gapUnit(metric: Metric): string {
  return metric === 'perplexity' ? '%' : 'points';
}

/** A shown difference: +5.31 %, −1.30 points. */
export function formatGap(metric: Metric, shown: number): string {
  return `${formatSigned(shown)} ${gapUnit(metric)}`;
}

/** [+4.90, +5.80] % */
export function formatGapInterval(metric: Metric, { low, high }: Estimate): string {
  return `[${formatSigned(low)}, ${formatSigned(high)}] ${gapUnit(metric)}`;
}

/** Without a sign, for sentences that have a word for it: 5.31 %. */
export function formatPlainGap(metric: Metric, shown: number): string {
  return `${formatSigned(shown).replace(/^[−+]/, '')} ${gapUnit(metric)}`;
}
