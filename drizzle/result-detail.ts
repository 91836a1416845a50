/** All that is known of one trial, as the site shows it: everything but per-item outcomes. */
import { asc, desc, eq } from 'drizzle-orm';
import { costClassOf } from '../harness/contracts/method.ts';
import type { Result } from '../harness/contracts/derived.ts';
import { InputError } from '../harness/contracts/errors.ts';
import type { Store, StoreDatabase } from './client.ts';
import { correctionsOf } from './correction.ts';
import { artifactOf, costOf, distanceOf, latencyOf, machineOf, qualityOf } from './row-columns.ts';
import { artifacts, evaluations, latencyShapes, machines, measurements, runs, trials } from './schema.ts';
import { slugOf } from './slug.ts';

/** Throws InputError when the store holds no trial under this key. */
export function resultDetail(store: Store, key: string): Result {
  const found = trialsUnder(store.database, key);
  const [first] = found;
  if (!first) throw new InputError(`trial "${key}": the store holds none under this key`);
  const { trial } = first;
  const evaluated = evaluationsOf(store, key);
  return {
    key,
    entry: slugOf(trial.method, trial.variant),
    method: trial.method,
    variant: trial.variant,
    family: trial.family,
    access: trial.access,
    costClass: costClassOf(trial.access),
    control: trial.control,
    params: JSON.parse(trial.params) as Record<string, unknown>,
    model: trial.model,
    modelRevision: trial.modelRevision,
    methodSource: trial.methodSource,
    data: trial.dataset === null ? null : { dataset: trial.dataset, contentHash: trial.datasetContentHash ?? '' },
    seed: trial.seed,
    protocol: trial.protocol,
    command: commandOf({
      suite: first.run.suite,
      method: trial.method,
      variant: trial.variant,
      model: trial.model,
      seed: trial.seed,
      tasks: [...new Set(evaluated.map(({ task }) => task))],
    }),
    trials: found.map(({ trial: row, run, machine, artifact }) => ({
      ...rowOf(store, row, machine),
      commit: run.commit,
      notes: JSON.parse(row.notes) as string[],
      simulated: row.simulated,
      artifact: artifact && artifactOf(artifact),
      cost: costOf(row),
    })),
    evaluations: evaluated,
    measurements: measurementsOf(store, key),
  };
}

function trialsUnder(database: StoreDatabase, key: string) {
  return database
    .select({ trial: trials, run: runs, machine: machines, artifact: artifacts })
    .from(trials)
    .innerJoin(runs, eq(trials.run, runs.id))
    .innerJoin(machines, eq(trials.machine, machines.fingerprint))
    .leftJoin(artifacts, eq(trials.artifact, artifacts.id))
    .where(eq(trials.key, key))
    .orderBy(desc(trials.effective), desc(trials.startedAt), asc(trials.id))
    .all();
}

function evaluationsOf(store: Store, trial: string): Result['evaluations'] {
  return store.database
    .select({ row: evaluations, machine: machines })
    .from(evaluations)
    .innerJoin(machines, eq(evaluations.machine, machines.fingerprint))
    .where(eq(evaluations.trial, trial))
    .orderBy(desc(evaluations.effective), asc(evaluations.task), desc(evaluations.startedAt), asc(evaluations.id))
    .all()
    .map(({ row, machine }) => ({
      ...rowOf(store, row, machine),
      key: row.key,
      artifact: row.artifact,
      task: row.task,
      dataset: { dataset: row.dataset, contentHash: row.datasetContentHash },
      inSample: row.inSample,
      sessionOptions: JSON.parse(row.sessionOptions) as Result['evaluations'][number]['sessionOptions'],
      wallSeconds: row.wallSeconds,
      quality: row.status === 'completed' ? qualityOf(row) : null,
      distance: row.status === 'completed' ? distanceOf(row) : null,
    }));
}

function measurementsOf(store: Store, trial: string): Result['measurements'] {
  const { database } = store;
  return database
    .select({ row: measurements, machine: machines })
    .from(measurements)
    .innerJoin(machines, eq(measurements.machine, machines.fingerprint))
    .where(eq(measurements.trial, trial))
    .orderBy(
      desc(measurements.effective),
      asc(measurements.runnerFingerprint),
      desc(measurements.startedAt),
      asc(measurements.id),
    )
    .all()
    .map(({ row, machine }) => ({
      ...rowOf(store, row, machine),
      key: row.key,
      artifact: row.artifact,
      runner: { fingerprint: row.runnerFingerprint, provider: row.provider },
      threads: row.threads,
      sessionOptions: JSON.parse(row.sessionOptions) as Result['measurements'][number]['sessionOptions'],
      wallSeconds: row.wallSeconds,
      latency: database
        .select()
        .from(latencyShapes)
        .where(eq(latencyShapes.measurement, row.id))
        .orderBy(asc(latencyShapes.ordinal))
        .all()
        .map(latencyOf),
      residentMemoryBytes: row.residentMemoryBytes,
      denseResidentMemoryBytes: row.denseResidentMemoryBytes,
      placement:
        row.placement === null ? null : (JSON.parse(row.placement) as Result['measurements'][number]['placement']),
    }));
}

type Row = Pick<typeof trials.$inferSelect, 'key' | 'effective' | 'run' | 'status' | 'reason' | 'startedAt'>;

function rowOf(store: Store, row: Row, machine: typeof machines.$inferSelect) {
  return {
    effective: row.effective,
    run: row.run,
    status: row.status,
    reason: row.reason,
    startedAt: row.startedAt,
    machine: machineOf(machine),
    corrections: correctionsOf(store, row.key, row.run).map(({ action, reason, date }) => ({ action, reason, date })),
  };
}

/** What a shell takes as one word, whatever the shell. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

function commandOf(of: {
  readonly suite: string;
  readonly method: string;
  readonly variant: string;
  readonly model: string;
  readonly seed: number;
  readonly tasks: readonly string[];
}): string | null {
  if (![of.suite, of.method, of.variant, of.model, ...of.tasks].every((word) => WORD.test(word))) return null;
  const tasks = of.tasks.length > 0 ? ` --tasks ${of.tasks.join(',')}` : '';
  return (
    `npm run shrinkrank -- run --suite ${of.suite} --models ${of.model} --methods ${of.method}/${of.variant}` +
    `${tasks} --seeds ${of.seed}`
  );
}
