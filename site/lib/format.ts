/** The formatters of contracts/words with no-break spaces between a number and its unit. */
import * as figures from '../../contracts/words/figures.ts';
import * as words from '../../contracts/words/metric.ts';
import type { Metric } from '../../contracts/dataset.ts';
import type { Estimate } from '../../contracts/result.ts';

import { formatRatio } from '../../contracts/words/figures.ts';

export { formatDay, formatFigure, formatSigned, formatTime, plural } from '../../contracts/words/figures.ts';
export { STATUS_WORDS } from '../../contracts/words/board.ts';

/** Shown when there is no value. */
export const NONE = '—';

/** With no-break spaces. */
function unbroken<A extends readonly unknown[]>(format: (...args: A) => string): (...args: A) => string {
  return (...args) => format(...args).replaceAll(' ', '\u00a0');
}

export const formatSeconds = unbroken(figures.formatSeconds);
export const formatCost = unbroken(figures.formatCost);
export const formatMilliseconds = unbroken(figures.formatMilliseconds);
export const formatBytes = unbroken(figures.formatBytes);
export const formatCount = unbroken(figures.formatCount);
export const formatShare = unbroken(figures.formatShare);
export { formatRatio };
export { formatShape, formatTimesRange } from '../../contracts/words/figures.ts';

/** As in contracts/words; a board without a quality shows NONE. */
function ofMetric<T>(format: (metric: Metric, value: T) => string): (metric: Metric | null, value: T) => string {
  return (metric, value) => (metric === null ? NONE : format(metric, value).replace(/ (?=\S*$)/, '\u00a0'));
}

export const formatQuality = ofMetric<number>(words.formatQuality);
export const formatQualityInterval = ofMetric<Estimate>(words.formatQualityInterval);
export const formatGap = ofMetric<number>(words.formatGap);
export const formatGapInterval = ofMetric<Estimate>(words.formatGapInterval);
export const formatPlainGap = ofMetric<number>(words.formatPlainGap);

export function gapUnit(metric: Metric | null): string {
  return metric === null ? '' : `\u00a0${words.gapUnit(metric)}`;
}

/** A figure of a history, formatted by its name in the list of changes. */
export function figureText(value: number, figure: string, metric: Metric | null): string {
  if (figure === 'size') return `${value.toLocaleString('en')}\u00a0B`;
  if (figure === 'quality') return formatQuality(metric, value);
  if (figure === 'compression cost') return formatSeconds(value);
  return formatRatio(value);
}
