import { describe, expect, it } from 'vitest';
import { recordCatalog } from '../../../drizzle/catalog.ts';
import { recordEvaluation, recordMeasurement, recordRun, recordTrial } from '../../../drizzle/record.ts';
import type { Store } from '../../../drizzle/queries.ts';
import { renderChanges } from '../../../cli/render/render-changes.ts';
import { deriveStore } from '../../../board/derive/derive-store.ts';
import { runChanges } from '../../../board/derive/run-changes.ts';
import { catalogOf, methodEntryOf } from '../../support/catalog.ts';
import {
  artifactOf,
  evaluationOf,
  failedTrialOf,
  itemsOf,
  measurementOf,
  runOf,
  timeAt,
  trialOf,
} from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';

/** One variant in one run; `nats` worse than dense, or failed. */
function add(store: Store, run: number, variant: string, nats: number | 'failed'): void {
  const fields = {
    run: `run-${run}`,
    startedAt: timeAt(run * 100 + 1),
    identity: { variant, revision: run },
  };
  if (nats === 'failed') {
    recordTrial(store, failedTrialOf('timeout', fields));
    return;
  }
  const trial = trialOf({ ...fields, artifact: artifactOf(`${variant} ${nats}`, { zstdBytes: 1000 }) });
  recordTrial(store, trial);
  const items = itemsOf('same', 60);
  const outcomes = {
    ...items,
    negativeLogLikelihood: items.negativeLogLikelihood.map((loss, i) => loss + (items.tokens[i] as number) * nats),
  };
  const evaluation = evaluationOf(trial, { itemCount: 60, startedAt: timeAt(run * 100 + 2) });
  const value = 20 * Math.exp(nats);
  recordEvaluation(store, {
    ...evaluation,
    quality: {
      ...evaluation.quality,
      tokens: items.tokens.reduce((sum, tokens) => sum + tokens, 0),
      estimate: { value, low: value, high: value },
    },
    outcomes,
  });
  recordMeasurement(store, measurementOf(trial, { startedAt: timeAt(run * 100 + 3) }));
}

describe('runChanges', () => {
  const store = () => {
    const filled = temporaryStore();
    recordCatalog(filled, catalogOf({ methods: [methodEntryOf('rounding')] }));
    for (const run of [1, 2]) recordRun(filled, runOf({ id: `run-${run}`, startedAt: timeAt(run * 100) }));
    add(filled, 1, 'worse', 0.1);
    add(filled, 2, 'worse', 0.3);
    add(filled, 1, 'better', 0.3);
    add(filled, 2, 'better', 0.1);
    add(filled, 1, 'same', 0.2);
    add(filled, 2, 'same', 0.2);
    add(filled, 1, 'broke', 0.2);
    add(filled, 2, 'broke', 'failed');
    add(filled, 1, 'mended', 'failed');
    add(filled, 2, 'mended', 0.2);
    add(filled, 2, 'fresh', 0.2);
    add(filled, 2, 'failing', 'failed');
    deriveStore(filled);
    return filled;
  };

  it('lists what a run made worse or better, broke, fixed, and added', () => {
    const changes = runChanges(store(), 'run-2');
    const names = (list: readonly { readonly name: string; readonly figure: string }[]) =>
      list.filter(({ figure }) => figure === 'quality').map(({ name }) => name);
    expect(names(changes.worse)).toEqual(['rounding/worse']);
    expect(names(changes.better)).toEqual(['rounding/better']);
    expect(changes.broke.map(({ name }) => name)).toEqual([expect.stringContaining('rounding/broke on tiny')]);
    expect(changes.mended.map(({ name }) => name)).toEqual([expect.stringContaining('rounding/mended on tiny')]);
    expect(changes.failing.map(({ name }) => name)).toEqual([expect.stringContaining('rounding/failing on tiny')]);
    expect(changes.fresh).toEqual(['rounding/failing on tiny', 'rounding/fresh on tiny']);
    const text = renderChanges(changes).join('\n');
    expect(text).toContain('| rounding/worse | quality | 22.10 | 27.00 | q 0.0');
    expect(text).toContain('**Broke: completed when last run** (1)');
  });

  it('reports everything in a first run as new', () => {
    const { better, worse, broke, mended, fresh } = runChanges(store(), 'run-1');
    expect([better, worse, broke, mended]).toEqual([[], [], [], []]);
    expect(fresh).toHaveLength(5);
  });
});
