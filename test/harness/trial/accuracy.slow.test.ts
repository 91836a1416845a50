import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Store, openStore } from '../../../drizzle/client.ts';
import { itemsOf } from '../../../drizzle/queries.ts';
import { type BoardEntry, leaderboard } from '../../../board/derive/leaderboard.ts';
import { renderBoard } from '../../../cli/render/render-board.ts';
import { runSuite } from '../../../cli/setup/run-suite.ts';
import { renderEntry } from '../../../cli/commands/show.ts';
import { planTrials } from '../../../harness/plan/plan.ts';
import { readMachine, runnerOf } from '../../../harness/measure/machine.ts';
import {
  methodRegistration,
  tinyBertModel,
  tinyGptModel,
  tinyLimits,
  tinyQuestionsEntry,
} from '../../support/tiny-suite.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const home = mkdtempSync(join(tmpdir(), 'shrinkrank-accuracy-'));
const paths = ['control/dense', 'quantization/rtn', 'quantization/gptq'];
const registrations = await Promise.all(paths.map(methodRegistration));
const variants = registrations.map((registration) => ({
  registration,
  variant: Object.keys(registration.method.variants)[0] as string,
}));
const entries = [tinyGptModel, tinyBertModel].map((model) => tinyQuestionsEntry(model, variants));
let store: Store;

beforeAll(async () => {
  const summary = await runSuite({
    suite: 'tiny',
    entries,
    limits: tinyLimits,
    home,
    retryFailed: false,
    signal: new AbortController().signal,
    onProgress: () => {},
  });
  expect(summary.undone).toEqual([]);
  store = openStore(join(home, 'store.sqlite'));
}, 300_000);
afterAll(() => {
  store.close();
  rmSync(home, { recursive: true, force: true });
});

function boardOf(model: string, task: string): readonly BoardEntry[] {
  return leaderboard(store, { model, task, protocol: PROTOCOL.version }).entries;
}

describe.each([
  ['tiny-gpt', 'choice-accuracy'],
  ['tiny-bert', 'classification-accuracy'],
])('%s on a task of %s', (model, metric) => {
  const task = `tiny-questions-${metric}`;

  it('is compressed, scored by slice and timed', () => {
    const entriesOf = boardOf(model, task);
    expect(entriesOf).toHaveLength(paths.length);
    for (const { method, trials, quality, latency, residentMemoryBytes } of entriesOf) {
      expect(
        trials.map(({ status, reason }) => [status, reason]),
        method,
      ).toEqual([['completed', null]]);
      const [evaluation] = trials.map((trial) => trial.evaluation);
      expect(quality?.metric).toBe(metric);
      const items = itemsOf(store, evaluation?.key ?? '');
      const share = (column: readonly number[]): number => column.reduce((a, b) => a + b, 0) / column.length;
      expect(quality?.estimate.value).toBe(share(items.correct));
      expect(quality?.dense).toBe(share(items.denseCorrect));
      expect(evaluation?.quality?.slices?.map(({ slice, items: count }) => [slice, count])).toEqual([
        ['head', 12],
        ['tail', 12],
      ]);
      expect(items.slices?.filter((slice) => slice === 'tail')).toHaveLength(12);
      expect(latency.map(({ shape }) => shape).toSorted()).toEqual(['1x1', '1x1-all-cores', '8x32', '8x32-all-cores']);
      expect(residentMemoryBytes).toBeGreaterThan(0);
    }
  });

  it('is ranked on a board of percentages', () => {
    const board = renderBoard(store, { model, task, columns: 120 });
    expect(board).toMatch(/dense: accuracy \d+\.\d %/);
    expect(board).toContain('higher is better');
    expect(board).not.toContain('perplexity');
  });

  it('is shown slice by slice', () => {
    const [entry] = boardOf(model, task);
    const shown = renderEntry(store, entry as BoardEntry, 120);
    expect(shown).toMatch(/ {2}tail +\d+\.\d\d \[.*\] %; dense \d+\.\d\d %; 12 items/);
    expect(shown).toContain('nats per item');
    expect(shown).toContain('same answer');
  });
});

it('refuses at once a task for another kind of model', () => {
  const [gpt] = entries;
  const crossed = { ...(gpt as (typeof entries)[number]), model: tinyBertModel };
  expect(() => planTrials([crossed], runnerOf('cpu', readMachine()))).toThrow(
    /tiny-questions-choice-accuracy \(choice-accuracy\) needs a model of kind decoder, got tiny-bert of kind encoder/,
  );
});
