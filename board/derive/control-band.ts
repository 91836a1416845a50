/**
 * Whether a run can be believed: dense is measured beside every candidate, so what it scored and took tells whether machine
 * and harness are what they were.
 * - quality: on the same machine, model, test data and protocol, exactly what earlier runs have.
 * - latency: the run's median at each shape lies in a band learned from earlier runs on the same runner: their median, give
 *   or take four robust standard deviations (1.4826 × median absolute deviation) of their logarithms, and no less than 10 %.
 *   Four, since a night checks many shapes; 10 %, since machines that are quiet for a week are not so for ever.
 */
import type { DenseLatency, DenseQuality } from '../../drizzle/queries.ts';
import { quantile } from '../../numerics/statistics/statistics.ts';

/** Fewer runs than this teach no band; latency is then not judged, and the report says so. */
export const LEAST_RUNS = 5;
/** Older runs say little of the machine as it is now. */
const MOST_RUNS = 30;
const DEVIATIONS = 4;
const LEAST_HALF_WIDTH = Math.log(1.1);
const MAD_TO_DEVIATION = 1.4826;

export interface Band {
  readonly low: number;
  readonly high: number;
  /** How many runs it was learned from. */
  readonly runs: number;
}

/** Of earlier values above 0, oldest first; null where they are too few. */
export function learnBand(values: readonly number[]): Band | null {
  if (values.length < LEAST_RUNS) return null;
  const logs = values.slice(-MOST_RUNS).map(Math.log);
  const centre = quantile(logs, 0.5);
  const deviation =
    MAD_TO_DEVIATION *
    quantile(
      logs.map((log) => Math.abs(log - centre)),
      0.5,
    );
  const halfWidth = Math.max(DEVIATIONS * deviation, LEAST_HALF_WIDTH);
  return { low: Math.exp(centre - halfWidth), high: Math.exp(centre + halfWidth), runs: logs.length };
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
  return [...places.values()].flatMap((rows): ControlFinding[] => {
    const own = rows.find((row) => row.run === run);
    if (!own) return [];
    const place = `${own.model}, ${own.shape}`;
    const before = earlierThan(own, rows).map(({ denseP50Ms }) => denseP50Ms);
    const band = learnBand(before);
    const took = `dense ${milliseconds(own.denseP50Ms)}`;
    if (!band) {
      const text = `${took}; ${before.length} earlier runs, a band takes ${LEAST_RUNS}`;
      return [{ kind: 'latency', place, state: 'learning', text }];
    }
    const inside = own.denseP50Ms >= band.low && own.denseP50Ms <= band.high;
    const text = `${took}, band ${milliseconds(band.low)} to ${milliseconds(band.high)} from ${band.runs} runs`;
    return [{ kind: 'latency', place, state: inside ? 'as before' : 'out of control', text }];
  });
}

function earlierThan<T extends { readonly run: string; readonly startedAt: string }>(own: T, rows: readonly T[]): T[] {
  return rows.filter(({ run, startedAt }) => run !== own.run && startedAt < own.startedAt);
}

function milliseconds(value: number): string {
  return `${value.toPrecision(3)} ms`;
}
