/**
 * The way of a large store through files: exported, imported into an empty one, gone on with, exported again. Prints what it
 * takes; 2,000 evaluations by default, `SHRINKRANK_LOAD_EVALUATIONS=1000000 npx vitest run test/drizzle/load` for the full
 * size. What is asked of the board of such a store is in large-store.slow.test.ts.
 */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exportRun } from '../../drizzle/export.ts';
import { importResults } from '../../drizzle/import.ts';
import { type Store, doneKeys, runSummaries, trialKeys } from '../../drizzle/queries.ts';
import { fillLargeStore, trialCount } from '../support/large-store.ts';
import { temporaryFolder, temporaryStore } from '../support/store.ts';

const EVALUATIONS = Number(process.env.SHRINKRANK_LOAD_EVALUATIONS ?? 2000);
const FIXED = { models: 2, tasks: 10, variantsPerMethod: 10, seeds: 1, generations: 5, items: 4 };
const SIZE = {
  ...FIXED,
  methods: Math.max(1, Math.round(EVALUATIONS / trialCount({ ...FIXED, methods: 1 }) / FIXED.tasks)),
};

describe('a large store', () => {
  it(`exports and imports ${EVALUATIONS} evaluations`, () => {
    const say = (line: string) => void process.stdout.write(`${line}\n`);
    function timed<T>(what: string, action: () => T, rowsOf?: (result: T) => number): T {
      const [started, spent] = [performance.now(), process.cpuUsage()];
      const result = action();
      const seconds = (performance.now() - started) / 1000;
      const { user, system } = process.cpuUsage(spent);
      // Processor time too: it holds on a machine that is busy with other work.
      const processorSeconds = (user + system) / 1e6;
      const rate = rowsOf ? `, ${Math.round(rowsOf(result) / processorSeconds)} rows per second of it` : '';
      say(`${what}: ${seconds.toFixed(3)} s, ${processorSeconds.toFixed(3)} s of processor time${rate}`);
      return result;
    }
    const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
    const fileOf = ({ path, database }: Store) => {
      database.$client.pragma('wal_checkpoint(TRUNCATE)');
      return megabytes(statSync(path).size);
    };

    const source = temporaryStore();
    timed('made', () => fillLargeStore(source, SIZE));
    const folder = temporaryFolder();
    const runs = runSummaries(source, SIZE.generations);
    const files = timed(
      'exported',
      () => runs.map(({ id }) => exportRun(source, id, folder)),
      (written) => written.reduce((sum, { rows }) => sum + rows, 0),
    );
    const rows = files.reduce((sum, { rows }) => sum + rows, 0);
    say(
      `${rows} rows, store ${fileOf(source)}, files ${megabytes(files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))}`,
    );

    const target = temporaryStore();
    expect(
      timed(
        'imported',
        () => importResults(target, folder),
        () => rows,
      ),
    ).toMatchObject({ recorded: rows, present: 0 });
    say(`store imported into: ${fileOf(target)}`);
    expect(
      timed(
        'imported again, nothing new',
        () => importResults(target, folder),
        () => rows,
      ),
    ).toMatchObject({ recorded: 0, present: rows });

    const keys = trialKeys(target);
    const plan = keys.slice(-Math.ceil(keys.length / SIZE.generations));
    const done = timed(`resumed: a plan of ${plan.length} trials looked up`, () => doneKeys(target, plan));
    expect(done.trials.size).toBe(plan.length);
    const completed = [...done.trials.values()].filter(({ artifact }) => artifact !== null).length;
    expect(done.evaluations.size).toBe(completed * SIZE.tasks);
    expect(done.measurements.size).toBe(completed);
    const fresh = plan.map((key) => createHash('sha256').update(key).digest('hex'));
    expect(timed(`resumed: as many that are not there`, () => doneKeys(target, fresh)).trials.size).toBe(0);

    const again = temporaryFolder();
    timed(
      'exported again',
      () => runs.forEach(({ id }) => exportRun(target, id, again)),
      () => rows,
    );
    const digests = (path: string) => readdirSync(path).map((name) => digestOf(join(path, name)));
    expect(digests(again)).toEqual(digests(folder));
  }, 7_200_000);
});

function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}
