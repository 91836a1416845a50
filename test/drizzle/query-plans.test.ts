import { describe, expect, it } from 'vitest';
import { InputError } from '../../contracts/errors.ts';
import * as queries from '../../drizzle/queries.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../drizzle/record.ts';
import { evaluationOf, measurementOf, runOf, trialOf } from '../support/rows.ts';
import { temporaryStore } from '../support/store.ts';
import { PROTOCOL } from '../../contracts/protocol.ts';

type Store = queries.Store;

const trial = trialOf();
const evaluation = evaluationOf(trial);

/** Every query, by its name in queries.ts: one that is missing here fails the test. */
const CALLS: Readonly<Record<string, (store: Store) => unknown>> = {
  comparedEntries: (store) => queries.comparedEntries(store, 'tiny.stories-perplexity.p2'),
  comparisonsOf: (store) => caught(() => queries.comparisonsOf(store, 'tiny.stories-perplexity.p2', 'rounding.w4')),
  completedTrials: (store) => queries.completedTrials(store, { method: 'rounding', protocol: PROTOCOL.version }),
  correctionLedger: (store) => queries.correctionLedger(store),
  correctionsOf: (store) => queries.correctionsOf(store, trial.key, 'run-1'),
  denseLatencies: (store) => queries.denseLatencies(store),
  denseQualities: (store) => queries.denseQualities(store),
  derivedBoard: (store) => caught(() => queries.derivedBoard(store, 'tiny.stories-perplexity.p2')),
  derivedBoards: (store) => queries.derivedBoards(store),
  derivedHistories: (store) => queries.derivedHistories(store, 'tiny.stories-perplexity.p2'),
  derivedHistory: (store) => queries.derivedHistory(store, 'tiny.stories-perplexity.p2', 'rounding.w4'),
  doneKeys: (store) => queries.doneKeys(store, [trial.key]),
  entriesOfMethod: (store) => queries.entriesOfMethod(store, 'rounding'),
  failures: (store) => queries.failures(store, 1),
  history: (store) =>
    queries.history(store, { method: 'rounding', variant: 'w4', model: 'tiny', task: 'stories-perplexity' }),
  historyRows: (store) =>
    queries.historyRows(store, { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version }),
  isWithdrawn: (store) => queries.isWithdrawn(store, 'run-1'),
  itemsOf: (store) => queries.itemsOf(store, evaluation.key),
  readBoard: (store) =>
    queries.readBoard(store, { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version }),
  readContest: (store) =>
    queries.readContest(store, { model: 'tiny', task: 'stories-perplexity', protocol: PROTOCOL.version }),
  readCatalog: (store) => queries.readCatalog(store),
  resultDetail: (store) => queries.resultDetail(store, trial.key),
  resultDetails: (store) => queries.resultDetails(store, [trial.key]),
  rowsOfRun: (store) => queries.rowsOfRun(store, 'run-1'),
  runSummaries: (store) => queries.runSummaries(store),
  statusBefore: (store) => queries.rowsOfRun(store, 'run-1').forEach((row) => void queries.statusBefore(store, row)),
  trialKeys: (store) => queries.trialKeys(store),
  trialDetail: (store) => queries.trialDetail(store, trial.key),
};

/** An error of what is not there comes after the query. */
function caught(query: () => unknown): void {
  try {
    query();
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
}

const LARGE_TABLES = [
  'trials',
  'artifacts',
  'evaluations',
  'evaluation_items',
  'measurements',
  'latency_shapes',
  'corrections',
  'rollup_entries',
  'rollup_comparisons',
  'rollup_histories',
];

/** Queries that are asked for all of a table. */
const WHOLE: Readonly<Record<string, string>> = {
  correctionLedger: 'corrections',
  readContest: 'corrections',
  resultDetail: 'corrections',
  resultDetails: 'corrections',
  trialKeys: 'trials',
};

function plansOf(store: Store, statements: readonly string[]): readonly { statement: string; plan: string }[] {
  return statements
    .filter((statement) => /^\s*(select|with)\b/i.test(statement))
    .map((statement) => {
      const steps = store.database.$client.prepare<[], { detail: string }>(`explain query plan ${statement}`).all();
      return { statement, plan: steps.map(({ detail }) => detail).join('\n') };
    });
}

describe('queries', () => {
  const functions = Object.entries(queries).filter(
    ([name, value]) => typeof value === 'function' && !['openStore', 'slugOf', 'entryName'].includes(name),
  );

  it.each(functions.map(([name]) => name))('%s reads large tables by index only', (name) => {
    const statements: string[] = [];
    const store = temporaryStore({ onStatement: (statement) => void statements.push(statement) });
    recordRun(store, runOf());
    recordTrial(store, trial);
    recordEvaluation(store, evaluation);
    recordMeasurement(store, measurementOf(trial));
    expect(CALLS, `add a call of ${name} to this test`).toHaveProperty(name);
    statements.length = 0;
    CALLS[name]!(store);
    const plans = plansOf(store, [...statements]);
    expect(plans.length).toBeGreaterThan(0);
    for (const { statement, plan } of plans) {
      for (const table of LARGE_TABLES.filter((table) => table !== WHOLE[name]))
        expect(plan, statement).not.toMatch(new RegExp(`^SCAN ${table}\\b`, 'm'));
    }
  });

  it('detects a table scan', () => {
    const store = temporaryStore();
    const { plan } = plansOf(store, [`select * from trials where reason = 'x'`])[0]!;
    expect(plan).toMatch(/^SCAN trials\b/m);
  });
});
