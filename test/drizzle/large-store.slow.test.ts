/**
 * A store of many rows: the board's queries still give the right rows, and the run prints what they take. 100,000
 * evaluations by default; `SHRINKRANK_STORE_ROWS=1000000 npx vitest run test/drizzle/large-store` for the full size.
 */
import { statSync } from 'node:fs';
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { exportRows, lineOf } from '../../drizzle/export.ts';
import { importRows } from '../../drizzle/import.ts';
import * as queries from '../../drizzle/queries.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import * as schema from '../../drizzle/schema.ts';
import { evaluationOf, measurementOf, runOf, trialOf } from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';

const EVALUATIONS = Number(process.env.SHRINKRANK_STORE_ROWS ?? 100_000);
const TASKS = 10;
const MODELS = 10;
const SEEDS = 4;
const VARIANTS_PER_METHOD = 10;
const GENERATIONS = 5;
const RECORDED = 200;
/** Trials of a night's plan. */
const PLANNED = 1000;

const TABLES: Readonly<Record<string, SQLiteTable>> = {
  artifacts: schema.artifacts,
  trials: schema.trials,
  evaluations: schema.evaluations,
  evaluation_items: schema.evaluationItems,
  measurements: schema.measurements,
  latency_shapes: schema.latencyShapes,
};

const report: string[] = [];

function timed<T>(what: string, action: () => T, per = 1): T {
  const start = process.hrtime.bigint();
  const result = action();
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  report.push(per === 1 ? `${what}: ${ms.toFixed(1)} ms` : `${what}: ${Math.round((per * 1000) / ms)} rows/s`);
  return result;
}

describe('a large store', () => {
  it(`answers over ${EVALUATIONS} evaluations`, () => {
    const store = temporaryStore();
    const { $client } = store.database;
    recordRun(store, runOf());
    const trials = Array.from({ length: RECORDED }, (_, i) => trialOf({ identity: { seed: i, model: 'recorded' } }));
    timed('trials, one commit each', () => trials.forEach((trial) => recordTrial(store, trial)), RECORDED);
    const evaluations = trials.map((trial) => evaluationOf(trial, { itemCount: 60 }));
    timed(
      'evaluations of 60 items, one commit each',
      () => evaluations.forEach((row) => recordEvaluation(store, row)),
      RECORDED,
    );
    const measurements = trials.map((trial) => measurementOf(trial));
    timed(
      'measurements, one commit each',
      () => measurements.forEach((row) => recordMeasurement(store, row)),
      RECORDED,
    );
    const lines = timed('export', () => [...exportRows(store)].map(lineOf), 3 * RECORDED + 1);
    report.push(`export: ${Math.round(lines.join('').length / RECORDED)} bytes per variant on one task`);
    timed('import', () => importRows(temporaryStore(), lines, { where: 'lines' }), 3 * RECORDED + 1);

    // Copies of one recorded row, varied in SQL: a million through the recording functions would take many minutes.
    const trialCount = EVALUATIONS / TASKS;
    $client.pragma('cache_size = -1000000');
    timed('copying rows in SQL', () =>
      $client.exec(`
        create temp table series as with recursive n(i) as (select 0 union all select i + 1 from n where i < ${trialCount - 1}) select i from n;
        ${copyOf('artifacts', { id: '1000000 + i', sha256: 'randomblob(32)', digest: 'randomblob(32)' }, 'series')}
        ${copyOf(
          'trials',
          {
            id: '1000000 + i',
            key: 'randomblob(32)',
            digest: 'randomblob(32)',
            artifact: '1000000 + i',
            model: `'model-' || (i % ${MODELS})`,
            seed: `i / ${MODELS} % ${SEEDS}`,
            started_at: `printf('2026-01-%02dT00:00:00.000Z', 1 + i / ${MODELS * SEEDS} % ${GENERATIONS})`,
            variant: `'w' || (i / ${MODELS * SEEDS * GENERATIONS} % ${VARIANTS_PER_METHOD})`,
            method: `'method-' || (i / ${MODELS * SEEDS * GENERATIONS * VARIANTS_PER_METHOD})`,
          },
          'series',
        )}
        ${copyOf(
          'evaluations',
          {
            id: '1000000 + id',
            key: 'randomblob(32)',
            digest: 'randomblob(32)',
            trial: 'key',
            artifact: 'sha256',
            task: `'task-' || task`,
          },
          `(select t.id * ${TASKS} + n.i as id, t.key, a.sha256, n.i as task from trials t join artifacts a on a.id = t.artifact
            join (select i from series where i < ${TASKS}) n where t.id >= 1000000)`,
        )}
        ${copyOf('evaluation_items', { evaluation: 'id' }, '(select id from evaluations where id >= 1000000)')}
        ${copyOf(
          'measurements',
          { id: 'id', key: 'randomblob(32)', digest: 'randomblob(32)', trial: 'key', artifact: 'sha256' },
          '(select t.id, t.key, a.sha256 from trials t join artifacts a on a.id = t.artifact where t.id >= 1000000)',
        )}
        ${copyOf('latency_shapes', { measurement: 'id' }, '(select id from measurements where id >= 1000000)')}
      `),
    );
    $client.pragma('wal_checkpoint(TRUNCATE)');
    $client.pragma('cache_size = -65536');
    report.push(`file: ${(statSync(store.path).size / 2 ** 20).toFixed(0)} MiB, ${trialCount} trials`);

    const request = { model: 'model-3', task: 'task-7', protocol: PROTOCOL.version };
    for (const round of ['first', 'again', 'again']) {
      const board = timed(`board, ${round}`, () => queries.readBoard(store, request));
      const seeds = board.variants.flatMap((variant) => variant.trials);
      expect(seeds.length).toBe(trialCount / MODELS / GENERATIONS);
      expect(seeds.every(({ startedAt }) => startedAt.startsWith(`2026-01-0${GENERATIONS}`))).toBe(true);
      expect(
        seeds.every(({ evaluation, measurement }) => evaluation?.quality && measurement?.latency.length === 2),
      ).toBe(true);
    }
    const entry = queries.readBoard(store, request).variants[0]!;
    const of = { model: request.model, task: request.task, method: entry.method, variant: entry.variant };
    expect(timed('history', () => queries.history(store, of))).toHaveLength(SEEDS * GENERATIONS);
    const { key, evaluation } = entry.trials[0]!;
    expect(timed('trialDetail', () => queries.trialDetail(store, key)).evaluations).toHaveLength(TASKS);
    timed('itemsOf', () => queries.itemsOf(store, evaluation?.key ?? ''));
    expect(timed('failures', () => queries.failures(store, 1))).toEqual([]);
    const keys = queries.trialKeys(store).slice(-PLANNED);
    const done = timed(`doneKeys of ${PLANNED} trials`, () => queries.doneKeys(store, keys));
    expect(done.evaluations.size).toBe(PLANNED * TASKS);
    timed('runSummaries', () => queries.runSummaries(store));
    console.log(report.join('\n'));
  }, 3_600_000);
});

/** Rows of `table` like its first, one per row of `source`, with some columns given as expressions over it. */
function copyOf(table: string, changed: Readonly<Record<string, string>>, source: string): string {
  const config = getTableConfig(TABLES[table]!);
  const columns = config.columns.map(({ name }) => name);
  const values = columns.map((column) => changed[column] ?? `first.${column}`);
  const kept = columns.filter((column) => !(column in changed));
  const first = table === 'latency_shapes' ? 'where measurement = 1' : 'limit 1';
  return `insert into ${table} (${columns.join(', ')}) select ${values.join(', ')}
    from (select ${kept.join(', ')} from ${table} ${first}) as first cross join ${source} as source;`;
}
