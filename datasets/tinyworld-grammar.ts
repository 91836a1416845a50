/**
 * Pairs of a grammatical and an ungrammatical sentence of TinyWorld, by phenomenon. The card is datasets/tinyworld.md.
 */
import { defineTinyWorld, onlyTest } from './shared/tinyworld/definition.ts';
import { PHENOMENON_IDS } from './shared/tinyworld/grammar.ts';
import { grammarQuestions } from './shared/tinyworld/grammar-questions.ts';

export default defineTinyWorld({
  id: 'tinyworld-grammar',
  title: 'TinyWorld grammar',
  version: '1',
  contentHash: 'fb616710fa5b567593f30b0d213fde20e300b77026cee1932a425d82d2b99e61',
  evaluationOnly: true,
  tasks: [
    {
      id: 'tinyworld-grammar-choice-accuracy',
      title: 'TinyWorld grammar',
      dataset: 'tinyworld-grammar',
      metric: 'choice-accuracy',
      higherIsBetter: true,
      chance: 0.5,
      slices: PHENOMENON_IDS,
      description:
        'Prefer the grammatical one of two sentences that differ in one word; 60 pairs for each of 12 phenomena.',
    },
  ],
  rows: () => onlyTest(grammarQuestions()),
});
