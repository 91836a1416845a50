import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStore } from '../../drizzle/client.ts';
import { fillBoard } from '../support/board.ts';

const CLI = resolve(import.meta.dirname, '../../cli/shrinkrank.js');
const RESULTS = resolve(import.meta.dirname, '../../results');
/** But for the end of a line. */
const CONTROL_CHARACTERS = /(?!\n)\p{Cc}/u;

let home = '';
let empty = '';
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'shrinkrank-cli-'));
  empty = mkdtempSync(join(tmpdir(), 'shrinkrank-cli-empty-'));
  const store = openStore(join(home, 'store.sqlite'));
  fillBoard(store, { model: 'tinyworld-gpt', task: 'tinyworld-perplexity' });
  store.close();
});
afterAll(() => {
  for (const folder of [home, empty]) rmSync(folder, { recursive: true, force: true });
});

/** Runs the command as a person would, with standard output and error to pipes. */
function shrinkrank(...args: readonly string[]): SpawnSyncReturns<string> {
  const { FORCE_COLOR: _, ...env } = process.env;
  const warnings = '--disable-warning=ExperimentalWarning';
  return spawnSync(process.execPath, [warnings, CLI, ...args], { encoding: 'utf8', env, maxBuffer: 2 ** 27 });
}

/** What a command that succeeds prints; nothing on standard error, no control characters in either. */
function printed(...args: readonly string[]): string {
  const { status, stdout, stderr } = shrinkrank(...args);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).not.toMatch(CONTROL_CHARACTERS);
  return stdout;
}

describe('shrinkrank', () => {
  it.each([
    [
      ['fly'],
      /unknown command "fly"; known: board, changes, compare, correct, doctor, export, import, list, nightly, reproduce, run, show, study, tune, worker/,
    ],
    [['board', '--modle', 'x'], /board: unknown option --modle; did you mean --model\?/],
    [['run', '--methods', 'gtpq'], /unknown method "gtpq"; did you mean "gptq"; known: /],
    [['run', '--methods'], /run: --methods needs a value/],
    [['run', '--methods', 'rtn/w5'], /unknown variant of rtn "w5"; .*known: .*w4g32/],
    [['run', '--seeds', '1,x'], /--seeds: expected a whole number from 0, got "x"/],
    [['run', '--train-on-device'], /--train-on-device needs a device; name one with --runner/],
    [['run', '--no-resume'], /results are never deleted/],
    [['board', '--task', 'chess'], /unknown task "chess"; known: .*tinystories-perplexity/],
    [['show', 'rounding/w5', '--home', 'HOME'], /say which variant; the store holds rounding\/w4, rounding\/w8/],
    [['run', '--tasks', 'tinyworld-facts-choice-accuracy', '--models', 'tinyworld-bert'], /do not fit tinyworld-bert/],
    [['run', '--models', 'gpt-9'], /unknown model "gpt-9"; known: .*tinyworld-gpt/],
    [['board', '--home', 'EMPTY'], /no results yet in .*npm run bench.*import/],
    [['export', '--run', 'none', '--home', 'HOME'], /unknown run "none"; known: run-1/],
    [['import', '/no/such/file'], /\/no\/such\/file: no such file or folder/],
  ] as const)('%j ends with exit code 2 and one line that names the error', (args, message) => {
    const { status, stdout, stderr } = shrinkrank(
      ...args.map((arg) => (arg === 'HOME' ? home : arg === 'EMPTY' ? empty : arg)),
    );
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: [^\n]+\n$/);
    expect(stderr).not.toMatch(CONTROL_CHARACTERS);
  });

  it('lists its commands when called without one', () => {
    const text = printed();
    for (const command of ['run', 'board', 'list', 'show', 'compare', 'study', 'export', 'import', 'doctor']) {
      expect(text).toContain(`  ${command} `);
    }
  });

  it.each([['compare', ['shrinkrank compare <first> <second> [options]', '--task <task>']]] as const)(
    '%s --help says what it takes',
    (command, parts) => {
      const text = printed(command, '--help');
      for (const part of parts) expect(text).toContain(part);
      expect(printed(command, '-h')).toBe(text);
    },
  );

  it('ends without an error when its output pipe is closed', () => {
    const script = `"${process.execPath}" "${CLI}" list --json | head -c 1; echo "\${PIPESTATUS[0]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '{0\n', stderr: '' });
  });
});

describe('commands on a store', () => {
  it('board: text and JSON', () => {
    const text = printed('board', '--home', home);
    expect(text).toContain('tinyworld-gpt · tinyworld-perplexity');
    expect(text).toContain('guessing/s50†');
    expect(printed('board', '--home', home, '--model', 'tinyworld-bert')).toContain(
      'tinyworld-bert · tinyworld-entailment',
    );
    const { entries } = JSON.parse(printed('board', '--home', home, '--json')) as { entries: { method: string }[] };
    expect(new Set(entries.map(({ method }) => method))).toContain('training');
  });

  it('show: a variant, and one that failed with its whole reason', () => {
    const text = printed('show', 'rounding/w4', '--home', home);
    for (const part of [
      'as shipped (zstd)',
      'compression cost',
      'nats per token',
      'What rounding does.',
      'licence: Apache-2.0',
      'key',
    ]) {
      expect(text).toContain(part);
    }
    expect(printed('show', 'cutting/s99', '--home', home)).toContain('at stack');
    const detail = JSON.parse(printed('show', 'rounding/w4', '--home', home, '--json')) as { trials: unknown[] };
    expect(detail.trials).toHaveLength(1);
  });

  it('compare: names the better one, in either order', () => {
    const line = (first: string, second: string) =>
      printed('compare', first, second, '--home', home)
        .split('\n')
        .find((found) => found.startsWith('ln perplexity')) ?? '';
    expect(line('rounding/w8', 'rounding/w4')).toMatch(/-0\.19.*rounding\/w8$/);
    expect(line('rounding/w4', 'rounding/w8')).toMatch(/ 0\.19.*rounding\/w8$/);
    expect(line('rounding/w4', 'rounding/w4')).toMatch(/ 0\.0+ .*undecided$/);
    const json = printed('compare', 'rounding/w8', 'rounding/w4', '--home', home, '--json');
    expect(JSON.parse(json)).toMatchObject({ first: 'rounding/w8', comparisons: [{ seeds: 'all' }] });
  });

  it('list: every kind, text and JSON', () => {
    const text = printed('list');
    for (const part of ['methods', 'gptq', 'tinyworld-gpt', 'tinystories-perplexity', 'nightly']) {
      expect(text).toContain(part);
    }
    const listed = JSON.parse(printed('list', '--json')) as Record<string, unknown>;
    expect(Object.keys(listed)).toEqual(['methods', 'models', 'tasks', 'suites']);
    expect(Object.keys(JSON.parse(printed('list', 'models', '--json')) as object)).toEqual(['models']);
  });

  it('export and import: the rows of a published file in an empty store, without duplicates', () => {
    const [from, to] = [mkdtempSync(join(empty, 'home-')), mkdtempSync(join(empty, 'results-'))];
    const name = readdirSync(RESULTS).find((file) => file.includes('task-or-reconstruction')) ?? '';
    printed('import', join(RESULTS, name), '--home', from);
    const [file] = JSON.parse(printed('export', '--home', from, '--to', to, '--json')) as { rows: number }[];
    expect(readdirSync(to)).toEqual([name]);
    expect(readFileSync(join(to, name), 'utf8')).toBe(readFileSync(join(RESULTS, name), 'utf8'));
    const elsewhere = mkdtempSync(join(empty, 'home-'));
    const summary = JSON.parse(printed('import', to, '--home', elsewhere, '--json')) as Record<string, number>;
    expect(summary).toMatchObject({ recorded: file?.rows, present: 0 });
    const again = JSON.parse(printed('import', to, '--home', elsewhere, '--json')) as Record<string, number>;
    expect(again).toMatchObject({ recorded: 0, present: file?.rows });
  });

  it('import: a broken file is refused with its line', () => {
    const file = join(empty, 'broken.jsonl');
    writeFileSync(file, '{"kind":"run"}\n');
    const { status, stderr } = shrinkrank('import', file, '--home', join(empty, 'broken-home'));
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: .*broken\.jsonl.*1.*\n$/);
    expect(readFileSync(file, 'utf8')).toBe('{"kind":"run"}\n');
  });
});
