import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../../drizzle/queries.ts';
import type { Leaderboard } from '../../../board/derive/leaderboard.ts';
import { trials } from '../../../drizzle/schema.ts';
import type { ReferenceRecord } from '../../../scripts/reference-card.ts';
import { hubCacheDir, noHubCache } from '../../support/hub-cache.ts';

const CLI = resolve(import.meta.dirname, '../../../cli/index.ts');
const CHOICE = ['--methods', 'rtn/w8,rtn/w4g32,gptq/w4g32', '--models', 'tinyworld-gpt'];
/** What training found on the test items when it was done. */
const RECORD = JSON.parse(
  readFileSync(resolve(import.meta.dirname, '../../../models/tinyworld/tinyworld-gpt.json'), 'utf8'),
) as ReferenceRecord;
/**
 * The publisher's weights on the test stories, nats per predicted token, by sums in float64; test/models/stories260k.test.ts
 * holds the same weights against what their publisher measured.
 */
const STORIES_NATS = 1.48075;

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'shrinkrank-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): { process: ChildProcess; ended: Promise<Ended> } {
  const { FORCE_COLOR: _, ...inherited } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', CLI, ...args], {
    env: { ...inherited, ...(hubCacheDir !== undefined && { HF_HUB_CACHE: hubCacheDir }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
  const ended = once(child, 'close').then(([exitCode]) => ({ exitCode: exitCode as number | null, ...texts }));
  return { process: child, ended };
}

const shrinkrank = (args: readonly string[], env?: NodeJS.ProcessEnv) => start(args, env).ended;

async function boardOf(home: string, ...place: readonly string[]): Promise<Leaderboard> {
  const { exitCode, stdout } = await shrinkrank(['board', '--home', home, '--json', ...place]);
  expect(exitCode).toBe(0);
  return JSON.parse(stdout) as Leaderboard;
}

/** Quality of a variant, as perplexity its logarithm. */
function natsOf({ entries }: Leaderboard, name: string): number {
  const entry = entries.find(({ method, variant }) => `${method}/${variant}` === name);
  return Math.log(entry?.quality?.estimate.value ?? Number.NaN);
}

/** Resolves when something lies in the run's scratch folder: a child is at work. */
async function working(home: string): Promise<void> {
  const lock = join(home, 'run.lock');
  const scratch = join(home, 'scratch', '00001-trial');
  while (!existsSync(lock) || !existsSync(scratch)) await new Promise((done) => setTimeout(done, 20));
}

describe('run on an embedded model', () => {
  let home = '';
  let first: Ended;
  beforeAll(async () => {
    home = join(folder, 'home');
    // Interrupted at work as by Ctrl-C, and the same command again.
    const interrupted = start(['run', ...CHOICE, '--home', home]);
    await working(home);
    interrupted.process.kill('SIGINT');
    const { exitCode, stdout, stderr } = await interrupted.ended;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 130,
      stdout: '',
      stderr: 'stopped; run the same command again to go on\n',
    });
    first = await shrinkrank(['run', ...CHOICE, '--home', home]);
  });

  it('resumes after an interruption and shows board and cost, with nothing on standard error', () => {
    expect({ exitCode: first.exitCode, stderr: first.stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const part of ['tinyworld-gpt · tinyworld-perplexity', 'gptq/w4g32', 'rtn/w8', 'the harness itself']) {
      // The summary wraps at the width of the terminal.
      expect(first.stdout.replaceAll('\n', ' ')).toContain(part);
    }
    expect(first.stdout).not.toContain('\u001B');
  });

  it('scores dense as its card says, 8 bits next to it, and GPTQ above RTN', async () => {
    const board = await boardOf(home);
    const { entries } = board;
    const card = RECORD.tasks.find(({ task }) => task === 'tinyworld-perplexity')?.estimate.value ?? Number.NaN;
    expect(Math.abs(natsOf(board, 'dense/fp32') - Math.log(card))).toBeLessThan(1e-4);
    expect(Math.abs(Math.expm1(natsOf(board, 'rtn/w8') - natsOf(board, 'dense/fp32')))).toBeLessThan(0.005);
    expect(natsOf(board, 'gptq/w4g32')).toBeLessThan(natsOf(board, 'rtn/w4g32'));
    expect(entries.map(({ statuses }) => statuses)).toEqual(entries.map(() => ({ completed: 1 })));
  });

  it('does nothing when run again, and says so', async () => {
    const again = await shrinkrank(['run', ...CHOICE, '--home', home]);
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toBe('the store already holds all 4 variants; nothing to do\n');
    expect(again.stdout).toContain('gptq/w4g32');
    const json = await shrinkrank(['run', ...CHOICE, '--home', home, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ planned: 4, alreadyDone: 4, recorded: 0, undone: [] });
  });

  it('exports rows from which an empty store shows the same board', async () => {
    const to = join(folder, 'results');
    expect((await shrinkrank(['export', '--allow-noisy', '--home', home, '--to', to])).exitCode).toBe(0);
    const elsewhere = join(folder, 'elsewhere');
    expect((await shrinkrank(['import', to, '--home', elsewhere])).exitCode).toBe(0);
    expect(await boardOf(elsewhere)).toEqual(await boardOf(home));
    const [here, there] = await Promise.all([home, elsewhere].map((place) => shrinkrank(['board', '--home', place])));
    expect(there?.stdout).toBe(here?.stdout);
  });

  it('reproduces published artifacts, and says that they are identical', async () => {
    const again = await shrinkrank(['reproduce', 'rtn', '--trials', '2', '--home', home, '--json']);
    expect(again.exitCode).toBe(0);
    const { trials: made, methods } = JSON.parse(again.stdout) as {
      readonly trials: readonly { readonly variant: string; readonly published: string; readonly artifact: string }[];
      readonly methods: readonly object[];
    };
    expect(made.map(({ variant }) => variant).toSorted()).toEqual(['w4g32', 'w8']);
    for (const { published, artifact } of made) expect(artifact).toBe(published);
    expect(methods).toMatchObject([{ method: 'rtn', same: true }]);
  });

  it('ends with 5 and names the artifact that differs from the published one', async () => {
    const elsewhere = join(folder, 'other');
    cpSync(join(home, 'store.sqlite'), join(elsewhere, 'store.sqlite'), { recursive: true });
    const store = openStore(join(elsewhere, 'store.sqlite'));
    // One variant's artifact in the place of the other's.
    const [first, second] = store.database.select().from(trials).where(eq(trials.method, 'rtn')).all();
    const swapped = { artifact: second?.artifact ?? 0 };
    store.database
      .update(trials)
      .set(swapped)
      .where(eq(trials.key, first?.key ?? ''))
      .run();
    store.close();
    const again = await shrinkrank(['reproduce', 'rtn', '--trials', '2', '--home', elsewhere]);
    expect(again.exitCode).toBe(5);
    expect(again.stdout).toContain('0 of 1 methods give the published artifacts');
    expect(again.stdout.match(/differs/g)).toHaveLength(1);
  });

  it('does not reproduce rows of another revision', async () => {
    const elsewhere = join(folder, 'revised');
    cpSync(join(home, 'store.sqlite'), join(elsewhere, 'store.sqlite'), { recursive: true });
    const store = openStore(join(elsewhere, 'store.sqlite'));
    store.database.update(trials).set({ revision: 7 }).where(eq(trials.method, 'rtn')).run();
    store.close();
    const again = await shrinkrank(['reproduce', 'rtn', '--home', elsewhere]);
    expect(again.exitCode).toBe(0);
    expect(again.stderr).toMatch(/rtn: left out, since the rows are of revision 7 and the code here is revision \d/);
  });

  it('doctor finds nothing missing', async () => {
    const { exitCode, stdout } = await shrinkrank(['doctor', '--home', home, '--json']);
    expect(exitCode).toBe(0);
    const { findings } = JSON.parse(stdout) as { findings: { state: string; subject: string }[] };
    expect(findings.find(({ subject }) => subject === 'model tinyworld-gpt')?.state).toBe('ok');
  });
});

describe.skipIf(noHubCache)(`run on stories260k${noHubCache ? ` (${noHubCache})` : ''}`, () => {
  it('is skipped unless asked for, and scores dense as its publisher does', async () => {
    const home = join(folder, 'stories');
    const { exitCode, stderr } = await shrinkrank([
      'run',
      '--methods',
      'dense',
      '--models',
      'stories260k',
      '--home',
      home,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const board = await boardOf(home, '--model', 'stories260k');
    expect(Math.abs(natsOf(board, 'dense/fp32') - STORIES_NATS)).toBeLessThan(0.0005);
    expect((await boardOf(home)).entries).toEqual([]);
  });
});

describe('without hub and cache', () => {
  const env = { HF_HUB_CACHE: '', HF_ENDPOINT: '', HF_HOME: '' };
  beforeAll(async () => {
    env.HF_HUB_CACHE = join(folder, 'empty-cache');
    env.HF_HOME = folder;
    mkdirSync(env.HF_HUB_CACHE);
    env.HF_ENDPOINT = `http://127.0.0.1:${await closedPort()}`;
  });

  it('run works on the embedded models', async () => {
    const home = join(folder, 'embedded');
    const { exitCode, stdout, stderr } = await shrinkrank(['run', '--methods', 'dense', '--home', home], env);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    for (const model of ['tinyworld-gpt', 'tinyworld-bert']) expect(stdout).toContain(`${model} · `);
  });

  it('run ends at once with one line that says what is missing and how to get it', async () => {
    const home = join(folder, 'offline');
    const { exitCode, stdout, stderr } = await shrinkrank(['run', '--models', 'stories260k', '--home', home], env);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toMatch(/^error: karpathy\/tinyllamas@[^\n]* is not in the cache [^\n]*set HF_HUB_CACHE[^\n]*\n$/);
    expect(existsSync(join(home, 'run.lock'))).toBe(false);
  });

  it('run skips a model that cannot be fetched, runs the rest, and ends with exit code 3', async () => {
    const home = join(folder, 'embedded');
    const choice = ['--models', 'stories260k,tinyworld-bert', '--methods', 'dense'];
    const { exitCode, stdout, stderr } = await shrinkrank(['run', ...choice, '--home', home], env);
    expect(exitCode).toBe(3);
    expect(stdout).toContain('tinyworld-bert · ');
    expect(stderr).toMatch(/^stories260k: left out: karpathy\/tinyllamas@[^\n]* is not in the cache [^\n]*\n/);
  });

  it('doctor says what cannot be reached, and that the rest runs', async () => {
    const { exitCode, stdout } = await shrinkrank(['doctor', '--home', join(folder, 'offline')], env);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/~ model stories260k/);
    expect(stdout).toMatch(/✓ model tinyworld-bert/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('set HF_HUB_CACHE');
  });
});

/** A port nobody listens on: it was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address ? address.port : 1;
}
