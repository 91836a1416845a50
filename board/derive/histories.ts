/**
 * How a variant's figures went from run to run, and where they changed. Changes are found by tests:
 * - quality: paired sign-flip test over items between consecutive points, on the seeds both have. Points with the same
 *   artifacts or with other test data are not tested.
 * - speed-up and cost of compressing: change of level (change-point.ts) in their logarithms, after the
 *   resemblance of a night to the one before is taken out, pooled over the board.
 * p-values of one figure, over all variants of a board, are adjusted by Benjamini & Hochberg and reported up to 5 %: of all
 * changes reported at most 5 % are false alarms on average, and where nothing has changed at all there is any in at most
 * 5 % of boards. Within a series that has changed, further changes are tested at 5 % each.
 * - size has no noise: another artifact with other bytes is a change.
 */
import type { HistoryRow } from '../../drizzle/queries.ts';
import { slugOf } from '../../drizzle/queries.ts';
import { mean, meanEstimate, meanOf } from './seed-means.ts';
import type { Metric } from '../../contracts/dataset.ts';
import type { Change, History, HistoryPoint } from '../../contracts/derived.ts';
import { InputError } from '../../contracts/errors.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';
import type { Items } from '../../contracts/result.ts';
import { outcomeValues, requireSameItems } from '../../numerics/statistics/item-statistics.ts';
import { pooledAutocorrelation } from '../../numerics/statistics/autocorrelation.ts';
import { changesAround, likelyChange } from '../../numerics/statistics/change-point.ts';
import { benjaminiHochberg, signFlipTests } from '../../numerics/statistics/significance.ts';
import { computeOf } from './cost-efficiency.ts';
import { present } from '../../contracts/present.ts';

const { bootstrapResamples: resamples, bootstrapSeed: seed, confidence } = PROTOCOL.quality;
export const FALSE_DISCOVERY_RATE = 1 - confidence;

/** Rows of one variant that one run made with one state of the code. */
interface Point {
  readonly rows: readonly HistoryRow[];
}

interface Series {
  readonly method: string;
  readonly variant: string;
  readonly points: readonly Point[];
}

/** A test of one figure: what it found, were it significant. */
interface Tested {
  readonly series: Series;
  readonly pValue: number;
  readonly changes: () => readonly Omit<Change, 'qValue'>[];
}

/** Quality steps of every variant, which do not depend on the runner. */
export type QualitySteps = readonly (Omit<Change, 'qValue' | 'pValue'> & {
  readonly name: string;
  readonly pValue: number;
})[];

export function qualitySteps(
  rows: readonly HistoryRow[],
  { metric, itemsOf }: { readonly metric: Metric; readonly itemsOf: (row: HistoryRow) => Items },
): QualitySteps {
  const found = seriesOf(rows).flatMap((series) =>
    series.points.flatMap((point, at) => {
      const before = series.points[at - 1];
      const pairs = before ? comparableSeeds(before, point) : [];
      if (pairs.every(([a, b]) => a.artifact === b.artifact)) return [];
      const values = pairedValues(pairs, { metric, itemsOf });
      if (!values) return [];
      const [first, second] = values;
      const [from, to] = [0, 1].map((side) => mean(pairs.map((pair) => qualityOf(pair[side] as HistoryRow)))) as [
        number,
        number,
      ];
      const differences = second.map((value, i) => value - present(first[i], 'an item of the first'));
      const better = metric === 'perplexity' ? to < from : to > from;
      const step = { name: nameOf(series), figure: 'quality', at, foundAt: at, before: from, after: to, better };
      return [{ step, differences }];
    }),
  );
  const pValues = signFlipTests({ columns: found.map(({ differences }) => differences), resamples, seed });
  return found.map(({ step }, i) => ({ ...step, pValue: present(pValues[i], `p-value ${i}`) }));
}

/** The metric's own column, means over the seeds of both sides; null where they were not scored on the same items. */
function pairedValues(
  pairs: readonly Pair[],
  { metric, itemsOf }: { readonly metric: Metric; readonly itemsOf: (row: HistoryRow) => Items },
): readonly [Float64Array, Float64Array] | null {
  const sides = [pairs.map(([before]) => itemsOf(before)), pairs.map(([, after]) => itemsOf(after))] as const;
  const [reference] = sides[0];
  if (!reference) return null;
  try {
    for (const items of sides.flat()) requireSameItems(reference, items);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
  const meanOver = (seeds: readonly Items[]) => {
    const columns = seeds.map((items) => outcomeValues(items, { metric }));
    return Float64Array.from(reference.ids, (_, i) => mean(columns.map((column) => column[i] ?? 0)));
  };
  return [meanOver(sides[0]), meanOver(sides[1])];
}

export function histories(
  rows: readonly HistoryRow[],
  { board, steps }: { readonly board: string; readonly steps: QualitySteps },
): History[] {
  const all = seriesOf(rows);
  const shapes = [...new Set(rows.flatMap(({ measurement }) => measurement?.latency.map(({ shape }) => shape) ?? []))];
  const byName = new Map(all.map((series) => [nameOf(series), series]));
  const ofQuality = steps.flatMap(({ name, ...change }): Tested[] => {
    const series = byName.get(name);
    return series ? [{ series, pValue: change.pValue, changes: () => [change] }] : [];
  });
  const found = [
    ...significant(ofQuality),
    ...all.flatMap(sizeChanges),
    ...levelChanges(all, { figure: 'compression cost', valueOf: computeSecondsOf, better: 'lower' }),
    ...shapes.flatMap((shape) =>
      levelChanges(all, {
        figure: `speed-up ${shape}`,
        valueOf: (point) => steadySpeedUp(point, shape),
        better: 'higher',
      }),
    ),
  ];
  const changes = Map.groupBy(found, ({ series }) => series);
  return all.map((series) => ({
    board,
    entry: slugOf(series.method, series.variant),
    id: `${series.method}/${series.variant}`,
    points: series.points.map((point) => historyPoint(point, shapes)),
    changes: (changes.get(series) ?? [])
      .map(({ change }) => change)
      .sort((a, b) => a.at - b.at || (a.figure < b.figure ? -1 : 1)),
  }));
}

interface Found {
  readonly series: Series;
  readonly change: Change;
}

function significant(tests: readonly Tested[]): Found[] {
  const adjusted = benjaminiHochberg(tests.map(({ pValue }) => pValue));
  return tests.flatMap(({ series, pValue, changes }, i) => {
    const qValue = present(adjusted[i], `q-value ${i}`);
    if (qValue > FALSE_DISCOVERY_RATE) return [];
    return changes().map((change) => ({
      series,
      change: { ...change, qValue: change.pValue === pValue ? qValue : null },
    }));
  });
}

function seriesOf(rows: readonly HistoryRow[]): Series[] {
  return [...Map.groupBy(rows, nameOf).values()].map((own) => {
    const points = [...Map.groupBy(own, (row) => JSON.stringify([row.run, row.code, row.modelRevision])).values()].map(
      (members) => ({ rows: members.toSorted((a, b) => a.seed - b.seed) }),
    );
    points.sort((a, b) => (startOf(a) < startOf(b) ? -1 : 1));
    const [first] = own as [HistoryRow];
    return { method: first.method, variant: first.variant, points };
  });
}

function nameOf({ method, variant }: { readonly method: string; readonly variant: string }): string {
  return JSON.stringify([method, variant]);
}

function startOf({ rows }: Point): string {
  return rows.reduce((first, { startedAt }) => (startedAt < first ? startedAt : first), rows[0]?.startedAt ?? '');
}

type Pair = readonly [HistoryRow, HistoryRow];

/** Rows of the seeds that both have a quality of, on the same test data. */
function comparableSeeds(before: Point, after: Point): Pair[] {
  return before.rows.flatMap((a) =>
    after.rows.flatMap((b): Pair[] => {
      if (a.seed !== b.seed || !a.evaluation?.quality || !b.evaluation?.quality) return [];
      return a.evaluation.datasetContentHash === b.evaluation.datasetContentHash ? [[a, b]] : [];
    }),
  );
}

function qualityOf(row: HistoryRow): number {
  return row.evaluation?.quality?.estimate.value ?? NaN;
}

function sizeChanges(series: Series): Found[] {
  return series.points.flatMap((point, at) => {
    const before = series.points[at - 1];
    const pairs = (before?.rows ?? []).flatMap((a) =>
      point.rows.flatMap((b) => (a.seed === b.seed && a.artifact && b.artifact ? [[a, b] as const] : [])),
    );
    if (pairs.every(([a, b]) => a.artifact === b.artifact)) return [];
    const [from, to] = [0, 1].map((side) => mean(pairs.map((pair) => pair[side as 0 | 1].zstdBytes ?? 0))) as [
      number,
      number,
    ];
    if (from === to) return [];
    const change = {
      figure: 'size',
      at,
      foundAt: at,
      before: from,
      after: to,
      pValue: null,
      qValue: null,
      better: to < from,
    };
    return [{ series, change }];
  });
}

interface LevelFigure {
  readonly figure: string;
  /** Above 0; null leaves the point out. */
  readonly valueOf: (point: Point) => number | null;
  readonly better: 'lower' | 'higher';
}

/** Changes of level that stand today, each with the night on which the rows up to then first showed it. */
function levelChanges(all: readonly Series[], figure: LevelFigure): Found[] {
  const known = new Map<string, readonly Found[]>();
  const until = (time: string): readonly Found[] => {
    const found =
      known.get(time) ??
      significant(
        levelTests(
          all.map((series) => seriesUntil(series, time)),
          figure,
        ),
      );
    known.set(time, found);
    return found;
  };
  return significant(levelTests(all, figure)).map(({ series, change }) => {
    const isIt = (earlier: Found): boolean =>
      nameOf(earlier.series) === nameOf(series) &&
      earlier.change.better === change.better &&
      Math.abs(earlier.change.at - change.at) <= SAME_CHANGE;
    const foundAt = series.points.findIndex((point, index) => index >= change.at && until(startOf(point)).some(isIt));
    return { series, change: { ...change, foundAt: foundAt < 0 ? series.points.length - 1 : foundAt } };
  });
}

/** The place of a change is not known to the night: within this many points it is the same change. */
const SAME_CHANGE = 3;

function seriesUntil(series: Series, time: string): Series {
  return { ...series, points: series.points.filter((point) => startOf(point) <= time) };
}

function levelTests(all: readonly Series[], { figure, valueOf, better }: LevelFigure): Tested[] {
  const logsOf = (series: Series) =>
    series.points.flatMap((point, index) => {
      const value = valueOf(point);
      return value !== null && value > 0 ? [{ index, log: Math.log(value) }] : [];
    });
  const known = all.map((series) => ({ series, values: logsOf(series) }));
  const autocorrelation = pooledAutocorrelation(known.map(({ values }) => values.map(({ log }) => log)));
  return known.flatMap(({ series, values }): Tested[] => {
    const logs = values.map(({ log }) => log);
    const first = likelyChange(logs, { autocorrelation });
    if (!first) return [];
    const changes = () =>
      changesAround(logs, { autocorrelation, first, level: FALSE_DISCOVERY_RATE }).map(
        ({ at, before, after, pValue }) => {
          const index = values[at]?.index ?? 0;
          return {
            figure,
            at: index,
            foundAt: index,
            before: Math.exp(before),
            after: Math.exp(after),
            pValue,
            better: better === 'lower' ? after < before : after > before,
          };
        },
      );
    return [{ series, pValue: first.pValue, changes }];
  });
}

function computeSecondsOf({ rows }: Point): number | null {
  const costs = rows.flatMap(({ cost, status }) => (cost && status === 'completed' ? [computeOf(cost)] : []));
  const units = new Set(costs.map(({ unit }) => unit));
  return units.size === 1 ? mean(costs.map(({ seconds }) => seconds)) : null;
}

function steadySpeedUp(point: Point, shape: string): number | null {
  const steady = speedUpsOf(point, shape).filter(({ noisy }) => !noisy);
  return meanOf(
    steady.map(({ speedUp }) => speedUp.value),
    mean,
  );
}

function speedUpsOf({ rows }: Point, shape: string) {
  return rows.flatMap(({ measurement }) => measurement?.latency.filter((latency) => latency.shape === shape) ?? []);
}

function historyPoint(point: Point, shapes: readonly string[]): HistoryPoint {
  const { rows } = point;
  const [first] = rows as readonly [HistoryRow];
  const qualities = rows.flatMap(({ evaluation }) => (evaluation?.quality ? [evaluation] : []));
  const sizes = rows.flatMap(({ zstdBytes }) => (zstdBytes === null ? [] : [zstdBytes]));
  const costs = rows.flatMap(({ cost, status }) => (cost && status === 'completed' ? [cost] : []));
  return {
    run: first.run,
    startedAt: startOf(point),
    code: first.code,
    dataset: qualities[0]?.datasetContentHash.slice(0, 12) ?? null,
    seeds: rows.length,
    completed: rows.filter(({ status }) => status === 'completed').length,
    completedSeeds: rows.flatMap(({ status, seed: own }) => (status === 'completed' ? [own] : [])),
    scoredSeeds: rows.flatMap(({ evaluation, seed: own }) => (evaluation?.quality ? [own] : [])),
    quality: meanOf(
      qualities.flatMap(({ quality }) => (quality ? [quality.estimate] : [])),
      meanEstimate,
    ),
    dense: meanOf(
      qualities.flatMap(({ quality }) => (quality ? [quality.dense] : [])),
      mean,
    ),
    zstdBytes: meanOf(sizes, mean),
    speedUps: shapes.flatMap((shape) => {
      const all = speedUpsOf(point, shape);
      const steady = all.filter(({ noisy }) => !noisy);
      const estimate = meanOf(
        (steady.length > 0 ? steady : all).map(({ speedUp }) => speedUp),
        meanEstimate,
      );
      return estimate ? [{ shape, estimate, noisy: steady.length === 0 }] : [];
    }),
    wallSeconds: meanOf(
      costs.map(({ wallSeconds }) => wallSeconds),
      mean,
    ),
    computeSeconds: computeSecondsOf(point),
  };
}
