/**
 * Measures how the time of a run falls from one worker to two, each on a core of its own with all its threads:
 *
 *   node scripts/fleet-speed-up.ts [--variants <ids>] [--rounds <n>]
 *
 * One and two workers take turns, on a Redis started here. Timing is done by one worker at a time whatever their number, so
 * the time until the last artifact is judged is printed beside the whole. Needs redis-server, taskset and two cores.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { exportRows } from '../drizzle/export.ts';
import { openStore } from '../drizzle/queries.ts';
import { markdownTable } from '../cli/render/markdown-table.ts';
import { REPOSITORY_ROOT } from '../cli/setup/registry.ts';
import { quantile } from '../numerics/statistics/statistics.ts';

const CLI = join(REPOSITORY_ROOT, 'cli/index.ts');
const VARIANTS =
  'rtn/w4g32,gptq/w4g32,gptq/w2g32,wanda/s50,sparsegpt/s50,sparsegpt/s70,svd-whitened/p50,int8-dynamic/channel,magnitude/s50';

interface Took {
  readonly judgedSeconds: number;
  readonly wholeSeconds: number;
}

const { values } = parseArgs({
  options: { variants: { type: 'string', default: VARIANTS }, rounds: { type: 'string', default: '2' } },
});
for (const program of ['redis-server', 'taskset']) {
  if (spawnSync(program, ['--version']).status !== 0) throw new Error(`${program} is not there; install it`);
}
const folder = mkdtempSync(join(tmpdir(), 'shrinkrank-speed-up-'));
const socket = join(folder, 'redis.sock');
const redis = spawn('redis-server', ['--port', '0', '--unixsocket', socket, '--save', ''], { stdio: 'ignore' });
const taken = new Map<number, Took[]>([
  [1, []],
  [2, []],
]);
try {
  for (let round = 0; round < Number(values.rounds); round++) {
    // The order alternates, so that other load on the machine affects both.
    for (const workers of round % 2 === 0 ? [1, 2] : [2, 1]) {
      const took = await runWith(workers, join(folder, `home-${round}-${workers}`));
      taken.get(workers)?.push(took);
      console.error(
        `${workers} worker(s): judged after ${took.judgedSeconds.toFixed(1)} s, whole ${took.wholeSeconds.toFixed(1)} s`,
      );
    }
  }
} finally {
  redis.kill();
  rmSync(folder, { recursive: true, force: true });
}
const median = (workers: number, figure: keyof Took) =>
  quantile(
    (taken.get(workers) ?? []).map((took) => took[figure]),
    0.5,
  );
console.log(
  markdownTable(
    ['until', '1 worker', '2 workers', 'times as fast'],
    (['judgedSeconds', 'wholeSeconds'] as const).map((figure) => [
      figure === 'judgedSeconds' ? 'all artifacts are made and judged' : 'all is timed too',
      `${median(1, figure).toFixed(1)} s`,
      `${median(2, figure).toFixed(1)} s`,
      (median(1, figure) / median(2, figure)).toFixed(2),
    ]),
  ),
);

async function runWith(count: number, home: string): Promise<Took> {
  const workers = Array.from({ length: count }, (_, core) =>
    start('taskset', [
      '-c',
      String(core),
      process.execPath,
      ...cli('worker', '--share-host', '--quiet'),
      '--home',
      home,
    ]),
  );
  try {
    const options = ['--models', 'tinyworld-gpt', '--methods', values.variants, '--quiet', '--json', '--home', home];
    const coordinator = start(process.execPath, [...cli('run', '--fleet'), ...options]);
    const code = await ended(coordinator);
    if (code !== 0) throw new Error(`the run ended with exit code ${code}`);
  } finally {
    for (const worker of workers) worker.kill('SIGTERM');
    await Promise.all(workers.map(ended));
  }
  return tookOf(home);
}

/** From the first start of a method to the last end of a judgement, and of a timing. */
function tookOf(home: string): Took {
  const store = openStore(join(home, 'store.sqlite'));
  try {
    const rows = [...exportRows(store)];
    const endMs = (kind: 'evaluation' | 'measurement') =>
      Math.max(
        ...rows.flatMap((row) => (row.kind === kind ? [Date.parse(row.startedAt) + row.wallSeconds * 1000] : [])),
      );
    const startMs = Math.min(...rows.flatMap((row) => (row.kind === 'trial' ? [Date.parse(row.startedAt)] : [])));
    return {
      judgedSeconds: (endMs('evaluation') - startMs) / 1000,
      wholeSeconds: (endMs('measurement') - startMs) / 1000,
    };
  } finally {
    store.close();
  }
}

function cli(...words: readonly string[]): string[] {
  return ['--disable-warning=ExperimentalWarning', CLI, ...words, '--redis', socket];
}

function start(program: string, args: readonly string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(child.exitCode);
  return new Promise((resolve) => child.once('exit', resolve));
}
