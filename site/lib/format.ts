/** Numbers as the site shows them: short, with units, one spelling everywhere. */
import type { Estimate, Status } from '../../drizzle/queries.ts';
import type { MetricId } from './metric.ts';

export const NONE = '—';

/** 3.712, 71.3, 142, 12,300, 1.9e6: three to four digits of any figure. */
export function formatFigure(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace('e+', 'e').replace('-', '−');
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return signed(value.toFixed(size < 10 ? 3 : size < 100 ? 2 : 0));
}

/** A minus sign as wide as a plus. */
function signed(text: string): string {
  return text.replace('-', '−');
}

/** Of a task's metric: 4.012, or 71.3 % where it is a share. */
export function formatQuality(metric: MetricId | null, value: number): string {
  return metric === 'perplexity' || metric === null ? formatFigure(value) : `${(value * 100).toFixed(1)}\u00a0%`;
}

/** [3.850, 4.210] */
export function formatQualityInterval(metric: MetricId | null, { low, high }: Estimate): string {
  if (metric === 'perplexity' || metric === null) return `[${formatFigure(low)}, ${formatFigure(high)}]`;
  return `[${(low * 100).toFixed(1)}, ${(high * 100).toFixed(1)}]\u00a0%`;
}

/** A difference as people say it: +5.3 %, −1.3 points. */
export function formatGap(metric: MetricId | null, value: number): string {
  return `${formatSigned(value)}${gapUnit(metric)}`;
}

export function formatGapInterval(metric: MetricId | null, { low, high }: Estimate): string {
  return `[${formatSigned(low)}, ${formatSigned(high)}]${gapUnit(metric)}`;
}

export function gapUnit(metric: MetricId | null): string {
  return metric === 'perplexity' || metric === null ? '\u00a0%' : '\u00a0points';
}

/** Percentages of bad perplexities run into millions; one digit behind the point is enough below a hundred. */
export function formatSigned(value: number): string {
  const size = Math.abs(value);
  const digits = size >= 1e5 ? size.toExponential(0).replace('e+', 'e') : decimals(size);
  if (Number(digits.replaceAll(',', '')) === 0) return digits;
  return `${value < 0 ? '−' : '+'}${digits}`;
}

/** Without a sign, for sentences that have a word for it. */
export function formatPlainGap(metric: MetricId | null, value: number): string {
  return `${formatSigned(value).replace(/^[−+]/, '')}${gapUnit(metric)}`;
}

function decimals(size: number): string {
  if (size >= 100) return Math.round(size).toLocaleString('en');
  return size.toFixed(size >= 10 ? 1 : 2);
}

/** 4.62× */
export function formatRatio(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en')}×`;
}

/** "84 times", "1.4 times", "a third of": how much of something, before its name. */
export function formatTimes(ratio: number): string {
  if (ratio >= 9.5) return `${Number(ratio.toPrecision(2)).toLocaleString('en')} times`;
  if (ratio >= 1.05) return `${ratio.toFixed(1)} times`;
  if (ratio > 0.95) return 'as much of';
  return `${(ratio * 100).toPrecision(2)} % of`;
}

/** 12 ms, 3.4 s, 2.1 min, 1.5 h */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.001) return `${Number((seconds * 1e6).toPrecision(3))}\u00a0µs`;
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))}\u00a0ms`;
  if (seconds < 120) return `${seconds.toFixed(1)}\u00a0s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)}\u00a0min`;
  return `${(seconds / 3600).toFixed(1)}\u00a0h`;
}

export function formatMilliseconds(ms: number): string {
  return formatSeconds(ms / 1000);
}

/** 812 B, 271 kB, 1.06 MB: decimal, as files are sold. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)}\u00a0B`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(0)}\u00a0kB`;
  const unit = bytes < 1e9 ? 1e6 : 1e9;
  const value = bytes / unit;
  const places = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(places)}\u00a0${unit === 1e6 ? 'MB' : 'GB'}`;
}

export function formatCount(count: number): string {
  if (count < 1e5) return Math.round(count).toLocaleString('en');
  if (count < 1e6) return `${(count / 1e3).toFixed(0)}\u00a0k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)}\u00a0M` : `${(count / 1e9).toPrecision(3)}\u00a0G`;
}

export function formatShare(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)}\u00a0%`;
}

/** 2026-11-23, 06:54 UTC */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 10)}, ${iso.slice(11, 16)} UTC`;
}

export function formatDay(iso: string): string {
  return iso.slice(0, 10);
}

/** "1 token", "8 × 128 tokens" */
export function formatShape({ batch, sequence }: { readonly batch: number; readonly sequence: number }): string {
  if (batch === 1) return sequence === 1 ? '1 token' : `${sequence} tokens`;
  return `${batch} × ${sequence} tokens`;
}

export const STATUS_WORDS: Readonly<Record<Status, string>> = {
  completed: 'completed',
  unsupported: 'unsupported',
  failed: 'failed',
  timeout: 'timeout',
  'out-of-memory': 'out of memory',
  invalid: 'invalid',
};

/** 1 variant, 3 variants */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

/** A figure of a history, by the name that its changes bear. */
export function figureText(value: number, figure: string, metric: MetricId | null): string {
  if (figure === 'size') return `${value.toLocaleString('en')}\u00a0B`;
  if (figure === 'quality') return formatQuality(metric, value);
  if (figure === 'compression cost') return formatSeconds(value);
  return formatRatio(value);
}
