/** Display texts of a task's metric: its name, which direction is better, and formats of values and differences. */
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
  /** What is decided, or scored, one by one. */
  readonly decision: string;
  /** Label of the share of equal most probable outcomes; absent where scores are predicted. */
  readonly sameTop?: string;
  /** What is predicted where nothing is decided. */
  readonly score?: string;
  /** Unit of a difference, after the number. */
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

const CORRELATION: MetricWords = {
  title: 'Spearman correlation',
  direction: 'higher is better',
  better: 'higher',
  worse: 'lower',
  loss: '½ (score − reference)²',
  decision: 'pair',
  score: 'score',
  gap: 'points of correlation',
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
  f1: { ...ACCURACY, title: 'F1', gap: 'points of F1' },
  'matthews-correlation': { ...ACCURACY, title: 'Matthews correlation', gap: 'points of correlation' },
  'pearson-correlation': { ...CORRELATION, title: 'Pearson correlation' },
  'spearman-correlation': CORRELATION,
  'cosine-spearman': { ...CORRELATION, title: 'Spearman correlation of cosines', score: 'cosine' },
};

/** Shares are shown in percent, correlations times 100 as is usual in the field. */
function unitOf(metric: Exclude<Metric, 'perplexity'>): string {
  return metric.endsWith('accuracy') || metric === 'f1' ? ' %' : '';
}

/** 3.712 [3.690, 3.735], 71.3 [68.0, 74.4] % of a share, 82.0 [80.1, 83.8] of a correlation; `digits` where the column does not choose. */
export function formatQualityEstimate(
  { metric, estimate }: { readonly metric: Metric; readonly estimate: Estimate },
  digits?: number,
): string {
  if (metric !== 'perplexity') return formatHundreds(estimate, digits === undefined ? 1 : 2) + unitOf(metric);
  return digits === undefined ? formatFigureEstimate(estimate) : formatEstimate(estimate, digits);
}

export function formatPercent(estimate: Estimate, digits = 2): string {
  return `${formatHundreds(estimate, digits)} %`;
}

function formatHundreds({ value, low, high }: Estimate, digits: number): string {
  return formatEstimate({ value: value * 100, low: low * 100, high: high * 100 }, digits).replaceAll('-', '−');
}

/** The metric's value with all significant digits: 3.7125, 71.25 %, 82.03. */
export function formatPlainQuality(metric: Metric, value: number): string {
  return metric === 'perplexity' ? value.toFixed(4) : fixedHundreds(value, 2) + unitOf(metric);
}

/** 4.012, 71.3 % where the metric is a share, 82.0 where it is a correlation. */
export function formatQuality(metric: Metric, value: number): string {
  return metric === 'perplexity' ? formatFigure(value) : fixedHundreds(value, 1) + unitOf(metric);
}

/** [3.850, 4.210], [68.0, 74.4] %, [80.1, 83.8] */
export function formatQualityInterval(metric: Metric, { low, high }: Estimate): string {
  if (metric === 'perplexity') return `[${formatFigure(low)}, ${formatFigure(high)}]`;
  return `[${fixedHundreds(low, 1)}, ${fixedHundreds(high, 1)}]${unitOf(metric)}`;
}

function fixedHundreds(value: number, digits: number): string {
  return (value * 100).toFixed(digits).replace('-', '−');
}

/**
 * Root mean square change of the predicted scores, per pair, where nothing is decided: the divergence of two normal
 * distributions with variance 1 is half the squared distance of their means.
 */
export function changeOfScore({ value, low, high }: Estimate): Estimate {
  const root = (divergence: number) => Math.sqrt(2 * Math.max(0, divergence));
  return { value: root(value), low: root(low), high: root(high) };
}

/**
 * A paired difference in display units: nats per token become percent of perplexity, shares become percentage points.
 * An infinite perplexity becomes the largest number, since JSON has no infinity.
 */
export function shownDifference(metric: Metric, { value, low, high }: Estimate): Estimate {
  const shown =
    metric === 'perplexity'
      ? (nats: number) => Math.min(Math.expm1(nats) * 100, Number.MAX_VALUE)
      : (share: number) => share * 100;
  return { value: shown(value), low: shown(low), high: shown(high) };
}

/** The quality at a shown difference (with its interval) from dense's. */
export function besideDense(metric: Metric, dense: number, { value, low, high }: Estimate): Estimate {
  const at = (shown: number) => (metric === 'perplexity' ? dense * (1 + shown / 100) : dense + shown / 100);
  return { value: at(value), low: at(low), high: at(high) };
}

/** Unit of shownDifference: "%" or "points". */
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

/** Without a sign, for sentences that state the direction in words: 5.31 %. */
export function formatPlainGap(metric: Metric, shown: number): string {
  return `${formatSigned(shown).replace(/^[−+]/, '')} ${gapUnit(metric)}`;
}
