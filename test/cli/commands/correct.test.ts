import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { openStore } from '../../../drizzle/client.ts';
import { importResults } from '../../../drizzle/import.ts';
import { exportRun } from '../../../drizzle/export.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { recordEvaluation, recordRun, recordTrial } from '../../../drizzle/record.ts';
import correct from '../../../cli/commands/correct.ts';
import { evaluationOf, runOf, trialOf } from '../../support/rows.ts';
import { temporaryFolder } from '../../support/store.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const request = { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version };
const trial = trialOf();

/** A home with one trial and its evaluation, published in a folder beside it. */
function published(): { readonly home: string; readonly results: string } {
  const home = temporaryFolder();
  const results = join(home, 'results');
  const store = openStore(join(home, 'store.sqlite'));
  recordRun(store, runOf());
  recordTrial(store, trial);
  recordEvaluation(store, evaluationOf(trial));
  exportRun(store, 'run-1', results);
  store.close();
  return { home, results };
}

async function run(...rawArgs: readonly string[]): Promise<void> {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await correct.run(rawArgs);
  } finally {
    write.mockRestore();
  }
}

describe('correct', () => {
  it('withdraws a row here and at every import, once, and keeps earlier corrections in the file', async () => {
    const { home, results } = published();
    const ledger = join(results, 'corrections.jsonl');
    // A ledger whose last line an editor left without its end.
    appendFileSync(
      ledger,
      `{"kind":"correction","key":"${'0'.repeat(64)}","run":"run-1","action":"annotate","reason":"old","date":"2026-01-01"}`,
    );
    const args = [
      trial.key.slice(0, 12),
      '--withdraw',
      '--reason',
      'timed while a backup ran',
      '--home',
      home,
      '--to',
      results,
    ];
    await run(...args);
    await run(...args);
    const lines = readFileSync(ledger, 'utf8').trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[1] ?? '')).toMatchObject({ key: trial.key, run: 'run-1', action: 'withdraw' });
    const fresh = openStore(join(temporaryFolder(), 'store.sqlite'));
    importResults(fresh, results);
    expect(leaderboard(fresh, request).entries).toEqual([]);
    fresh.close();
    const here = openStore(join(home, 'store.sqlite'));
    expect(leaderboard(here, request).entries).toEqual([]);
    here.close();
  });

  it('annotates a row, whose reason the board then has', async () => {
    const { home, results } = published();
    await run(
      evaluationOf(trial).key,
      '--annotate',
      '--reason',
      'old tokenizer',
      '--run',
      'run-1',
      '--home',
      home,
      '--to',
      results,
    );
    const fresh = openStore(join(temporaryFolder(), 'store.sqlite'));
    importResults(fresh, results);
    expect(leaderboard(fresh, request).entries[0]?.trials[0]?.evaluation?.annotations).toEqual(['old tokenizer']);
    fresh.close();
  });

  it('reports invalid arguments, and then writes nothing', async () => {
    const { home, results } = published();
    const tail = ['--reason', 'r', '--home', home, '--to', results];
    await expect(run('', '--withdraw', ...tail)).rejects.toThrow('2 rows have keys that begin with ""');
    await expect(run('xyz', '--withdraw', ...tail)).rejects.toThrow('no row of the store has a key');
    await expect(run(trial.key, ...tail)).rejects.toThrow('--withdraw or --annotate');
    await expect(run(trial.key, '--withdraw', '--run', 'run-9', ...tail)).rejects.toThrow('unknown run "run-9"');
    expect(() => readFileSync(join(results, 'corrections.jsonl'))).toThrow('ENOENT');
  });
});
