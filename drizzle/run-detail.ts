/** What one run wrote, row by row, and all corrections: for the site's pages. */
import { and, asc, desc, eq, lt, sql } from 'drizzle-orm';
import type { LedgerEntry, RunRowSummary } from '../contracts/derived.ts';
import type { Status } from '../contracts/result.ts';
import type { Store } from './client.ts';
import type { ResultTable } from './insert.ts';
import { corrections, evaluations, measurements, trials } from './schema.ts';

const none = { task: null, runner: null };

/** Every row of a run: trials, evaluations, measurements, each by time. Empty for an unknown run. */
export function rowsOfRun({ database }: Store, run: string): readonly RunRowSummary[] {
  const common = (table: ResultTable) => ({
    key: table.key,
    method: trials.method,
    variant: trials.variant,
    model: trials.model,
    seed: trials.seed,
    effective: table.effective,
    status: table.status,
    reason: table.reason,
    startedAt: table.startedAt,
    wallSeconds: table.wallSeconds,
  });
  const order = (table: ResultTable) => [asc(table.startedAt), asc(table.id)];
  // A repeated trial has several rows under its key, all of the same variant, model and seed.
  const oneTrial = (table: typeof evaluations | typeof measurements) =>
    sql`${trials.id} = (select min(same.id) from ${trials} as same where same.key = ${table.trial})`;
  const ofTrials = database
    .select(common(trials))
    .from(trials)
    .where(eq(trials.run, run))
    .orderBy(...order(trials));
  const ofEvaluations = database
    .select({ ...common(evaluations), trial: evaluations.trial, task: evaluations.task })
    .from(evaluations)
    .leftJoin(trials, oneTrial(evaluations))
    .where(eq(evaluations.run, run))
    .orderBy(...order(evaluations));
  const ofMeasurements = database
    .select({ ...common(measurements), trial: measurements.trial, runner: measurements.runnerFingerprint })
    .from(measurements)
    .leftJoin(trials, oneTrial(measurements))
    .where(eq(measurements.run, run))
    .orderBy(...order(measurements));
  // The union of tables hides from drizzle's types which columns a left join may leave null.
  return [
    ...ofTrials.all().map((row) => ({ kind: 'trial', ...none, ...row, trial: row.key })),
    ...ofEvaluations.all().map((row) => ({ kind: 'evaluation', ...none, ...row })),
    ...ofMeasurements.all().map((row) => ({ kind: 'measurement', ...none, ...row })),
  ] as RunRowSummary[];
}

/** Whether corrections withdrew all rows of a run. */
export function isWithdrawn({ database }: Store, run: string): boolean {
  return [trials, evaluations, measurements].every((table) => {
    const left = sql`not exists (
      select 1 from ${corrections} where ${corrections.key} = ${table.key} and ${corrections.run} = ${table.run}
      and ${corrections.action} = 'withdraw'
    )`;
    return !database
      .select({ id: table.id })
      .from(table)
      .where(and(eq(table.run, run), left))
      .limit(1)
      .get();
  });
}

/** The previous result of the same step, with whatever code; null where there is none. */
export function statusBefore({ database }: Store, row: RunRowSummary): Status | null {
  const { method, variant, model, seed, startedAt } = row;
  if (method === null || variant === null || model === null || seed === null) return null;
  const same = and(
    eq(trials.method, method),
    eq(trials.variant, variant),
    eq(trials.model, model),
    eq(trials.seed, seed),
  );
  if (row.kind === 'trial') {
    const found = database.select({ status: trials.status }).from(trials);
    const before = found.where(and(same, lt(trials.startedAt, startedAt))).orderBy(desc(trials.startedAt));
    return before.limit(1).get()?.status ?? null;
  }
  const table = row.kind === 'evaluation' ? evaluations : measurements;
  const place =
    row.kind === 'evaluation'
      ? eq(evaluations.task, row.task ?? '')
      : eq(measurements.runnerFingerprint, row.runner ?? '');
  const found = database
    .select({ status: table.status })
    .from(trials)
    .innerJoin(table, eq(table.trial, trials.key))
    .where(and(same, place, lt(table.startedAt, startedAt)))
    .orderBy(desc(table.startedAt));
  return found.limit(1).get()?.status ?? null;
}

/** All corrections, newest first, each with its row. */
export function correctionLedger({ database }: Store): readonly LedgerEntry[] {
  const found = database.select().from(corrections).all();
  const place = (key: string, run: string) => {
    const at = (table: ResultTable) => and(eq(table.key, key), eq(table.run, run));
    const trial = database.select().from(trials).where(at(trials)).get();
    if (trial) return { kind: 'trial' as const, trial: key, task: null };
    const evaluation = database.select().from(evaluations).where(at(evaluations)).get();
    if (evaluation) return { kind: 'evaluation' as const, trial: evaluation.trial, task: evaluation.task };
    const measurement = database.select().from(measurements).where(at(measurements)).get();
    if (measurement) return { kind: 'measurement' as const, trial: measurement.trial, task: null };
    return { kind: null, trial: null, task: null };
  };
  const named = (key: string | null) =>
    key === null
      ? undefined
      : database
          .select({ method: trials.method, variant: trials.variant, model: trials.model })
          .from(trials)
          .where(eq(trials.key, key))
          .limit(1)
          .get();
  return found
    .map((correction) => {
      const at = place(correction.key, correction.run);
      const trial = named(at.trial) ?? { method: null, variant: null, model: null };
      return { ...correction, ...at, ...trial };
    })
    .sort((a, b) => compare(b.date, a.date) || compare(a.key, b.key) || compare(a.reason, b.reason));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
