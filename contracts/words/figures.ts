/** Number formats for people, in the terminal and on the site: short, with units, and consistent. */
import { isOnAllCores } from '../latency-shape.ts';
import { PROTOCOL } from '../protocol.ts';
import type { Estimate } from '../result.ts';

/** 3.712, 71.30, 142, 12,300, 1.9e6: three to four digits of any figure. */
export function formatFigure(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return '0';
  if (size >= 1e5 || size < 1e-4) return value.toExponential(1).replace('e+', 'e').replace('-', '−');
  if (size >= 1000) return Math.round(value).toLocaleString('en');
  return value.toFixed(size < 10 ? 3 : size < 100 ? 2 : 0).replace('-', '−');
}

/** 3.712 [3.690, 3.735] */
export function formatEstimate({ value, low, high }: Estimate, digits: number): string {
  return `${value.toFixed(digits)} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** A figure of any size with its interval: 3.712 [3.690, 3.735], 142 [137, 148], 1.9e6 [1.8e6, 2.1e6]. */
export function formatFigureEstimate({ value, low, high }: Estimate): string {
  const format = (figure: number): string => {
    if (value >= 10_000) return figure.toExponential(1).replace('e+', 'e');
    return figure.toFixed(value < 10 ? 3 : value < 100 ? 2 : 0);
  };
  return `${format(value)} [${format(low)}, ${format(high)}]`;
}

/** With its sign: +5.31, −1,204, 0.00. From 100,000 on in powers of ten. */
export function formatSigned(value: number): string {
  const size = Math.abs(value);
  const digits =
    size >= 1e5
      ? size.toExponential(0).replace('e+', 'e')
      : size >= 100
        ? Math.round(size).toLocaleString('en')
        : size.toFixed(size >= 10 ? 1 : 2);
  if (Number(digits.replaceAll(',', '')) === 0) return digits;
  return `${value < 0 ? '−' : '+'}${digits}`;
}

/** 4.62×, 12.3×, 198× */
export function formatRatio(ratio: number): string {
  return `${ratio < 10 ? ratio.toFixed(2) : ratio < 100 ? ratio.toFixed(1) : Math.round(ratio).toLocaleString('en')}×`;
}

/** "84 times", "1.4 times", "33 % of": how much of something, before its name. */
export function formatTimes(ratio: number): string {
  if (ratio >= 9.5) return `${Number(ratio.toPrecision(2)).toLocaleString('en')} times`;
  if (ratio >= 1.05) return `${ratio.toFixed(1)} times`;
  if (ratio > 0.95) return 'as much of';
  return `${(ratio * 100).toPrecision(2)} % of`;
}

/** "12 to 40 times"; as formatTimes where both ends are displayed alike. */
export function formatTimesRange(least: number, most: number): string {
  const digits = (ratio: number) =>
    ratio >= 9.5
      ? Number(ratio.toPrecision(2)).toLocaleString('en')
      : ratio >= 1.05
        ? ratio.toFixed(1)
        : ratio.toPrecision(2);
  return digits(least) === digits(most) ? formatTimes(most) : `${digits(least)} to ${digits(most)} times`;
}

/** 12.4 ms, 3.4 s, 2.1 min, 1.5 h */
export function formatSeconds(seconds: number): string {
  if (seconds < 0.001) return `${Number((seconds * 1e6).toPrecision(3))} µs`;
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  if (seconds < 7200) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** The cost of compressing: 3.4 s; "< 0.2 s" where it is not distinguished from zero. */
export function formatCost(seconds: number): string {
  const { leastSeconds } = PROTOCOL.cost;
  return seconds < leastSeconds ? `< ${leastSeconds} s` : formatSeconds(seconds);
}

export function formatMilliseconds(ms: number): string {
  return formatSeconds(ms / 1000);
}

/** 812 B, 271 kB, 1.06 MB: decimal units. */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${Math.round(bytes)} B`;
  if (bytes < 1e6) return `${(bytes / 1000).toFixed(0)} kB`;
  const unit = bytes < 1e9 ? 1e6 : 1e9;
  const value = bytes / unit;
  const places = value < 10 ? 2 : value < 100 ? 1 : 0;
  return `${value.toFixed(places)} ${unit === 1e6 ? 'MB' : 'GB'}`;
}

/** 960, 12,300, 962 k, 134.5 M, 1.24 G */
export function formatCount(count: number): string {
  if (count < 1e5) return Math.round(count).toLocaleString('en');
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} k`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} M` : `${(count / 1e9).toPrecision(3)} G`;
}

/** 71.3 %, 0.04 % */
export function formatShare(share: number): string {
  return `${(share * 100).toFixed(share > 0 && share < 0.01 ? 2 : 1)} %`;
}

/** 2026-11-23, 06:54 UTC */
export function formatTime(iso: string): string {
  return `${iso.slice(0, 10)}, ${iso.slice(11, 16)} UTC`;
}

export function formatDay(iso: string): string {
  return iso.slice(0, 10);
}

/** "1 token", "8 × 128 tokens", "8 × 128 tokens on all cores" */
export function formatShape({
  shape,
  batch,
  sequence,
}: {
  readonly shape: string;
  readonly batch: number;
  readonly sequence: number;
}): string {
  const where = isOnAllCores(shape) ? ' on all cores' : '';
  if (batch === 1) return (sequence === 1 ? '1 token' : `${sequence} tokens`) + where;
  return `${batch} × ${sequence} tokens${where}`;
}

/** 1 variant, 3 variants */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}
