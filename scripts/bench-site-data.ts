/**
 * What the site costs on large stores, printed with processor time beside wall time (which a busy machine stretches).
 *
 *   node scripts/bench-site-data.ts [build] [queries]      both unless named
 *
 * build    10,080 trials, 20,000 evaluations and as many measurements as trials: the whole `site:build`, step by step.
 *          Leaves that site in site/out.
 * queries  1,000,000 evaluations (50 generations of code): deriving, refreshing, and the queries of the front page.
 */
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { type Store, openStore } from '../drizzle/client.ts';
import { derivedBoard, derivedBoards, readCatalog } from '../drizzle/queries.ts';
import { recordEvaluation, recordTrial } from '../drizzle/record.ts';
import { InputError } from '../contracts/errors.ts';
import { present } from '../contracts/present.ts';
import { deriveStore } from '../board/derive/derive-store.ts';
import { type LargeStoreSize, fillLargeStore, trialCount } from '../test/support/large-store.ts';
import { evaluationOf, trialOf } from '../test/support/rows.ts';
import { buildSite } from '../cli/website/site-build.ts';

const BUILD: LargeStoreSize = {
  models: 4,
  tasks: 2,
  methods: 35,
  variantsPerMethod: 8,
  seeds: 3,
  generations: 3,
  items: 60,
};
/** One generation; the others are copies in SQL with the same artifacts, as a change of code leaves most of them. */
const QUERIES: LargeStoreSize = {
  models: 10,
  tasks: 5,
  methods: 20,
  variantsPerMethod: 5,
  seeds: 4,
  generations: 1,
  items: 60,
};
const GENERATIONS = 50;
const REPEATS = 20;

const table = new Table({ head: ['what', 'wall', 'processor', ''], style: { head: [], border: [] } });

async function timed<T>(what: string, work: () => T | Promise<T>, note: (result: T) => string = () => ''): Promise<T> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(cpu);
  add(what, (performance.now() - started) / 1000, (user + system) / 1e6, note(result));
  return result;
}

function add(what: string, wallSeconds: number, cpuSeconds: number | null, note: string): void {
  const show = (seconds: number) => (seconds < 1 ? `${(seconds * 1000).toFixed(1)} ms` : `${seconds.toFixed(1)} s`);
  table.push([what, show(wallSeconds), cpuSeconds === null ? '' : show(cpuSeconds), note]);
}

async function benchBuild(folder: string): Promise<void> {
  const store = openStore(join(folder, 'store.sqlite'));
  await timed(
    'fill',
    () => fillLargeStore(store, BUILD),
    () => `${trialCount(BUILD)} trials`,
  );
  store.close();
  const { seconds, pages } = await timed(
    'site:build, all',
    () => buildSite({ home: folder, address: null, onProgress: (text) => console.error(text) }),
    (built) => `${built.pages} pages; processor time without next's own processes`,
  );
  for (const [step, took] of Object.entries(seconds)) add(`  ${step}`, took, null, '');
  if (pages === 0) throw new InputError('the bench built no pages; see the messages above');
}

async function benchQueries(folder: string): Promise<void> {
  const path = join(folder, 'store.sqlite');
  const store = openStore(path);
  await timed('fill one generation', () => fillLargeStore(store, QUERIES));
  await timed(
    'copy generations in SQL',
    () => copyGenerations(store),
    () => `${(statSync(path).size / 2 ** 20).toFixed(0)} MiB`,
  );
  const count = store.database.$client.prepare<[], number>('select count(*) from evaluations').pluck().get();
  await timed(
    'derive from nothing',
    () => deriveStore(store),
    ({ computed }) => `${count} evaluations, ${computed.length} contests`,
  );
  await timed(
    'derive, nothing new',
    () => deriveStore(store),
    ({ computed }) => `${computed.length} contests`,
  );
  addVariant(store);
  await timed(
    'derive, a variant more',
    () => deriveStore(store),
    ({ computed }) => `${computed.length} contests`,
  );
  store.close();
  const cold = openStore(path);
  await timed(
    'front page, just opened',
    () => frontPage(cold),
    (entries) => `${entries} entries`,
  );
  const times = Array.from({ length: REPEATS }, () => {
    const started = performance.now();
    frontPage(cold);
    return (performance.now() - started) / 1000;
  }).sort((a, b) => a - b);
  add(
    'front page, median',
    present(times[REPEATS / 2], 'times[REPEATS/2]'),
    null,
    `slowest ${(present(times.at(-1), 'last of times') * 1000).toFixed(1)} ms of ${REPEATS}`,
  );
  cold.close();
}

/** Everything the front page is made of. */
function frontPage(store: Store): number {
  readCatalog(store);
  const [first] = derivedBoards(store);
  return first ? derivedBoard(store, first.id).entries.length : 0;
}

/** Trials of older code, their evaluations and measurements; without per-item outcomes, which no query of a board reads. */
function copyGenerations({ database: { $client } }: Store): void {
  const columnsOf = (name: string, changed: Readonly<Record<string, string>>) => {
    const columns = $client
      .prepare<[], { readonly name: string }>(`select name from pragma_table_info('${name}')`)
      .all()
      .map((column) => column.name);
    return {
      names: columns.join(', '),
      values: columns.map((column) => changed[column] ?? `old.${column}`).join(', '),
    };
  };
  const copy = (name: string, from: string, changed: Readonly<Record<string, string>>) => {
    const { names, values } = columnsOf(name, {
      key: 'randomblob(32)',
      digest: 'randomblob(32)',
      id: 'null',
      ...changed,
    });
    $client.exec(`insert into ${name} (${names}) select ${values} from ${from}`);
  };
  $client.exec(`
    create temp table older as
      with recursive n(i) as (select 1 union all select i + 1 from n where i < ${GENERATIONS - 1})
      select i, printf('2025-%02d-%02dT00:00:00.000Z', 1 + i / 28, 1 + i % 28) as at from n;
    create temp table made as
      select t.id as trial, t.key as old_key, older.i, older.at, randomblob(32) as key from trials t cross join older;
    create index temp.made_key on made(old_key);
    insert into runs select 'older-' || i, suite, protocol, 'commit', machine, at, finished_at, wall_seconds, overhead_seconds
      from older cross join (select * from runs limit 1);
  `);
  const moved = { run: `'older-' || made.i`, started_at: 'made.at' };
  copy('trials', 'made join trials as old on old.id = made.trial', {
    ...moved,
    key: 'made.key',
    revision: '1 + made.i',
  });
  copy('evaluations', 'made join evaluations as old on old.trial = made.old_key', { ...moved, trial: 'made.key' });
  $client.exec(
    'create temp table timed as select null as id, old.id as old_id, made.key, made.i, made.at from made join measurements as old on old.trial = made.old_key',
  );
  const first = ($client.prepare<[], number>('select max(id) from measurements').pluck().get() ?? 0) + 1;
  $client.exec(`update temp.timed set id = rowid + ${first}`);
  copy('measurements', 'timed as made join measurements as old on old.id = made.old_id', {
    ...moved,
    id: 'made.id',
    trial: 'made.key',
  });
  copy('latency_shapes', 'timed as made join latency_shapes as old on old.measurement = made.old_id', {
    measurement: 'made.id',
  });
  $client.pragma('wal_checkpoint(TRUNCATE)');
}

function addVariant(store: Store): void {
  const trial = trialOf({
    run: 'generation-0',
    identity: { method: 'sharing-4', variant: 'one-more', model: 'model-3' },
  });
  recordTrial(store, trial);
  recordEvaluation(store, evaluationOf(trial, { task: 'task-0', itemCount: QUERIES.items }));
}

const BENCHES = { build: benchBuild, queries: benchQueries } as const;

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(BENCHES, name));
if (unknown.length > 0)
  throw new InputError(`unknown bench "${unknown.join(', ')}"; known: ${Object.keys(BENCHES).join(', ')}`);
for (const [name, bench] of Object.entries(BENCHES)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-bench-'));
  try {
    await bench(folder);
  } finally {
    if (existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  }
}
console.log(table.toString());
