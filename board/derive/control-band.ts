/**
 * Whether a run can be believed: dense is measured beside every candidate, so what it scored and took tells whether machine
 * and harness are what they were.
 * - quality: on the same machine, model, test data and protocol, exactly what earlier runs have.
 * - latency: the run's median at each shape lies in a band learned from earlier runs on the same runner, in logarithms: their
 *   mean, give or take as many standard deviations as the next run stays within in 99 % of good nights, all places of the
 *   night together (Bonferroni), and no less than 10 %. Nights resemble each other, so that ten runs show less of the spread
 *   than ten independent ones would: the band is widened for it (autocorrelation pooled over the places).
 */
import type { DenseLatency, DenseQuality } from '../../drizzle/queries.ts';
import { pooledAutocorrelation } from '../../numerics/statistics/autocorrelation.ts';
import { mean, variance } from '../../numerics/statistics/statistics.ts';
import { studentQuantile } from '../../numerics/statistics/t-distribution.ts';

/** Fewer runs than this teach no band; latency is then not judged, and the report says so. */
export const LEAST_RUNS = 10;
/** Older runs say little of the machine as it is now. */
const MOST_RUNS = 30;
/** Share of good nights that may be rejected, over all places. */
const REJECTED_NIGHTS = 0.01;
const LEAST_HALF_WIDTH = Math.log(1.1);

export interface Band {
  readonly low: number;
  readonly high: number;
  /** How many runs it was learned from. */
  readonly runs: number;
}

export interface BandContext {
  /** Places that the night is judged at. */
  readonly places: number;
  /** Of a night with the one before: pooledAutocorrelation() of the places' logarithms. */
  readonly autocorrelation: number;
}

/** Of earlier values above 0, oldest first; null where they are too few. */
export function learnBand(values: readonly number[], { places, autocorrelation }: BandContext): Band | null {
  if (values.length < LEAST_RUNS) return null;
  const logs = recentLogs(values);
  const centre = mean(logs);
  const { scale, degreesOfFreedom } = nextValue(logs.length, autocorrelation);
  const deviations = -studentQuantile(REJECTED_NIGHTS / (2 * places), degreesOfFreedom) * scale;
  const halfWidth = Math.max(deviations * Math.sqrt(variance(logs)), LEAST_HALF_WIDTH);
  return { low: Math.exp(centre - halfWidth), high: Math.exp(centre + halfWidth), runs: logs.length };
}

function recentLogs(values: readonly number[]): number[] {
  return values.slice(-MOST_RUNS).map(Math.log);
}

/**
 * How far the next value of an autoregressive series lies from the mean of the last n, in their sample standard deviations,
 * and how many independent values their variance is worth (Bayley & Hammersley 1946).
 */
function nextValue(n: number, autocorrelation: number): { readonly scale: number; readonly degreesOfFreedom: number } {
  let [ofMean, withNext, ofSquares] = [1 / n, 0, 1];
  for (let lag = 1; lag <= n; lag++) {
    const correlation = autocorrelation ** lag;
    withNext += correlation / n;
    ofMean += (2 * (n - lag) * correlation) / n ** 2;
    ofSquares += (2 * (n - lag) * correlation ** 2) / n;
  }
  const sampleVariance = ((1 - ofMean) * n) / (n - 1);
  return {
    scale: Math.sqrt((1 + ofMean - 2 * withNext) / sampleVariance),
    degreesOfFreedom: Math.max(1, n / ofSquares - 1),
  };
}

export interface ControlFinding {
  readonly kind: 'quality' | 'latency';
  /** `tinyworld-gpt, tinyworld-perplexity` or `tinyworld-gpt, 8x128` */
  readonly place: string;
  /** `learning`: nothing earlier, or too little, to hold it against. */
  readonly state: 'as before' | 'out of control' | 'learning';
  readonly text: string;
}

/** Holds a run against those that started before it. Rejected is a run with any finding out of control. */
export function controlFindings(
  run: string,
  {
    qualities,
    latencies,
  }: { readonly qualities: readonly DenseQuality[]; readonly latencies: readonly DenseLatency[] },
): ControlFinding[] {
  return [...qualityFindings(run, qualities), ...latencyFindings(run, latencies)];
}

function qualityFindings(run: string, all: readonly DenseQuality[]): ControlFinding[] {
  const places = Map.groupBy(all, ({ model, task, under }) => JSON.stringify([model, task, under]));
  return [...places.values()].flatMap((rows): ControlFinding[] => {
    const own = rows.filter((row) => row.run === run);
    const [first] = own;
    if (!first) return [];
    const place = `${first.model}, ${first.task}`;
    const before = earlierThan(first, rows);
    const found = [...new Set(own.map(({ dense }) => dense))];
    const known = [...new Set(before.map(({ dense }) => dense))];
    if (found.length > 1) {
      const text = `dense scored differently beside different candidates of one run: ${found.join(', ')}`;
      return [{ kind: 'quality', place, state: 'out of control', text }];
    }
    if (known.length === 0) {
      return [{ kind: 'quality', place, state: 'learning', text: `dense ${first.dense}; nothing earlier` }];
    }
    return known.includes(first.dense)
      ? [{ kind: 'quality', place, state: 'as before', text: `dense ${first.dense}, as before` }]
      : [{ kind: 'quality', place, state: 'out of control', text: `dense ${first.dense}, before ${known.join(', ')}` }];
  });
}

function latencyFindings(run: string, all: readonly DenseLatency[]): ControlFinding[] {
  const places = Map.groupBy(all, ({ model, shape, under }) => JSON.stringify([model, shape, under]));
  const judged = [...places.values()].flatMap((rows) => {
    const own = rows.find((row) => row.run === run);
    return own ? [{ own, before: earlierThan(own, rows).map(({ denseP50Ms }) => denseP50Ms) }] : [];
  });
  const context: BandContext = {
    places: judged.length,
    autocorrelation: pooledAutocorrelation(judged.map(({ before }) => recentLogs(before))),
  };
  return judged.map(({ own, before }): ControlFinding => {
    const place = `${own.model}, ${own.shape}`;
    const band = learnBand(before, context);
    const took = `dense ${milliseconds(own.denseP50Ms)}`;
    if (!band) {
      const text = `${took}; ${before.length} earlier runs, a band takes ${LEAST_RUNS}`;
      return { kind: 'latency', place, state: 'learning', text };
    }
    const inside = own.denseP50Ms >= band.low && own.denseP50Ms <= band.high;
    const text = `${took}, band ${milliseconds(band.low)} to ${milliseconds(band.high)} from ${band.runs} runs`;
    return { kind: 'latency', place, state: inside ? 'as before' : 'out of control', text };
  });
}

function earlierThan<T extends { readonly run: string; readonly startedAt: string }>(own: T, rows: readonly T[]): T[] {
  return rows.filter(({ run, startedAt }) => run !== own.run && startedAt < own.startedAt);
}

function milliseconds(value: number): string {
  return `${value.toPrecision(3)} ms`;
}
