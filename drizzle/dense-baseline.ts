/**
 * Quality and time of the dense model in each run: it is measured again beside every candidate and shows changes of
 * machine and harness.
 */
import { and, eq, sql } from 'drizzle-orm';
import { notWithdrawn } from './board-rows.ts';
import type { Store } from './client.ts';
import { evaluations, latencyShapes, measurements, runs, trials } from './schema.ts';

export interface DenseQuality {
  readonly run: string;
  readonly startedAt: string;
  readonly model: string;
  readonly task: string;
  /** Machine, model revision, test data and protocol: if these are equal, dense scores are bit-identical. */
  readonly under: string;
  readonly dense: number;
  /** Number of rows of the run with this value. */
  readonly rows: number;
}

export interface DenseLatency {
  readonly run: string;
  readonly startedAt: string;
  readonly model: string;
  readonly shape: string;
  /** Runner, model revision and protocol. */
  readonly under: string;
  /** Median over the run's rows of dense's median time. */
  readonly denseP50Ms: number;
  readonly rows: number;
}

/** Number of runs considered; older ones say little about the present state of machines. */
const NEWEST_RUNS = 200;

/** For the newest runs, by time of start; withdrawn rows excluded. */
export function denseQualities({ database }: Store): readonly DenseQuality[] {
  return database
    .select({
      run: runs.id,
      startedAt: runs.startedAt,
      model: trials.model,
      task: evaluations.task,
      under: sql<string>`hex(${trials.modelRevision}) || ' ' || hex(${evaluations.datasetContentHash}) || ' ' || ${evaluations.machine} || ' ' || ${evaluations.protocol}`,
      dense: sql<number>`${evaluations.dense}`,
      rows: sql<number>`count(*)`,
    })
    .from(evaluations)
    .innerJoin(runs, eq(runs.id, evaluations.run))
    .innerJoin(trials, ofTrial(evaluations))
    .where(and(eq(evaluations.status, 'completed'), notWithdrawn(evaluations), amongNewest()))
    .groupBy(
      runs.id,
      trials.model,
      trials.modelRevision,
      evaluations.task,
      evaluations.datasetContentHash,
      evaluations.machine,
      evaluations.protocol,
      evaluations.dense,
    )
    .orderBy(runs.startedAt, runs.id, trials.model, evaluations.task, evaluations.dense)
    .all();
}

/** For the newest runs, by time of start; withdrawn rows excluded. */
export function denseLatencies({ database }: Store): readonly DenseLatency[] {
  const found = database
    .select({
      run: runs.id,
      startedAt: runs.startedAt,
      model: trials.model,
      shape: latencyShapes.shape,
      under: sql<string>`hex(${trials.modelRevision}) || ' ' || ${measurements.runnerFingerprint} || ' ' || ${measurements.protocol}`,
      denseP50Ms: latencyShapes.denseP50Ms,
    })
    .from(measurements)
    .innerJoin(latencyShapes, eq(latencyShapes.measurement, measurements.id))
    .innerJoin(runs, eq(runs.id, measurements.run))
    .innerJoin(trials, ofTrial(measurements))
    .where(and(notWithdrawn(measurements), amongNewest()))
    .orderBy(runs.startedAt, runs.id, trials.model, latencyShapes.ordinal, latencyShapes.denseP50Ms)
    .all();
  const groups = Map.groupBy(found, ({ run, model, shape, under }) => JSON.stringify([run, model, shape, under]));
  return [...groups.values()].map((rows) => {
    const middle = rows[Math.floor(rows.length / 2)] as (typeof rows)[number];
    return { ...middle, rows: rows.length };
  });
}

/** One row of the trial, which may have several; model and revision follow from the key. */
function ofTrial(table: typeof evaluations | typeof measurements) {
  return sql`${trials.id} = (select min(same.id) from ${trials} as same where same.key = ${table.trial})`;
}

function amongNewest() {
  return sql`${runs.id} in (select newest.id from ${runs} as newest order by newest.started_at desc limit ${NEWEST_RUNS})`;
}
