/** Means over the seeds of a variant, field by field. All lists hold at least one entry. */
import type { Metric } from '../../contracts/dataset.ts';
import type { Cost, Distance, Estimate, Size } from '../../contracts/result.ts';
import type { LatencySummary } from '../../drizzle/queries.ts';
import { present } from '../../contracts/present.ts';

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The mean of a list that may be empty: null then. */
export function meanOf<T, M>(values: readonly T[], mean: (values: readonly T[]) => M): M | null {
  return values.length === 0 ? null : mean(values);
}

export function sampleDeviation(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}

export function meanEstimate(estimates: readonly Estimate[]): Estimate {
  return {
    value: mean(estimates.map(({ value }) => value)),
    low: mean(estimates.map(({ low }) => low)),
    high: mean(estimates.map(({ high }) => high)),
  };
}

/** Perplexities by their logarithms, the mean losses, which are what entries are compared by. */
export function meanQuality(metric: Metric, estimates: readonly Estimate[]): Estimate {
  if (metric !== 'perplexity' || estimates.length === 1) return meanEstimate(estimates);
  const scaled = (by: (figure: number) => number, { value, low, high }: Estimate): Estimate => ({
    value: by(value),
    low: by(low),
    high: by(high),
  });
  return scaled(Math.exp, meanEstimate(estimates.map((estimate) => scaled(Math.log, estimate))));
}

export function meanSize(sizes: readonly Size[]): Size {
  return meanFields(sizes);
}

export function meanDistance(distances: readonly Distance[]): Distance {
  const of = (name: keyof Distance): Estimate => meanEstimate(distances.map((distance) => distance[name]));
  return {
    deltaLogPerplexity: of('deltaLogPerplexity'),
    klDivergence: of('klDivergence'),
    sameTop: of('sameTop'),
    correctToIncorrect: of('correctToIncorrect'),
    incorrectToCorrect: of('incorrectToCorrect'),
  };
}

/** A figure that one of the seeds lacks is null: the mean of the others would pass for all. */
export function meanCost(costs: readonly Cost[]): Cost {
  const of = (name: 'wallSeconds' | 'cpuSeconds' | 'peakMemoryBytes' | 'tokensSeen' | 'gradientSteps') =>
    mean(costs.map((cost) => cost[name]));
  return {
    wallSeconds: of('wallSeconds'),
    cpuSeconds: of('cpuSeconds'),
    peakMemoryBytes: of('peakMemoryBytes'),
    tokensSeen: of('tokensSeen'),
    gradientSteps: of('gradientSteps'),
    deviceSeconds: meanOrNull(costs.map(({ deviceSeconds }) => deviceSeconds)),
    energyJoules: meanOrNull(costs.map(({ energyJoules }) => energyJoules)),
  };
}

/** By shape, in the order of the first seed: of the seeds with a steady timing; noisy, and of all, where no seed has one. */
export function meanLatency(bySeed: readonly (readonly LatencySummary[])[]): readonly LatencySummary[] {
  return [...Map.groupBy(bySeed.flat(), ({ shape }) => shape).values()].map((all) => {
    const steady = all.filter(({ noisy }) => !noisy);
    const latencies = steady.length > 0 ? steady : all;
    return {
      ...present(latencies[0], 'a timing of a shape'),
      p50Ms: mean(latencies.map(({ p50Ms }) => p50Ms)),
      p95Ms: mean(latencies.map(({ p95Ms }) => p95Ms)),
      denseP50Ms: mean(latencies.map(({ denseP50Ms }) => denseP50Ms)),
      speedUp: meanEstimate(latencies.map(({ speedUp }) => speedUp)),
      coefficientOfVariation: mean(latencies.map((latency) => latency.coefficientOfVariation)),
    };
  });
}

function meanOrNull(values: readonly (number | null)[]): number | null {
  const read = values.filter((value) => value !== null);
  return read.length < values.length ? null : mean(read);
}

function meanFields<T extends Record<string, number>>(records: readonly T[]): T {
  const names = Object.keys(records[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, mean(records.map((record) => record[name] ?? 0))])) as T;
}
