import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { recordCatalog } from '../../../drizzle/catalog.ts';
import { leaderboard } from '../../../board/derive/leaderboard.ts';
import { recordEvaluation, recordRun, recordTrial } from '../../../drizzle/record.ts';
import { renderBoard } from '../../../cli/render/render-board.ts';
import { renderEntry } from '../../../cli/commands/show.ts';
import { catalogOf, methodEntryOf } from '../../support/catalog.ts';
import { artifactOf, runOf, slicedEvaluationOf, trialOf } from '../../support/rows.ts';
import { temporaryStore } from '../../support/store.ts';
import { PROTOCOL } from '../../../contracts/protocol.ts';

const PLACE = { model: 'tiny', task: 'story-questions' };
const ITEMS = 80;

/** Variants by the items they get right out of 80; those right more often have the worse loss. */
function storeOf(right: Readonly<Record<string, number>>) {
  const store = temporaryStore();
  recordCatalog(store, catalogOf({ methods: ['dense', 'rounding'].map((id) => methodEntryOf(id)) }));
  recordRun(store, runOf());
  for (const [variant, count] of Object.entries(right)) {
    const method = variant === 'fp32' ? 'dense' : 'rounding';
    const identity = { method, variant, model: PLACE.model };
    const zstdBytes = method === 'dense' ? 1_000_000 : 400_000;
    const trial = trialOf({ identity, artifact: artifactOf(variant, { zstdBytes }) });
    recordTrial(store, trial);
    const { quality, outcomes, ...row } = slicedEvaluationOf(trial, ITEMS);
    const correct = outcomes.ids.map((_, i) => Number(i < count));
    const value = count / ITEMS;
    recordEvaluation(store, {
      ...row,
      task: PLACE.task,
      quality: { ...quality, estimate: { value, low: value - 0.05, high: value + 0.05 }, dense: 0.9, tokens: ITEMS },
      outcomes: {
        ...outcomes,
        tokens: correct.map(() => 1),
        correct,
        negativeLogLikelihood: correct.map(() => value),
      },
    });
  }
  return store;
}

describe('a board of accuracies', () => {
  const fill = () => storeOf({ fp32: 72, w8: 70, w6: 69, w2: 20 });
  const render = () => stripVTControlCharacters(renderBoard(fill(), { ...PLACE, columns: 200 }));

  it('shows shares as percentages and what guessing gets', () => {
    const text = render();
    expect(text).toContain('dense: accuracy 90.0 % · guessing gets 25.0 %');
    expect(text).toMatch(/accuracy: higher is better · against dense: .* 95 % interval/);
    expect(text).not.toContain('perplexity');
  });

  it('ranks the highest first and separates only what the paired test separates', () => {
    const rows = [...render().matchAll(/^ +(\S+) {2}rounding\/(w\d) +(\d+\.\d) %/gm)].map(([, rank, name, value]) => [
      rank,
      name,
      value,
    ]);
    expect(rows).toEqual([
      ['1–2', 'w8', '87.5'],
      ['1–2', 'w6', '86.3'],
      ['3', 'w2', '25.0'],
    ]);
  });

  it('shows a variant slice by slice', () => {
    const store = fill();
    const entry = leaderboard(store, { ...PLACE, protocol: PROTOCOL.version }).entries.find(
      ({ variant }) => variant === 'w8',
    );
    if (!entry) throw new Error('no entry');
    const shown = stripVTControlCharacters(renderEntry(store, entry, 200));
    expect(shown).toMatch(/accuracy +87\.50 \[82\.50, 92\.50\] %; dense 90\.00 %/);
    expect(shown).toMatch(/ {2}head +50\.00 \[25\.00, 75\.00\] %; dense 62\.50 %; 53 items\n +tail +.*; 27 items/);
    expect(shown).toContain('nats per item');
    expect(shown).toMatch(/test items +80 items\n/);
  });
});
